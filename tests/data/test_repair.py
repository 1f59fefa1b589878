"""Each repair by itself, all together, and against what the audit announces."""

from __future__ import annotations

import pytest

from fenlei.data.audit import audit
from fenlei.data.dataset import Dataset
from fenlei.data.labels import label_fixes, tidy_label
from fenlei.data.repair import Repairs, repair
from fenlei.exceptions import SettingError

LONG = "这家酒店的房间很干净服务也不错"


def dataset(pairs, first=1):
    texts, targets = [text for text, _ in pairs], [target for _, target in pairs]
    return Dataset(texts, targets, range(first, first + len(pairs)), "reviews.jsonl")


def rows(data):
    return list(data.rows)


def test_nothing_asked_nothing_done():
    train = dataset([("", "a"), ("", "a")])
    done = repair(train, repairs=Repairs())
    assert (done.train, done.valid, done.test, done.counts, done.messages) == (train, None, None, {}, ())


def test_drop_duplicates_keeps_the_first_of_each_label():
    train = dataset([("A b", "x"), ("ab", "x"), ("ab", "y"), ("c", "x"), ("AB ", "y")])
    done = repair(train, repairs=Repairs(drop_duplicates=True))
    assert rows(done.train) == [1, 3, 4]
    assert done.counts == {"drop_duplicates": 2}
    assert done.messages == ("dropped 2 repeated training rows",)


def test_drop_conflicts_drops_every_row_of_the_text():
    train = dataset([("A b", "x"), ("ab", "y"), ("c", "x"), ("ab", "x"), ("c", "x")])
    assert rows(repair(train, repairs=Repairs(drop_conflicts=True)).train) == [3, 5]


def test_conflicts_go_before_duplicates():
    train = dataset([("ab", "x"), ("ab", "x"), ("ab", "y")])
    assert rows(repair(train, repairs=Repairs(drop_conflicts=True, drop_duplicates=True)).train) == []


def test_drop_empty():
    train = dataset([("", "x"), (" \u3000\u200b", "x"), ("！", "x"), ("好", "y")])
    assert rows(repair(train, repairs=Repairs(drop_empty=True)).train) == [3, 4]


def test_invisible_texts_are_dropped_as_empty_only():
    train = dataset([("\u200b", "x"), ("\u200b", "x"), ("\u200b", "y")])
    repairs = Repairs(drop_duplicates=True, drop_conflicts=True, drop_leaks=True)
    assert rows(repair(train, test=dataset([("\u200b", "x")]), repairs=repairs).train) == [1, 2, 3]


def test_drop_near_duplicates():
    train = dataset([(LONG, "x"), (LONG + "！", "x"), (LONG + "呀", "y"), ("别的", "x")])
    assert rows(repair(train, repairs=Repairs(drop_near_duplicates=True)).train) == [1, 3, 4]
    assert rows(repair(train, repairs=Repairs(drop_near_duplicates=True, near=0.99)).train) == [1, 2, 3, 4]


def test_drop_near_duplicates_drops_their_copies_too():
    train = dataset([(LONG, "x"), (LONG + "！", "x"), (LONG + " ！", "x"), (LONG, "x"), (LONG + "！", "y")])
    done = repair(train, repairs=Repairs(drop_near_duplicates=True))
    assert rows(done.train) == [1, 4, 5]
    assert done.counts == {"drop_near_duplicates": 2}


def test_drop_leaks_never_touches_test():
    train = dataset([("A", "x"), ("b", "x"), ("c", "x"), (LONG, "y"), ("", "y")])
    valid = dataset([("B", "x"), ("t", "x"), ("v", "y")])
    test = dataset([("a", "x"), ("T", "x"), (LONG + "！", "y"), ("", "y")])
    done = repair(train, valid=valid, test=test, repairs=Repairs(drop_leaks=True))
    assert (rows(done.train), rows(done.valid), done.test) == ([3, 4, 5], [1, 3], test)
    assert done.counts == {"drop_leaks": 3}
    near = repair(train, valid=valid, test=test, repairs=Repairs(drop_leaks=True, drop_near_duplicates=True))
    assert rows(near.train) == [3, 5]
    assert near.test == test
    assert rows(repair(train, repairs=Repairs(drop_leaks=True)).train) == [1, 2, 3, 4, 5]


def test_fix_labels_spells_all_splits_alike():
    train = dataset([("a", "pos"), ("b", "Pos "), ("c", "pos"), ("d", "ＮＥＧ")])
    test = dataset([("e", "POS"), ("f", "NEG")])
    done = repair(train, test=test, repairs=Repairs(fix_labels=True))
    assert done.train.targets == ["pos", "pos", "pos", "NEG"]
    assert done.test.targets == ["pos", "NEG"]
    assert done.test.texts == test.texts
    assert done.counts == {"fix_labels": 3}


def test_fix_labels_of_several_a_row():
    train = dataset([("a", ["x", "X "]), ("b", ["x"]), ("c", []), ("d", ["y"])])
    done = repair(train, repairs=Repairs(fix_labels=True))
    assert done.train.targets == [["x"], ["x"], [], ["y"]]


def test_unlabelled_rows():
    train = Dataset(["a", "A", "", "b"], None, [1, 2, 3, 4], "x.txt")
    every = Repairs(*[True] * 6)
    done = repair(train, repairs=every)
    assert (rows(done.train), done.train.targets) == ([1, 4], None)
    assert repair(train.select([]), repairs=every).train.texts == []


def test_repairs_leave_nothing_for_the_audit():
    pairs = [(LONG, "x"), (LONG, "x"), (LONG + "！", "x"), ("c", "x"), ("c", "y"), ("", "y"), ("d", " Y")]
    train = dataset([*pairs, ("在测试里", "x"), *[(f"{chr(0x4E00 + i)}号", "xy"[i % 2]) for i in range(20)]])
    test = dataset([("在测试里", "x"), ("天气真好", "y")])
    before = audit({"train": train, "test": test})
    flags = {flag.strip("-").replace("-", "_") for f in before.findings for flag in f.fix.split()}
    assert flags == {*Repairs.__dataclass_fields__} - {"near"}
    dropped = sum(f.count for f in before.findings if "duplicates" in f.kind)
    done = repair(train, test=test, repairs=Repairs(**dict.fromkeys(flags, True)))
    assert audit({"train": done.train, "test": test}).findings == ()
    assert done.counts["drop_duplicates"] + done.counts["drop_near_duplicates"] == dropped == 2


def test_near_out_of_range():
    with pytest.raises(SettingError, match="near"):
        repair(dataset([("a", "b")]), repairs=Repairs(near=0))


def test_label_fixes():
    assert tidy_label("\u00a0好　 评 ") == "好 评"
    assert label_fixes({"b": 1, "B": 1, " ": 3}) == {"b": "B"}
    assert label_fixes({"01": 1, "1": 1}) == {}
