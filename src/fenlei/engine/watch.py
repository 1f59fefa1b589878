"""What goes on beside the steps of a training: measuring, keeping the best weights, ending early, telling."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from safetensors.torch import load
from torch import Tensor
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState

from fenlei._optional import require
from fenlei.engine.batches import Examples, LengthBatches
from fenlei.engine.checkpoints import Checkpoint
from fenlei.engine.finite import is_finite
from fenlei.engine.losses import Loss
from fenlei.engine.measures import evaluate_network
from fenlei.engine.recipe import Progress, Recipe, Run
from fenlei.engine.regularizers import WeightAverage
from fenlei.exceptions import SettingError

_EVALUATED = 512  # texts at a time without gradients, at most
_MEMORY = 4  # times as many texts fit without gradients
_LAST_LOSSES = 0.98  # how much of the shown mean loss is of before this batch


@dataclass
class Outcome:
    """What a training came to; the network holds the weights of the best epoch.

    Attributes
    ----------
    history : list of dict
        For each epoch: ``epoch``, ``loss`` and ``accuracy`` (while learning), ``learning_rate``, ``seconds``, and of
        the held-out texts ``valid_loss`` and ``valid_accuracy``.
    best_epoch : int
        Counted from 1; 0 before the first epoch ends.
    best_loss, best_score : float
        Of the held-out texts at that epoch.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    best_score: float = -math.inf


class Watched(Protocol):
    """What `Watch` needs to know of the trainer."""

    recipe: Recipe
    run: Run
    loss: Loss
    batches: LengthBatches
    average: WeightAverage | None
    model: PreTrainedModel
    lr_scheduler: Any
    args: Any


class Watch(TrainerCallback):
    """Measures after each epoch, keeps the best weights, ends early, and tells how far the training is.

    Parameters
    ----------
    trainer : Watched
    valid : Examples or None
        What to choose the epoch by.
    """

    def __init__(self, trainer: Watched, valid: Examples | None) -> None:
        self.trainer, self.valid = trainer, valid
        self.outcome = Outcome()
        self.best: dict[str, Tensor] | None = None
        self.finished = False
        self._waited = 0
        self._loss, self._right, self._batches, self._shown = 0.0, 0.0, 0, math.nan
        self._begun = self._saved = time.monotonic()
        self._seconds = 0.0
        self._first_step = 0
        self._writer: Any = None

    def take_batch(self, loss: float, right: float) -> None:
        """Take the mean loss of a batch, and the share answered rightly."""
        self._loss += loss
        self._right += right
        self._batches += 1
        self._shown = loss if math.isnan(self._shown) else _LAST_LOSSES * self._shown + (1 - _LAST_LOSSES) * loss

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Start the clock, and the logs where they are wanted."""
        self._begun = self._saved = time.monotonic()
        self._first_step = state.global_step
        if self.trainer.run.tensorboard is not None and state.is_world_process_zero:
            require("tensorboard", extra="tensorboard")
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.trainer.run.tensorboard), purge_step=state.global_step + 1)

    def on_epoch_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Choose the order of the texts."""
        epoch = int((state.epoch or 0) + 1e-6)
        self.trainer.batches.set_epoch(epoch)
        begin = getattr(self.trainer.model, "begin_epoch", None)
        if begin is not None:
            begin(epoch, self.trainer.recipe.epochs)

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Stop where the loss is not a number; tell, and ask for a checkpoint when it is time."""
        if not math.isfinite(self._loss):
            self._stop(state, control)
            return
        if self.trainer.average is not None:
            self.trainer.average.update(self.trainer.model)
        self._tell(state)
        ends_epoch = float(state.epoch or 0).is_integer()  # measured first, saved then
        control.should_save = self._is_time_to_save() and not ends_epoch

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Measure, and decide whether to go on."""
        if not math.isfinite(self._loss):
            return
        average = self.trainer.average
        with nullcontext() if average is None else average.applied(self.trainer.model):
            found = self._measure(state)
            sound = math.isfinite(found.get("valid_loss", 0.0)) and all(map(is_finite, self.trainer.model.parameters()))
            if sound:
                self._record(found, state)
        if not sound:
            self._stop(state, control)
            return
        self.finished = control.should_training_stop = self._is_finished(state)
        control.should_save = self.finished or self._is_time_to_save()

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count the time to the next checkpoint from here."""
        self._saved = time.monotonic()

    def close(self) -> None:
        """End the logs."""
        if self._writer is not None:
            self._writer.close()

    def state(self) -> dict[str, Any]:
        """Give what a resumed training must know, as JSON values."""
        own = {"waited": self._waited, "loss": self._loss, "right": self._right, "batches": self._batches}
        more = {"shown": self._shown, "seconds": self._elapsed(), "finished": self.finished}
        return own | more | {"outcome": asdict(self.outcome)}

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take back what `state` gave."""
        state = checkpoint.state["watch"]
        self._waited, self._loss, self._right = state["waited"], state["loss"], state["right"]
        self._batches, self._shown, self._seconds = state["batches"], state["shown"], state["seconds"]
        self.finished, self.outcome = state["finished"], Outcome(**state["outcome"])
        self.best = load(checkpoint.tensors["best"]) if "best" in checkpoint.tensors else None

    @property
    def _last_epoch(self) -> int:
        recipe = self.trainer.recipe
        return min(recipe.epochs, recipe.stop_after or recipe.epochs)

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._begun

    def _is_time_to_save(self) -> bool:
        return time.monotonic() - self._saved >= self.trainer.run.every_seconds

    def _is_finished(self, state: TrainerState) -> bool:
        patience = self.trainer.recipe.patience
        tired = self.valid is not None and patience is not None and self._waited >= patience
        return tired or round(state.epoch or 0) >= self._last_epoch

    def _tell(self, state: TrainerState) -> None:
        epochs = self._last_epoch
        steps = state.max_steps // self.trainer.recipe.epochs * epochs
        done = state.global_step - self._first_step
        left = (time.monotonic() - self._begun) / done * (steps - state.global_step)
        epoch = min(epochs, math.ceil((state.epoch or 0) - 1e-6))
        self.trainer.run.progress(Progress(epoch, epochs, state.global_step, steps, self._shown, left))

    def _measure(self, state: TrainerState) -> dict[str, float]:
        found = {
            "epoch": float(round(state.epoch or 0)),
            "loss": self._loss / self._batches,
            "accuracy": self._right / self._batches,
            "learning_rate": max(self.trainer.lr_scheduler.get_last_lr()),
        }
        self._loss, self._right, self._batches = 0.0, 0.0, 0
        if self.valid is not None:
            batch_size = min(_EVALUATED, _MEMORY * self.trainer.recipe.batch_size)
            bf16 = bool(self.trainer.args.bf16)
            found |= evaluate_network(
                self.trainer.model, self.valid, self.trainer.loss, batch_size=batch_size, bf16=bf16
            )
        return found | {"seconds": round(self._elapsed(), 2)}

    def _record(self, found: dict[str, float], state: TrainerState) -> None:
        """Keep the weights of the best accuracy, of the lower loss among equals; without held-out texts the last."""
        loss, score = found.get("valid_loss", math.inf), found.get("valid_accuracy", -math.inf)
        lowest = min((epoch["valid_loss"] for epoch in self.outcome.history), default=math.inf) if self.valid else 0.0
        better = self.valid is None or (score, -loss) > (self.outcome.best_score, -self.outcome.best_loss)
        self._waited = 0 if better or loss < lowest else self._waited + 1
        self.outcome.history.append(found)
        if better:
            self.best = copied(self.trainer.model.state_dict())
            self.outcome.best_epoch = int(found["epoch"])
            self.outcome.best_score, self.outcome.best_loss = score, loss
        if self._writer is not None:
            for name in found.keys() - {"epoch"}:
                self._writer.add_scalar(name, found[name], state.global_step)
            self._writer.flush()

    def _stop(self, state: TrainerState, control: TrainerControl) -> None:
        """End because of numbers that are none any more; an error when there is no good epoch to keep."""
        advice = "lower learning_rate, or set max_grad_norm=1 and precision=float32"
        if self.best is None:
            raise SettingError(f"the loss is not a number any more at step {state.global_step}; {advice}")
        self.trainer.run.message(
            f"the loss was not a number any more at step {state.global_step}: training stopped, the weights of epoch "
            f"{self.outcome.best_epoch} were kept; {advice}"
        )
        control.should_training_stop = True


def copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy weights as safetensors takes them."""
    return {name: value.detach().clone().contiguous() for name, value in state.items()}
