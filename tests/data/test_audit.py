"""Each check on a small example that has the trouble, and on clean data that has not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fenlei.data.audit import Audit, audit
from fenlei.data.dataset import Dataset
from fenlei.data.findings import ROWS_CAP, Finding
from fenlei.exceptions import SettingError

CHNSENTICORP = Path(__file__).parents[3] / "shared" / "data" / "chnsenticorp"


def dataset(texts, targets, encoding="utf-8", first=2):
    return Dataset(list(texts), targets, range(first, first + len(texts)), "reviews.csv", encoding)


def numbered(count, start=0):
    """Texts with nothing in common."""
    return [f"{chr(0x4E00 + i)}号评论" for i in range(start, start + count)]


def pick(found: Audit, kind: str) -> Finding:
    (finding,) = [finding for finding in found.findings if finding.kind == kind]
    return finding


def kinds(found: Audit) -> set[str]:
    return {finding.kind for finding in found.findings}


def clean_splits():
    return {
        "train": dataset(numbered(20), ["好", "坏"] * 10),
        "dev": dataset(numbered(10, 50), ["好", "坏"] * 5),
        "test": dataset(numbered(10, 100), ["好", "坏"] * 5),
    }


def test_clean_data_has_no_findings():
    found = audit(clean_splits())
    assert found.findings == ()
    assert found.ok
    assert [numbers.split for numbers in found.statistics] == ["train", "dev", "test"]


def test_statistics():
    texts = ["好" * 10, "ab", "c1", "カナ"]
    (numbers,) = audit(dataset(texts, [["x", "y"], ["x"], [], ["x"]], "gb18030")).statistics
    assert (numbers.rows, numbers.multi_label, numbers.encoding) == (4, True, "gb18030")
    assert numbers.classes == {"x": 3, "y": 1}
    assert (numbers.labels_per_row, numbers.imbalance) == (1.0, 3.0)
    lengths = numbers.lengths
    assert (lengths.min, lengths.median, lengths.mean, lengths.max) == (2, 2.0, 4.0, 10)
    assert lengths.p95 == pytest.approx(8.8)
    assert numbers.scripts == pytest.approx({"han": 10 / 15, "latin": 3 / 15, "kana": 2 / 15})


def test_splits_are_taken_in_order_of_use():
    splits = {name: dataset(numbered(2), ["a", "b"]) for name in ("my-test", "dev2", "other", "train_v1")}
    assert [numbers.split for numbers in audit(splits).statistics] == ["train_v1", "other", "dev2", "my-test"]


def test_duplicates_are_counted_as_rows_to_drop():
    texts = ["很好的书", "很好的书", "很好 的书", "很好的书", "Good", "good ", "很好的书"]
    found = audit(dataset(texts, ["a", "a", "a", "b", "a", "a", "a"]))
    exact, folded = pick(found, "exact-duplicates"), pick(found, "normalised-duplicates")
    assert (exact.count, exact.rows) == (2, {"train": (3, 8)})
    assert (folded.count, folded.rows) == (2, {"train": (4, 7)})
    assert exact.examples[0].places == (("train", 2), ("train", 3), ("train", 8))
    assert exact.fix == folded.fix == "--drop-duplicates"
    conflicts = pick(found, "conflicting-labels")
    assert conflicts.rows == {"train": (2, 3, 4, 5, 8)}
    assert "1 texts" in conflicts.message
    assert conflicts.fix == "--drop-conflicts"


def test_near_duplicates_need_the_same_label():
    texts = [
        "这家酒店的房间很干净服务也不错",
        "这家酒店的房间很干净服务也不错呀",
        "这家酒店的房间很干净服务也不错！",
    ]
    finding = pick(audit(dataset(texts, ["a", "b", "a"])), "near-duplicates")
    assert finding.rows == {"train": (4,)}
    assert finding.fix == "--drop-near-duplicates"
    assert "near-duplicates" not in kinds(audit(dataset(texts, ["a", "b", "c"])))
    assert "near-duplicates" not in kinds(audit(dataset(texts, ["a", "b", "a"]), near=0.99))


def test_leaks_show_both_rows():
    splits = clean_splits()
    sentence = "这家酒店的房间很干净服务也不错"
    splits["train"] = dataset([*numbered(20), "A b", sentence], ["好", "坏"] * 11)
    splits["test"] = dataset(["a B", sentence + "！", "不同"], ["坏", "坏", "好"])
    found = audit(splits)
    leak, near = pick(found, "leaks"), pick(found, "near-leaks")
    assert (leak.severity, leak.count, leak.rows) == ("error", 1, {"test": (2,)})
    assert leak.examples[0].places == (("test", 2), ("train", 22))
    assert "0 of them with the same labels" in leak.message
    assert near.rows == {"test": (3,)}
    assert near.examples[0].places == (("test", 3), ("train", 23))
    assert pick(found, "conflicting-labels").fix == ""  # not within train
    assert not found.ok


def test_empty_and_wordless_texts_are_not_called_duplicates():
    texts = ["", " 　", "\u200b\x00", "！！", ":(", "好", ""]
    found = audit(dataset(texts, ["a", "b", "a", "b", "a", "b", "a"]))
    assert pick(found, "empty-texts").rows == {"train": (2, 3, 4, 8)}
    assert pick(found, "wordless-texts").rows == {"train": (5, 6)}
    assert not kinds(found) & {"exact-duplicates", "conflicting-labels", "normalised-duplicates"}


def test_invisible_texts_are_neither_copies_nor_leaks():
    invisible = ["\u200b", "\u200b", "\u200b", "\x00" * 9, "\x00" * 9]
    train = dataset([*invisible, *numbered(20)], ["a", "b", "a", "b", "b", *["a", "b"] * 10])
    found = audit({"train": train, "test": dataset([*invisible, "好", "坏"], ["a", "b", "a", "b", "b", "a", "b"])})
    assert pick(found, "empty-texts").count == 10
    assert not {kind for kind in kinds(found) if "leaks" in kind or "duplicates" in kind or "conflicting" in kind}


def test_lengths():
    texts = [*numbered(60), "长" * 250, "长" * 600]
    found = audit(dataset(texts, ["a", "b"] * 31), max_length=500)
    assert pick(found, "long-texts").rows == {"train": (63,)}
    assert pick(found, "length-outliers").rows == {"train": (62, 63)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("damaged-texts", "孟\ufffd负责"),
        ("damaged-texts", "\ue123字"),
        ("lone-surrogates", "半\ud83d个"),
        ("control-characters", "响铃\x07"),
        ("control-characters", "\ufeff开头"),
        ("html-markup", "很好<br />"),
        ("html-markup", "威廉&#183;欧"),
        ("urls", "见WWW.example.com"),
    ],
)
def test_text_trouble(kind, text):
    found = audit(dataset([*numbered(10), text], ["a", "b"] * 5 + ["a"]))
    assert kinds(found) == {kind}
    assert pick(found, kind).rows == {"train": (12,)}


@pytest.mark.parametrize("text", ["1 < 2 > 0", "AT&T", "a\x85b", "👨\u200d👩\u200d👧 家", "价格<50"])
def test_texts_without_trouble(text):
    assert audit(dataset([*numbered(10), text], ["a", "b"] * 5 + ["a"])).findings == ()


def test_class_sizes():
    labels = ["a"] * 40 + ["b"] * 4
    found = audit(dataset(numbered(44), labels))
    assert pick(found, "rare-classes").rows == {"train": (42, 43, 44, 45)}
    assert "10 times" in pick(found, "class-imbalance").message
    assert pick(audit(dataset(numbered(3), ["a"] * 3)), "single-class").severity == "error"


def test_classes_of_one_split_only():
    splits = clean_splits()
    splits["test"] = dataset(numbered(10, 100), ["好"] * 9 + ["新"])
    splits["train"] = dataset(numbered(30, 200), ["好", "坏", "旧"] * 10)
    found = audit(splits)
    assert pick(found, "unseen-classes").rows == {"test": (11,)}
    assert "'旧'" in pick(found, "unmeasured-classes").message
    assert not found.ok


def test_label_shift_is_more_than_chance():
    splits = clean_splits()
    splits["dev"] = dataset(numbered(100, 300), ["好"] * 90 + ["坏"] * 10)
    found = audit(splits)
    assert "dev" in pick(found, "label-shift").message
    assert "40 %" in pick(found, "label-shift").message
    splits["dev"] = dataset(numbered(10, 300), ["好"] * 7 + ["坏"] * 3)  # a fair sample may look like this
    assert "label-shift" not in kinds(audit(splits))


def test_spellings_of_labels():
    labels = ["positive"] * 6 + ["Positive", "ｐｏｓｉｔｉｖｅ", "positive "] + ["negative"] * 6
    found = audit(dataset(numbered(15), labels))
    finding = pick(found, "label-variants")
    assert (finding.severity, finding.rows) == ("error", {"train": (8, 9, 10)})
    assert finding.fix == "--fix-labels"
    untidy = audit(dataset(numbered(10), ["好 ", "坏"] * 5))
    assert kinds(untidy) == {"untidy-labels"}
    slip = audit(dataset(numbered(30), ["negative"] * 10 + ["positive"] * 19 + ["postive"]))
    assert pick(slip, "similar-labels").rows == {"train": (31,)}
    numbers = audit(dataset(numbered(30), ["category 10"] * 29 + ["category 11"]))
    assert "similar-labels" not in kinds(numbers)
    assert pick(audit(dataset(numbered(10), [" ", "坏"] * 5)), "empty-labels").count == 5


def test_multi_label():
    targets = [["x", "y"], ["y", "x"], ["x"], [], ["y"]] * 3
    texts = ["好书一本", "好书一本", "好书一本", *numbered(12)]
    found = audit(dataset(texts, targets))
    assert pick(found, "exact-duplicates").rows == {"train": (3,)}
    assert pick(found, "conflicting-labels").rows == {"train": (2, 3, 4)}
    assert pick(found, "unlabelled-rows").count == 3
    mixed = audit({"train": dataset(numbered(4), ["x", "y"] * 2), "test": dataset(numbered(4, 9), [["x"]] * 4)})
    assert pick(mixed, "mixed-targets").severity == "error"


def test_unlabelled_data():
    found = audit({"train": dataset(["好书", "好书"], None), "test": dataset(["好书"], ["a"])})
    assert kinds(found) == {"exact-duplicates", "leaks", "single-class"}


def test_no_rows_and_encodings():
    splits = clean_splits()
    splits["dev"] = dataset([], [])
    splits["test"] = dataset(numbered(10, 100), ["好", "坏"] * 5, "gb18030")
    found = audit(splits)
    assert kinds(found) == {"no-rows", "mixed-encodings"}
    splits["test"] = dataset(numbered(10, 100), ["好", "坏"] * 5, "utf-8-sig")
    assert kinds(audit(splits)) == {"no-rows"}


def test_to_dict_can_be_written_in_utf8():
    texts = ["\ud800坏了\x1b[1m" + "长" * 50] * 3
    found = audit({"train\ud800": dataset(texts, ["\udfff ", "a", "a"])})
    document = json.dumps(found.to_dict(), ensure_ascii=False).encode("utf-8").decode("utf-8")
    assert json.loads(document)["ok"] is found.ok
    assert "\x1b" not in document
    for finding in found.findings:
        assert all(len(example.excerpt) <= 40 for example in finding.examples)


def test_rows_are_capped():
    count = ROWS_CAP + 5
    finding = pick(audit(dataset(["", *["好书"] * (count + 1)], ["a"] * (count + 2))), "exact-duplicates")
    assert (finding.count, len(finding.rows["train"])) == (count, ROWS_CAP)


def test_settings_out_of_range():
    data = dataset(["a"], ["b"])
    with pytest.raises(SettingError, match="near"):
        audit(data, near=2)
    with pytest.raises(SettingError, match="max_length"):
        audit(data, max_length=0)
    with pytest.raises(SettingError, match="nothing to audit"):
        audit({})


def test_progress_is_told():
    parts: list[str] = []
    audit(clean_splits(), progress=parts.append)
    assert len(parts) == 3


@pytest.mark.skipif(not CHNSENTICORP.exists(), reason="the shared data sets are not beside the repository")
def test_chnsenticorp_has_its_published_leaks():
    found = audit({split: read_shared(split) for split in ("test", "dev", "train")})
    leaks = {f.examples[0].places[0].split: f for f in found.findings if f.kind == "leaks"}
    assert leaks["test"].count == len(leaks["test"].rows["test"]) == 367
    assert "363 of them with the same labels" in leaks["test"].message
    assert pick(found, "conflicting-labels").message.startswith("36 texts")


def read_shared(split):
    path = CHNSENTICORP / f"{split}.jsonl"
    lines = path.read_bytes() if path.exists() else gzip.decompress(path.with_suffix(".jsonl.gz").read_bytes())
    records = [json.loads(line) for line in lines.decode("utf-8").splitlines()]
    return dataset([r["text"] for r in records], [r["label"] for r in records], first=1)
