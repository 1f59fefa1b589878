from __future__ import annotations

from fenlei.segment.mixed import MixedSegmenter

TEXT = "2012年iPhone手机，don't miss！東京のカフェ"


def test_each_script_its_own_way() -> None:
    assert MixedSegmenter().transform([TEXT]) == [
        ["2012", "年", "iPhone", "手", "机", "don't", "miss", *"東京のカフェ"]
    ]


def test_runs_of_chinese_by_jieba_with_own_words() -> None:
    assert MixedSegmenter(unspaced="jieba").transform(["Go来到清华大学ok"]) == [["Go", "来到", "清华大学", "ok"]]
    own = MixedSegmenter(unspaced="jieba", user_dict=["好用云 n"], punctuation=True)
    assert own.transform(["很好用云计算！ok"]) == [["很", "好用云", "计算", "！", "ok"]]


def test_korean_is_spaced() -> None:
    assert MixedSegmenter().transform(["한국어 문장"]) == [["한국어", "문장"]]
