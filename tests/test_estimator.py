from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from fenlei._estimator import Estimator, Transformer
from fenlei.exceptions import SettingError


class Shout(Transformer):
    """Adds marks."""

    def __init__(self, mark: str = "!", times: int = 1) -> None:
        self.mark, self.times = mark, times

    def transform(self, X: Any) -> list[str]:
        return [text + self.mark * self.times for text in X]


def test_settings_are_the_keywords_of_the_constructor() -> None:
    shout = Shout(times=2)
    assert Shout.parameter_names() == ["mark", "times"]
    assert shout.get_params() == shout.get_params(deep=False) == {"mark": "!", "times": 2}
    assert shout.set_params(mark="?").transform(["so"]) == ["so??"]
    assert shout.set_params() is shout


def test_an_unknown_setting_changes_nothing() -> None:
    shout = Shout()
    with pytest.raises(SettingError, match="unknown setting of Shout 'tims'; did you mean 'times'"):
        shout.set_params(mark="?", tims=2)
    assert shout.mark == "!"


def test_repr_names_what_differs_from_the_defaults() -> None:
    assert repr(Shout()) == "Shout()"
    assert repr(Shout(mark="?", times=1)) == "Shout(mark='?')"


def test_an_estimator_may_have_no_settings() -> None:
    class Plain(Estimator):
        pass

    assert Plain().get_params() == {}
    assert repr(Plain()) == "Plain()"


def test_scikit_learn_takes_transformers() -> None:
    pipeline = make_pipeline(Shout(mark="?"), Shout())
    assert pipeline.fit_transform(["so"]) == ["so?!"]
    assert clone(Shout(times=3)).times == 3
    check_is_fitted(Shout())
    assert "Shout" in pipeline._repr_html_()


def test_a_transformer_must_say_what_it_does() -> None:
    with pytest.raises(AttributeError, match="does not define transform"):
        Transformer().transform(["a"])


def test_predicting_never_imports_scikit_learn() -> None:
    script = (
        "import sys, fenlei; model = fenlei.TfidfClassifier(calibrate=False);"
        "model.fit(['很好', '很差'], ['a', 'b']).predict(['好']);"
        "print([name for name in ('sklearn', 'scipy.sparse', 'scipy.stats', 'torch', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
