"""When to call somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fenlei.exceptions import SettingError
from fenlei.monitor.accuracy import FEWEST_FEEDBACKS, Accuracy, surely_lost
from fenlei.monitor.drift import Drift


@dataclass(frozen=True)
class Thresholds:
    """What is too much.

    Attributes
    ----------
    psi : float, default 0.25
        Drift of a feature, if its corrected p-value is below `significance`.
    significance : float, default 0.05
    drop : float in [0, 1], default 0.05
        Accuracy lost against the one measured after training, if the 95 % interval of the loss lies above 0.
    """

    psi: float = 0.25
    significance: float = 0.05
    drop: float = 0.05

    def __post_init__(self) -> None:
        if not self.psi > 0 or not 0 < self.significance < 1 or not 0 <= self.drop <= 1:
            raise SettingError(f"thresholds are a PSI above 0, a significance and a drop in 0 to 1; got {self}")


@dataclass(frozen=True)
class Alert:
    """Something that went beyond its threshold.

    Attributes
    ----------
    kind : {"drift", "accuracy"}
    feature : str
        What has drifted; "accuracy".
    value, threshold : float
        PSI, or accuracy lost.
    n : int
        Predictions, or feedbacks, that say so.
    message : str
        For a person.
    """

    kind: Literal["drift", "accuracy"]
    feature: str
    value: float
    threshold: float
    n: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def find_alerts(
    drifts: Iterable[Drift], found: Accuracy, expected: Accuracy | None, thresholds: Thresholds
) -> tuple[Alert, ...]:
    """List what went beyond its threshold."""
    drifted = [_drifted(drift, thresholds) for drift in drifts if drift.verdict == "strong"]
    return (*drifted, *_dropped(found, expected, thresholds))


def _drifted(drift: Drift, thresholds: Thresholds) -> Alert:
    index = drift.psi or 0.0
    message = f"{drift.feature} has drifted: PSI {index:.2f}, on {drift.n:,} predictions"
    return Alert("drift", drift.feature, index, thresholds.psi, drift.n, message)


def _dropped(found: Accuracy, expected: Accuracy | None, thresholds: Thresholds) -> Sequence[Alert]:
    if expected is None or expected.value is None or found.value is None or found.n < FEWEST_FEEDBACKS:
        return ()
    lost = expected.value - found.value
    if lost < thresholds.drop or surely_lost(expected, found) <= 0:
        return ()
    fall = f"from {100 * expected.value:.1f} to {100 * found.value:.1f} %"
    message = f"accuracy has dropped {fall}, on {found.n:,} texts with feedback"
    return (Alert("accuracy", "accuracy", lost, thresholds.drop, found.n, message),)
