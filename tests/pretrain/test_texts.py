"""A corpus is gone through once, in constant memory, and sampled fairly."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.exceptions import DataError, SettingError
from fenlei.pretrain.texts import Sample, Spool


def spooled(texts, path=None, sample=None):
    spool = Spool(path, sample)
    spool.fill(texts, lambda what: None)
    return spool


def test_texts_come_out_as_they_went_in(tmp_path):
    texts = ["很好\n看", "", "a\x00b", "好\ud800", '"quoted"'] * 3000
    spool = spooled(iter(texts), tmp_path / "texts")
    assert [text for batch in spool.batches() for text in batch] == [t.replace("\ud800", "\ufffd") for t in texts]
    assert (spool.n_texts, spool.n_characters) == (15_000, sum(map(len, texts)))


def test_the_digest_is_of_the_texts_alone(tmp_path):
    texts = [f"第{i}个" for i in range(20)]
    (tmp_path / "a.txt").write_text("\n".join(texts), "utf-8")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress("\n".join(texts).encode()))
    digests = {
        spooled(texts).digest,
        spooled(iter(texts), tmp_path / "kept").digest,
        spooled(tmp_path / "a.txt").digest,
        spooled([tmp_path / "b.txt.gz"]).digest,
    }
    assert len(digests) == 1
    assert spooled(texts[::-1]).digest not in digests
    assert spooled(["第0个第1个", *texts[2:]]).digest not in digests


@pytest.mark.parametrize(("texts", "message"), [([], "has no texts"), (["", ""], "all texts of the corpus are empty")])
def test_a_corpus_without_text_is_refused(texts, message):
    with pytest.raises(DataError, match=message):
        spooled(texts)


def test_one_string_is_no_corpus():
    with pytest.raises(SettingError, match="got one string"):
        spooled("很好")


@given(st.lists(st.text(max_size=40), max_size=200), st.integers(1, 300), st.integers(1, 50))
def test_a_sample_is_a_part_in_order_and_within_bounds(texts, most_characters, most_texts):
    sample = Sample(most_characters=most_characters, most_texts=most_texts, seed=3)
    for text in texts:
        sample.take(text)
    found = iter(texts)
    assert all(text in found for text in sample.texts)  # a subsequence
    assert bool(sample.texts) == bool(texts)
    assert len(sample.texts) <= max(1, most_texts)
    assert len(sample.texts) == 1 or sum(map(len, sample.texts)) <= most_characters


def test_a_sample_favours_no_part_of_the_corpus():
    sample = Sample(most_characters=4000, most_texts=10**6, seed=1)
    for i in range(40_000):
        sample.take(f"{i % 10}")
    counts = [sample.texts.count(str(digit)) for digit in range(10)]
    assert 2000 <= sum(counts) <= 4000
    assert max(counts) < 1.25 * min(counts)
