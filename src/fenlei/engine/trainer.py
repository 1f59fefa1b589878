"""The training loop: `transformers.Trainer`, with our batches, losses, optimizers and checkpoints around it."""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from fenlei.engine.batches import Examples, LengthBatches, in_length_order
from fenlei.engine.checkpoints import Checkpoint, read_newest, write_checkpoint
from fenlei.engine.losses import Loss
from fenlei.engine.optimizers import make_optimizer, make_schedule
from fenlei.engine.recipe import Progress, Recipe, Run
from fenlei.exceptions import DataError, SettingError

_EVALUATED = 512  # texts at a time without gradients
_LAST_LOSSES = 0.98  # how much of the shown mean loss is of before this step


@dataclass
class Outcome:
    """What a training came to; the network holds the weights of the best epoch.

    Attributes
    ----------
    history : list of dict
        For each epoch: ``epoch``, ``loss``, ``learning_rate``, ``seconds``, and of the held-out texts
        ``valid_loss`` and ``valid_accuracy``.
    best_epoch : int
        Counted from 1; 0 before the first epoch ends.
    best_loss, best_score : float
        Of the held-out texts at that epoch.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    best_score: float = -math.inf


def train_network(
    network: PreTrainedModel, train: Examples, valid: Examples | None, loss: Loss, recipe: Recipe, run: Run
) -> Outcome:
    """Train a network; afterwards it has the weights of the epoch with the best held-out score, or of the last one.

    Parameters
    ----------
    network : PreTrainedModel
        Takes ``input_ids``, ``keys`` and ``batch_key``, returns an output with ``logits``.
    train, valid : Examples
        What to learn from, and what to choose the epoch by.
    loss : Loss
    recipe : Recipe
    run : Run

    Raises
    ------
    SettingError
        When a batch does not fit into the memory, the loss is not a number before any epoch has ended, or the
        checkpoints to go on from are of another training.
    """
    with TemporaryDirectory() as scratch, _own_randomness(recipe.seed):
        trainer = _Trainer(network, train, valid, loss, recipe, run, scratch)
        try:
            trainer.go()
        except (MemoryError, RuntimeError) as error:
            raise _explained(error, recipe) from error
    network.load_state_dict(trainer.watch.best or network.state_dict())
    network.eval()
    return trainer.watch.outcome


def uses_bfloat16(precision: str) -> bool:
    """Whether matrix products run in bfloat16.

    ``auto`` is yes on processors with tile or vector units for it: their products are two to five times as fast, and
    accuracies differ less than between seeds. The choice does not look at the clock, so that a seed means one result.
    """
    if precision != "auto":
        return precision == "bfloat16"
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


class _Trainer(Trainer):
    """Trainer with our parts in the places it keeps for them."""

    def __init__(
        self, network: PreTrainedModel, train: Examples, valid: Examples | None, loss: Loss, recipe: Recipe, run: Run,
        scratch: str,
    ) -> None:  # fmt: skip
        self.recipe, self.run, self.loss = recipe, run, loss
        self.watch = _Watch(self, valid)
        super().__init__(
            network, _arguments(recipe, scratch), train_dataset=train, callbacks=[self.watch],
            data_collator=lambda batch: batch,
        )  # fmt: skip
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False
        self.batches = LengthBatches(
            train, recipe.batch_size, seed=recipe.seed,
            rank=self.args.process_index, world=self.args.world_size,
        )  # fmt: skip
        self.fingerprint = _fingerprint(network, train, recipe)
        self._resumed: Checkpoint | None = None

    def go(self) -> None:
        self._resumed = self._find_checkpoint()
        if self._resumed is None:
            self.train()
            return
        self.watch.take(self._resumed)
        if self._resumed.state["finished"]:
            return
        with TemporaryDirectory() as folder:  # the only way to hand a state to Trainer is a file
            TrainerState(**self._resumed.state["trainer"]).save_to_json(f"{folder}/trainer_state.json")
            self.train(resume_from_checkpoint=folder)

    def get_train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.train_dataset, batch_sampler=self.batches, collate_fn=self.data_collator)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        self.optimizer = make_optimizer(self.model, self.recipe)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        self.lr_scheduler = make_schedule(self.optimizer, self.recipe, num_training_steps)
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Tensor:
        targets, weights, total = inputs.pop("targets"), inputs.pop("weights"), inputs.pop("total")
        each = self.loss(model(**inputs).logits.float(), targets)
        mean = (each * weights).sum() / total
        self.watch.losses(mean.item())
        return mean * self.args.world_size  # the processes' gradients are averaged, their losses must add up

    def _get_num_items_in_batch(self, *args: Any) -> None:
        """Skip the counting of tokens: `compute_loss` divides by the weights of the batch."""

    def floating_point_ops(self, inputs: Any) -> int:
        return 0

    def _clip_grad_norm(self, model: Any) -> Tensor:
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        values = [g._values() if g.is_sparse else g for g in gradients]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(values)))
        scale = torch.clamp(self.args.max_grad_norm / (norm + 1e-6), max=1.0)
        if scale < 1:
            torch._foreach_mul_(values, scale)
        return norm

    def _find_checkpoint(self) -> Checkpoint | None:
        if not self.run.resume or self.run.checkpoints is None:
            return None
        found, damaged = read_newest(self.run.checkpoints)
        for reason in damaged:
            self.run.message(f"{reason}; going on from the checkpoint before")
        if found is not None and found.state["fingerprint"] != self.fingerprint:
            raise SettingError(
                f"{self.run.checkpoints}: the checkpoints are of another training; give the same data and settings "
                "to resume it, or train without resuming"
            )
        return found

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if self.run.checkpoints is None or not self.args.should_save:
            return
        try:
            write_checkpoint(self.run.checkpoints, self.state.global_step, self._checkpoint())
        except OSError as error:
            self.run.message(f"no checkpoint at step {self.state.global_step}: {error}; the one before stays")

    def _checkpoint(self) -> Checkpoint:
        numbers, tensors = _split(self.optimizer.state_dict())
        state = {
            "fingerprint": self.fingerprint,
            "trainer": json.loads(json.dumps(asdict(self.state), default=str)) | {"stateful_callbacks": {}},
            "optimizer": numbers,
            "scheduler": {"last_epoch": self.lr_scheduler.last_epoch, "_last_lr": self.lr_scheduler.get_last_lr()},
            "watch": self.watch.state(),
            "finished": self.watch.finished,
        }
        files = {"weights": save(_copied(self.model.state_dict())), "optimizer": save(tensors)}
        files["random"] = save({"torch": torch.get_rng_state()})
        if self.watch.best is not None:
            files["best"] = save(self.watch.best)
        return Checkpoint(state, files)

    def _load_from_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        assert self._resumed is not None  # noqa: S101  (go has set it)
        self.model.load_state_dict(load(self._resumed.tensors["weights"]))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or self._resumed is None:
            return
        state = self._resumed.state
        self.optimizer.load_state_dict(_join(state["optimizer"], load(self._resumed.tensors["optimizer"])))
        self.lr_scheduler.load_state_dict({**self.lr_scheduler.state_dict(), **state["scheduler"]})

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self._resumed is not None:
            torch.set_rng_state(load(self._resumed.tensors["random"])["torch"])


class _Watch(TrainerCallback):
    """Measures after each epoch, keeps the best weights, ends early, and tells how far the training is."""

    def __init__(self, trainer: _Trainer, valid: Examples | None) -> None:
        self.trainer, self.valid = trainer, valid
        self.outcome = Outcome()
        self.best: dict[str, Tensor] | None = None
        self.finished = False
        self._waited = 0
        self._sum, self._count, self._mean = 0.0, 0, math.nan
        self._begun = self._saved = time.monotonic()
        self._seconds = 0.0
        self._first_step = 0
        self._writer: Any = None

    def losses(self, loss: float) -> None:
        """Take the loss of a step."""
        self._sum += loss
        self._count += 1
        self._mean = loss if math.isnan(self._mean) else _LAST_LOSSES * self._mean + (1 - _LAST_LOSSES) * loss

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._begun = self._saved = time.monotonic()
        self._first_step = state.global_step
        if self.trainer.run.tensorboard is not None and args.should_save:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.trainer.run.tensorboard))

    def on_epoch_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.trainer.batches.set_epoch(int((state.epoch or 0) + 1e-6))

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if not math.isfinite(self._sum):
            self._stop_at_nan(state, control)
            return
        now = time.monotonic()
        self._tell(state, now)
        control.should_save = now - self._saved > self.trainer.run.every_seconds
        if control.should_save:
            self._saved = now

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        control.should_save = control.should_log = control.should_evaluate = False
        if not math.isfinite(self._sum):
            return
        self._measure(state)
        self._sum, self._count = 0.0, 0
        patience = self.trainer.recipe.patience
        if self.valid is not None and patience is not None and self._waited > patience:
            control.should_training_stop = True
        self.finished = control.should_training_stop or state.global_step >= state.max_steps
        self._saved = time.monotonic()
        control.should_save = True

    def on_train_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._writer is not None:
            self._writer.close()

    def state(self) -> dict[str, Any]:
        """Give what a resumed training must know, as JSON values."""
        own = {"waited": self._waited, "sum": self._sum, "count": self._count, "mean": self._mean}
        return {**own, "seconds": self._elapsed(), "outcome": asdict(self.outcome)}

    def take(self, checkpoint: Checkpoint) -> None:
        """Take back what `state` gave."""
        state = checkpoint.state["watch"]
        self._waited, self._sum, self._count = state["waited"], state["sum"], state["count"]
        self._mean, self._seconds = state["mean"], state["seconds"]
        self.outcome = Outcome(**state["outcome"])
        self.best = load(checkpoint.tensors["best"]) if "best" in checkpoint.tensors else None

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._begun

    def _tell(self, state: TrainerState, now: float) -> None:
        done = state.global_step - self._first_step
        left = (now - self._begun) / done * (state.max_steps - state.global_step)
        epochs = self.trainer.recipe.epochs
        epoch = min(epochs, math.ceil((state.epoch or 0) - 1e-6))
        progress = Progress(epoch, epochs, state.global_step, state.max_steps, self._mean, left)
        self.trainer.run.progress(progress)

    def _measure(self, state: TrainerState) -> None:
        found: dict[str, float] = {
            "epoch": float(round(state.epoch or 0)),
            "loss": self._sum / max(1, self._count),
            "learning_rate": self.trainer.lr_scheduler.get_last_lr()[0],
        }
        score = -math.inf
        if self.valid is not None:
            found |= evaluate_network(self.trainer.model, self.valid, self.trainer.loss, self._bf16)
            score = found["valid_accuracy"]
        found["seconds"] = round(self._elapsed(), 2)
        self.outcome.history.append(found)
        if self._writer is not None:
            for name, value in found.items():
                self._writer.add_scalar(name, value, state.global_step)
        self._keep_best(found, score)

    def _keep_best(self, found: dict[str, float], score: float) -> None:
        """Keep the weights of the best score, of the lower loss among equals; without held-out texts the last."""
        loss = found.get("valid_loss", math.inf)
        better = self.valid is None or (score, -loss) > (self.outcome.best_score, -self.outcome.best_loss)
        self._waited = 0 if better or loss < self.outcome.best_loss else self._waited + 1
        if better:
            self.best = _copied(self.trainer.model.state_dict())
            self.outcome.best_epoch = int(found["epoch"])
            self.outcome.best_score, self.outcome.best_loss = score, loss

    def _stop_at_nan(self, state: TrainerState, control: TrainerControl) -> None:
        advice = "lower learning_rate, or set max_grad_norm=1 and precision=float32"
        if self.best is None:
            raise SettingError(f"the loss is not a number any more at step {state.global_step}; {advice}")
        self.trainer.run.message(
            f"the loss was not a number any more at step {state.global_step}: training stopped, the weights of epoch "
            f"{self.outcome.best_epoch} were kept; {advice}"
        )
        self.finished = control.should_training_stop = True

    @property
    def _bf16(self) -> bool:
        return bool(self.trainer.args.bf16)


@torch.no_grad()
def evaluate_network(network: PreTrainedModel, examples: Examples, loss: Loss, bf16: bool) -> dict[str, float]:
    """Measure ``valid_loss`` and ``valid_accuracy`` (of multi-label: the share of right yes-or-no answers)."""
    network.eval()
    total, right = 0.0, 0.0
    for order in in_length_order(examples, _EVALUATED):
        targets = torch.from_numpy(examples.targets[order]).to(network.device)
        with torch.autocast(network.device.type, torch.bfloat16, enabled=bf16):
            logits = network(input_ids=examples.padded(order).to(network.device)).logits.float()
        weights = torch.from_numpy(examples.weights[order]).to(network.device)
        total += float((loss(logits, targets) * weights).sum())
        right += float((_right(logits, targets) * weights).sum())
    network.train()
    all_weights = float(examples.weights.sum())
    return {"valid_loss": total / all_weights, "valid_accuracy": right / all_weights}


def _right(logits: Tensor, targets: Tensor) -> Tensor:
    if targets.dim() == 1:
        return (logits.argmax(1) == targets).float()
    return ((logits > 0) == (targets > 0.5)).float().mean(1)


def _arguments(recipe: Recipe, scratch: str) -> TrainingArguments:
    return TrainingArguments(
        output_dir=scratch,
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulate,
        max_grad_norm=recipe.max_grad_norm,
        bf16=uses_bfloat16(recipe.precision),
        seed=recipe.seed,
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
    )


def _fingerprint(network: PreTrainedModel, train: Examples, recipe: Recipe) -> str:
    """Tell trainings apart: settings, network, texts and labels."""
    digest = hashlib.sha256(json.dumps([asdict(recipe), network.config.to_diff_dict()], default=str).encode())
    for channel in train.channels:
        digest.update(np.ascontiguousarray(channel.ids))
        digest.update(np.ascontiguousarray(channel.bounds))
    digest.update(np.ascontiguousarray(train.targets))
    digest.update(np.ascontiguousarray(train.weights))
    return digest.hexdigest()


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Seed what Trainer seeds anyway, and leave the caller's generators as they were."""
    ours, theirs = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)


def _explained(error: Exception, recipe: Recipe) -> Exception:
    if isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error):
        return SettingError(
            f"a batch of {recipe.batch_size} texts does not fit into the memory; lower batch_size (accumulate=2 makes "
            "up for half the size) or max_length"
        )
    return error


def _split(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Part an optimizer's state into JSON values and tensors called ``parameter.name``."""
    tensors = {f"{i}.{name}": value for i, own in state["state"].items() for name, value in own.items()}
    return {"param_groups": state["param_groups"]}, {k: v for k, v in tensors.items() if isinstance(v, Tensor)}


def _join(numbers: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        i, _, name = key.partition(".")
        state.setdefault(int(i), {})[name] = value
    return {"state": state, "param_groups": numbers["param_groups"]}


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone().contiguous() for name, value in state.items()}


__all__ = ["DataError", "Outcome", "evaluate_network", "train_network", "uses_bfloat16"]
