from __future__ import annotations

from pathlib import Path

import pytest

from fenlei.exceptions import DataError
from fenlei.segment.jieba import JiebaSegmenter
from fenlei.segment.user_dict import Entry, parse_user_dict

TEXT = "我来到北京清华大学"


def test_cut_and_search() -> None:
    assert JiebaSegmenter().transform([TEXT]) == [["我", "来到", "北京", "清华大学"]]
    assert JiebaSegmenter(mode="search").transform([TEXT]) == [
        ["我", "来到", "北京", "清华", "华大", "大学", "清华大学"]
    ]


def test_english_and_numbers_stay_whole_and_white_space_goes() -> None:
    assert JiebaSegmenter().transform(["iPhone\u3000C++ \n 3.5寸 don't"]) == [
        ["iPhone", "C++", "3.5", "寸", "don", "'", "t"]
    ]


def test_part_of_speech() -> None:
    assert JiebaSegmenter(pos=["v", "ns"]).transform([TEXT]) == [["来到", "北京"]]
    assert JiebaSegmenter(tagged=True).transform([TEXT]) == [["我/r", "来到/v", "北京/ns", "清华大学/nt"]]
    assert JiebaSegmenter(pos=["n"], tagged=True).transform([TEXT]) == [["北京/ns", "清华大学/nt"]]


def test_lone_surrogates_become_replacement_characters() -> None:
    assert JiebaSegmenter().transform(["北京\ud800"]) == [["北京", "\ufffd"]]
    assert JiebaSegmenter(tagged=True).transform(["北京\ud800"]) == [["北京/ns", "\ufffd/x"]]


def test_same_words_as_jieba_itself() -> None:
    jieba = pytest.importorskip("jieba")
    jieba.setLogLevel(60)
    texts = [
        "今天天气很好，我们去公园玩吧。",
        "词汇阅读是关键 08年考研暑期英语复习全指南",
        "这个宾馆比较陈旧了，特价的房间也很一般。",
    ]
    assert JiebaSegmenter().transform(texts) == [[t for t in jieba.cut(text) if t.strip()] for text in texts]


def test_user_words_join_and_split_and_leave_others_alone() -> None:
    before = JiebaSegmenter().transform(["很好用云计算", TEXT])
    assert JiebaSegmenter(user_dict=["好用云"]).transform(["很好用云计算"]) == [["很", "好用云", "计算"]]
    assert "来到" not in JiebaSegmenter(user_dict=["来到 0"], hmm=False).transform([TEXT])[0]
    assert JiebaSegmenter(user_dict=["K歌王"], pos=["nz"]).transform(["去K歌王吧"]) == [["K歌王"]]
    assert JiebaSegmenter().transform(["很好用云计算", TEXT]) == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_read_by_fit_and_travels_in_the_settings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("好用云 100000 n\r\n\r\n韩玉赏鉴\r\n".encode(encoding))
    segmenter = JiebaSegmenter(user_dict=path).fit([])
    path.unlink()
    assert segmenter.transform(["很好用云计算，韩玉赏鉴"]) == [["很", "好用云", "计算", "，", "韩玉赏鉴"]]
    assert segmenter.settings()["user_dict"] == ["好用云 100000 n", "", "韩玉赏鉴", ""]
    assert segmenter.get_params()["user_dict"] == path


def test_lines_of_a_dictionary() -> None:
    assert parse_user_dict(["  词 ", "词 5", "词 n", "词\t5\tn", "12", "n"]) == (
        Entry("词", None, "nz"),
        Entry("词", 5, "nz"),
        Entry("词", None, "n"),
        Entry("词", 5, "n"),
        Entry("12", None, "nz"),
        Entry("n", None, "nz"),
    )


@pytest.mark.parametrize("line", ["两 个 词", "词 -5 n", "词 5 名词", "词 " + "9" * 5000])
def test_wrong_lines_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "words.txt"
    path.write_text(f"好\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"words\.txt, row 2: "):
        JiebaSegmenter(user_dict=path).fit([])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: cannot read the user dictionary: No such file"):
        JiebaSegmenter(user_dict=str(tmp_path / "none.txt")).transform(["好"])
