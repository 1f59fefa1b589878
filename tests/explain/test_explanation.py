from __future__ import annotations

import json

from fenlei.explain.explanation import Explanation, Segment


def make(*segments, text="服务 很好!", base=-0.5):
    return Explanation(text, "好评", "exact", 0.9, base, tuple(Segment(*one) for one in segments))


FOUND = make(("服务", 0, 2, 0.5), ("很好", 3, 5, -2.0), ("!", 5, 6, 0.0))


def test_the_score_is_all_together():
    assert FOUND.score == -2.0


def test_strongest_first_and_none_that_says_nothing():
    assert [segment.text for segment in FOUND.strongest()] == ["很好", "服务"]
    assert [segment.text for segment in FOUND.strongest(1)] == ["很好"]


def test_pieces_make_up_the_text():
    pieces = list(FOUND.pieces())
    assert [text for text, _ in pieces] == ["服务", " ", "很好", "!"]
    assert [segment is None for _, segment in pieces] == [False, True, False, False]
    assert list(make(text="<b>").pieces()) == [("<b>", None)]
    assert list(make(text="").pieces()) == []


def test_shares_of_the_largest():
    assert [FOUND.share(segment) for segment in FOUND.segments] == [0.25, -1.0, 0.0]
    silent = make(("服务", 0, 2, 0.0))
    assert silent.share(silent.segments[0]) == 0.0


def test_shares_of_all_segments_look_at_each_a_few_times_only():
    class Weighed(Segment):
        looks = 0

        def __getattribute__(self, name):
            Weighed.looks += name == "weight"
            return super().__getattribute__(name)

    segments = tuple(Weighed("好", i, i + 1, float(i)) for i in range(500))
    found = Explanation("好" * 500, "好评", "exact", 0.9, 0.0, segments)
    assert [found.share(segment) for segment in segments] == [i / 499 for i in range(500)]
    assert Weighed.looks <= 3 * 500
    assert found == Explanation("好" * 500, "好评", "exact", 0.9, 0.0, segments)
    assert "_largest" not in found.to_dict()


def test_as_json():
    plain = json.loads(json.dumps(FOUND.to_dict()))
    assert plain["segments"][0] == {"text": "服务", "start": 0, "end": 2, "weight": 0.5}
    assert {name: plain[name] for name in ("text", "label", "method", "probability", "base", "score")} == {
        "text": "服务 很好!", "label": "好评", "method": "exact", "probability": 0.9, "base": -0.5, "score": -2.0
    }  # fmt: skip
    assert plain["words_per_segment"] == 1
