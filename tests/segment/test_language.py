from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest

from fenlei.exceptions import SettingError
from fenlei.segment.language import Language, detect_language

DATA = Path(__file__).parents[3] / "shared" / "data"
REAL = {
    "zh": ["chnsenticorp", "chnsenticorp_htl", "thucnews", "waimai"],
    "en": ["agnews", "goemotions_multilabel", "imdb", "mr", "sms_spam", "sst2", "subj", "trec"],
}


def read_texts(name: str) -> list[str]:
    path = next(DATA.joinpath(name).glob("test.jsonl*"), None)
    if path is None:
        pytest.skip(f"the real data set {name} is not there")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line)["text"] for line in itertools.islice(stream, 3000)]


@pytest.mark.parametrize(("language", "name"), [(language, name) for language in REAL for name in REAL[language]])
def test_real_sets(language: str, name: str) -> None:
    found = detect_language(read_texts(name))
    assert found.name == language
    assert max(found.cjk_share, found.latin_share) > 0.99


def test_rows_that_alternate_are_mixed_at_any_size() -> None:
    for size in (2, 10, 2000, 5001):
        found = detect_language(["很好", "very good"] * size)
        assert found.name == "mixed"
        assert found.cjk_share == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["新款iPhone X Pro Max很好"], "zh"),
        (["最好の小店", "我爱你"], "zh"),
        (["the word 好 means good in Chinese, they say"], "en"),
        (["déjà vu", "Öl"], "en"),
        (["東京のカフェはとても良いです"], "other"),
        (["привет"], "other"),
        (["한국어 문장"], "other"),
        ([], "other"),
        (["", "123 !?", "\ud800", "😀"], "other"),
        (["", "123", "好"], "zh"),
        (["好"] * 95 + ["ok"] * 5, "zh"),
        (["好"] * 85 + ["ok"] * 15, "mixed"),
    ],
)
def test_names(texts: list[str], name: str) -> None:
    assert detect_language(texts).name == name


def test_shares_and_sample_are_reported_and_repeatable() -> None:
    texts = ["很好", "bad", "123", "привет"]
    assert detect_language(texts) == Language("other", cjk_share=0.3333, latin_share=0.3333, n_sampled=4)
    many = [f"{'好' if i % 3 else 'ok'}{i}" for i in range(5000)]
    assert detect_language(many, sample=50) == detect_language(many, sample=50)
    assert detect_language(many, sample=50).n_sampled == 50


def test_mistakes() -> None:
    with pytest.raises(SettingError, match="one string"):
        detect_language("好")
    with pytest.raises(SettingError, match="sample"):
        detect_language(["好"], sample=0)
