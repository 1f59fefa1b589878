from __future__ import annotations

import pytest

from fenlei._optional import require
from fenlei.exceptions import FenleiError, MissingExtraError


def test_an_installed_package_is_imported() -> None:
    assert require("json.decoder", extra="demo").JSONDecoder().decode("[1]") == [1]


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part"])
def test_a_missing_one_is_one_line_with_the_command(module: str) -> None:
    with pytest.raises(MissingExtraError) as error:
        require(module, extra="parquet")
    assert str(error.value) == (
        "this needs the package 'no_such_package', which is not installed; run: pip install 'fenlei[parquet]'"
    )
    assert isinstance(error.value, FenleiError)
    assert isinstance(error.value, ImportError)


def test_a_package_that_lacks_one_of_its_own_is_not_called_missing(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_part\n")  # type: ignore[operator]
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match="no_such_part"):
        require("half_installed", extra="demo")
