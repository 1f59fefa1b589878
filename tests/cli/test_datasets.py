from __future__ import annotations

import json

from click.testing import CliRunner

from fenlei.cli.datasets import datasets_command
from fenlei.data.public import PUBLIC_SETS


def test_json_lists_every_set() -> None:
    result = CliRunner().invoke(datasets_command, ["--json"])
    assert result.exit_code == 0
    sets = {one["name"]: one for one in json.loads(result.stdout)}
    assert set(sets) == set(PUBLIC_SETS)
    assert sets["reviews-zh"]["classes"] == ["negative", "positive"]
    assert sets["imdb"]["rows"] == {"train": 25000, "test": 25000}
    assert all(
        {"language", "origin", "licence", "at_hand", "extra", "multi_label"} <= set(one) for one in sets.values()
    )


def test_the_table_shows_every_name_and_how_to_get_it() -> None:
    result = CliRunner().invoke(datasets_command, [])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in PUBLIC_SETS)
    assert "pip install 'fenlei[hub]'" in result.stdout
