"""A trained model with its report and the facts of its training, as one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fenlei.persistence import REFERENCE, save

if TYPE_CHECKING:
    from fenlei.data.audit import Audit
    from fenlei.evaluation.evaluation import Evaluation
    from fenlei.monitor.reference import TrainingReference
    from fenlei.train.run import Trained, TrainPlan


def save_trained(
    trained: Trained,
    out: Path,
    plan: TrainPlan,
    sources: Mapping[str, str | None],
    reference: TrainingReference,
    audit: Audit | None = None,
    curve: Sequence[Mapping[str, float]] = (),
) -> None:
    """Write the model folder with its report, the facts of its training and the reference for monitoring."""
    from fenlei.evaluation.report import describe, environment, render_report

    created = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")
    measured = {"validation": trained.validation, "test": trained.test}
    shown = trained.test or trained.validation
    assert shown is not None  # noqa: S101  (a training always measures)
    page = describe(
        trained.model, shown, model=out.name, data=sources["test" if trained.test else "valid"] or "",
        command=plan.command, seconds=trained.seconds, created=created, audit=audit, learning_curve=curve,
        history=trained.history,
    )  # fmt: skip
    facts = {
        "created": created,
        "command": plan.command,
        "data": dict(sources),
        "n_train": trained.n_train,
        "seconds": trained.seconds,
        "environment": environment(),
        "learning_curve": list(curve),
        "history": list(trained.history),
        "metrics": {name: None if found is None else _summary(found) for name, found in measured.items()},
    }
    extra = {"report.html": render_report(page).encode(), REFERENCE: reference.to_bytes()}
    save(trained.model, out, facts=facts, extra=extra)


def _summary(found: Evaluation) -> dict[str, Any]:
    plain = found.to_dict()
    return {name: plain[name] for name in ("n", "accuracy", "f1_macro", "f1_micro", "log_loss", "intervals")}
