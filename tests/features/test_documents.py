from __future__ import annotations

from typing import Any

import pytest

from fenlei.exceptions import DataError, SettingError
from fenlei.features import documents as module
from fenlei.features.documents import check_documents, share_out


def test_lists_of_tokens_pass_as_they_are() -> None:
    assert check_documents([["好看", "good"], []]) == [["好看", "good"], []]


@pytest.mark.parametrize("documents", [[["a"], "b"], [["a"], ["b", 3]], ["a", ["b"]]])
def test_what_is_not_of_one_kind_is_refused_with_its_row(documents: list[Any]) -> None:
    with pytest.raises(DataError, match="row 2"):
        check_documents(documents)


def test_one_string_is_refused() -> None:
    with pytest.raises(SettingError):
        check_documents("好看")


@pytest.mark.parametrize("texts", [["ab", "c", "", "defg", "h"], [["ab", "c"], [], ["defg"], ["h"]]])
def test_blocks_keep_order_and_bounds(texts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CHARACTERS", 3)
    blocks = share_out(texts)
    assert [document for block in blocks for document in block] == texts
    assert all(len(block) == 1 or sum(len("".join(document)) for document in block) <= 3 for block in blocks)
    monkeypatch.setattr(module, "_MOST", 2)
    monkeypatch.setattr(module, "_FEWEST", 1)
    assert max(map(len, share_out(texts))) <= 2
    assert share_out([]) == []
