"""Fingerprints tell texts apart, and do not mind in how many steps they are made."""

from __future__ import annotations

from fenlei.scoring.digest import Digest


def test_steps_do_not_matter():
    whole, steps = Digest(), Digest()
    whole.add_texts(["好", "", "b"])
    steps.add_texts(["好"])
    steps.add_texts(["", "b"])
    assert str(whole) == str(steps)


def test_where_a_text_ends_counts():
    digests = []
    for texts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["\ud800"], ["\ufffd"]):
        digest = Digest()
        digest.add_texts(texts)
        digests.append(str(digest))
    assert len(set(digests)) == 6
