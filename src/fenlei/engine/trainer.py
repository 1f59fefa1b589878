"""The training loop: `transformers.Trainer`, with our batches, losses, optimizers and checkpoints around it."""

from __future__ import annotations

import hashlib
import json
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, Trainer, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from fenlei.engine.batches import Examples, LengthBatches
from fenlei.engine.checkpoints import Checkpoint, read_newest, write_checkpoint
from fenlei.engine.losses import Loss
from fenlei.engine.optimizers import (
    allow_sparse_gradients,
    embedding_weights,
    make_optimizer,
    make_schedule,
    takes_sparse_gradients,
)
from fenlei.engine.recipe import Recipe, Run
from fenlei.engine.regularizers import WeightAverage, adversarial, disagreement
from fenlei.engine.watch import Outcome, Watch, copied
from fenlei.exceptions import SettingError


def train_network(
    network: PreTrainedModel, train: Examples, valid: Examples | None, loss: Loss, recipe: Recipe, run: Run
) -> Outcome:
    """Train a network; afterwards it has the weights of the epoch with the best held-out score, or of the last one.

    Parameters
    ----------
    network : PreTrainedModel
        Takes what `train` gives, ``keys`` and ``batch_key``; returns an output with ``logits``, and with
        ``extra_loss`` where something is to be added to the loss.
    train, valid : Examples
        What to learn from, and what to choose the epoch by.
    loss : Loss
    recipe : Recipe
    run : Run

    Raises
    ------
    SettingError
        When the loss is not a number before any epoch has ended, or the checkpoints to go on from are of another
        training.
    """
    with TemporaryDirectory() as scratch, _own_randomness(recipe.seed):
        trainer = _Trainer(network, train, valid, loss, recipe, run, scratch)
        try:
            trainer.go()
        finally:
            trainer.watch.close()
            trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)  # answers in float32 again
    network.load_state_dict(trainer.watch.best or network.state_dict())
    network.train(False)
    return trainer.watch.outcome


def uses_gpu(device: str) -> bool:
    """Whether training runs on a GPU.

    Raises
    ------
    SettingError
        When one is asked for and there is none.
    """
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise SettingError("device=cuda, but torch finds no GPU here; leave device out, or install torch with CUDA")
    return found and device != "cpu"


def place_of(device: str) -> torch.device:
    """Where training runs, and what goes through an encoder for it; raises as `uses_gpu` does."""
    return torch.device("cuda" if uses_gpu(device) else "cpu")


def uses_bfloat16(precision: str, device: str = "auto") -> bool:
    """Whether matrix products run in bfloat16.

    ``auto`` is yes on processors with tile or vector units for it, whose products of this type are several times as
    fast. The choice does not look at the clock, so that a seed means one result.
    """
    if precision != "auto":
        return precision == "bfloat16"
    if uses_gpu(device):
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


class _Trainer(Trainer):
    """Trainer with our parts in the places it keeps for them."""

    model: PreTrainedModel
    optimizer: torch.optim.Optimizer
    lr_scheduler: torch.optim.lr_scheduler.LambdaLR

    def __init__(
        self, network: PreTrainedModel, train: Examples, valid: Examples | None, loss: Loss, recipe: Recipe, run: Run,
        scratch: str,
    ) -> None:  # fmt: skip
        self.recipe, self.loss = recipe, loss
        self.watch = Watch(self, valid)
        arguments = _arguments(recipe, scratch, unused=bool(getattr(network, "gradual", False)))
        super().__init__(
            network, arguments, train_dataset=train, callbacks=[self.watch],
            data_collator=_as_it_is,
        )  # fmt: skip
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False
        self.batches = LengthBatches(
            train, recipe.batch_size, seed=recipe.seed,
            rank=self.args.process_index, world=self.args.world_size,
        )  # fmt: skip
        self.run = run if self.is_world_process_zero() else Run(run.checkpoints, run.resume)
        self.fingerprint = _fingerprint(network, (train, valid), loss, recipe)
        self._resumed: Checkpoint | None = None
        self._is_full = False
        self._told: Any = 0.0
        self.average = WeightAverage(network, recipe.average) if recipe.average else None
        self._embeddings = embedding_weights(network) if recipe.adversarial else []
        if self._embeddings and recipe.accumulate > 1 and self.args.world_size > 1:
            raise SettingError("adversarial needs the gradient of a whole batch at once; leave accumulate out")

    def go(self) -> None:
        self._resumed = self._find_checkpoint()
        self.accelerator.wait_for_everyone()  # before the first process writes a newer one
        if self._resumed is None:
            self._train()
            return
        self.watch.resume(self._resumed)
        if self.watch.finished:
            return
        self._train_from(self._resumed)

    def _train(self, **how: Any) -> None:
        """Train; several processes exchange dense gradients only."""
        allow_sparse_gradients(self.model, self.args.world_size == 1 and takes_sparse_gradients(self.recipe))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)  # its heir is younger
            self.train(**how)

    def _train_from(self, checkpoint: Checkpoint) -> None:
        with TemporaryDirectory() as folder:  # the only way to hand a state to Trainer is a file
            TrainerState(**checkpoint.state["trainer"]).save_to_json(f"{folder}/trainer_state.json")
            self._train(resume_from_checkpoint=folder)

    def get_train_dataloader(self) -> DataLoader[Any]:
        batches: Any = self.batches  # a `Batch` says more than the list of places that torch expects
        return DataLoader(self.batches.examples, batch_sampler=batches, collate_fn=_as_it_is)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        self.optimizer = make_optimizer(self.model, self.recipe)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        self.lr_scheduler = make_schedule(self.optimizer, self.recipe, num_training_steps)
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Tensor:
        targets, weights, total = inputs.pop("targets"), inputs.pop("weights"), inputs.pop("total")
        output = model(**inputs)
        logits = output.logits.float()
        losses, right = self.loss(logits, targets), self.loss.right(logits, targets)
        if self.recipe.r_drop:
            others = model(**_other_dropout(inputs)).logits.float()
            apart = disagreement(logits, others, multi_label=self.loss.multi_label)
            losses = (losses + self.loss(others, targets) + self.recipe.r_drop * apart) / 2
        mean = (losses * weights).sum() / total
        self._told = self._told + torch.stack([mean.detach(), (right * weights).sum() / total])
        extra = getattr(output, "extra_loss", None)
        # the processes' gradients are averaged: their shares of the loss must add up
        return mean * self.args.world_size + (0.0 if extra is None else extra)

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Add the gradients of a batch, piece by piece, up to those of its mean loss."""
        self._told = 0.0
        movable = [p for p in self._embeddings if p.requires_grad]
        before = [None if p.grad is None else p.grad.clone() for p in movable]  # of batches added up
        losses = [super(_Trainer, self).training_step(model, dict(piece), *args, **kwargs) for piece in inputs]
        self.watch.take_batch(*self.accelerator.reduce(self._told, "sum").tolist())  # so that all stop together
        if movable:
            with adversarial(movable, before, self.recipe.adversarial):
                for piece in inputs:
                    super().training_step(model, piece, *args, **kwargs)
        return torch.stack(losses).sum()

    def _get_num_items_in_batch(self, *args: Any) -> None:
        """Skip the counting of tokens: `compute_loss` divides by the weights of the batch."""

    def floating_point_ops(self, inputs: Any) -> int:
        return 0

    def _clip_grad_norm(self, model: Any) -> Tensor:
        for p in self.model.parameters():
            if p.grad is not None and p.grad.is_sparse:
                p.grad = p.grad.coalesce()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        values = [g.values() if g.is_sparse else g for g in gradients]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(values)))
        scale = torch.clamp(self.args.max_grad_norm / (norm + 1e-6), max=1.0)
        if scale < 1:
            torch._foreach_mul_(values, scale)
        return norm

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        return grad_norm  # nobody asks for it, and to find it costs as much as to clip

    def _find_checkpoint(self) -> Checkpoint | None:
        if not self.run.resume or self.run.checkpoints is None:
            return None
        found, damaged = read_newest(self.run.checkpoints)
        for reason in damaged:
            self.run.message(f"{reason}; going on from the checkpoint before")
        if found is not None and found.state.get("fingerprint") != self.fingerprint:
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
            self._is_full = False
        except OSError as error:
            if not self._is_full:  # once is enough
                self.run.message(f"no checkpoint at step {self.state.global_step}: {error}; the one before stays")
            self._is_full = True

    def _checkpoint(self) -> Checkpoint:
        numbers, tensors = _split(self.optimizer.state_dict())
        state = {
            "fingerprint": self.fingerprint,
            "trainer": json.loads(json.dumps(asdict(self.state), default=str)) | {"stateful_callbacks": {}},
            "optimizer": numbers,
            "scheduler": {"last_epoch": self.lr_scheduler.last_epoch, "_last_lr": self.lr_scheduler.get_last_lr()},
            "watch": self.watch.state(),
        }
        files = {"weights": save(copied(self.model.state_dict())), "optimizer": save(tensors)}
        files["random"] = save({"torch": torch.get_rng_state()})
        if self.watch.best is not None:
            files["best"] = save(self.watch.best)
        if self.average is not None:
            state["averaged_steps"] = self.average.steps
            files["average"] = save(copied(self.average.weights))
        return Checkpoint(state, files)

    def _load_from_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        assert self._resumed is not None  # noqa: S101  (go has set it)
        self.model.load_state_dict(load(self._resumed.tensors["weights"]))
        if self.average is not None:
            weights = load(self._resumed.tensors["average"])
            placed = {name: weight.to(self.model.device) for name, weight in weights.items()}
            self.average.load(placed, self._resumed.state["averaged_steps"])

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or self._resumed is None:
            return
        state = self._resumed.state
        self.optimizer.load_state_dict(_join(state["optimizer"], load(self._resumed.tensors["optimizer"])))
        self.lr_scheduler.load_state_dict({**self.lr_scheduler.state_dict(), **state["scheduler"]})

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self._resumed is not None:
            torch.set_rng_state(load(self._resumed.tensors["random"])["torch"])


def _arguments(recipe: Recipe, scratch: str, *, unused: bool) -> TrainingArguments:
    return TrainingArguments(
        output_dir=scratch,
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulate,
        max_grad_norm=recipe.max_grad_norm,
        bf16=uses_bfloat16(recipe.precision, recipe.device),
        seed=recipe.seed,
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not uses_gpu(recipe.device),
        ddp_find_unused_parameters=unused,
        ddp_broadcast_buffers=False,
    )


def _other_dropout(inputs: dict[str, Any]) -> dict[str, Any]:
    return inputs | {"keys": ~inputs["keys"], "batch_key": ~inputs["batch_key"]}


def _as_it_is(batch: Any) -> Any:
    return batch


def _fingerprint(network: PreTrainedModel, texts: tuple[Examples, Examples | None], loss: Loss, recipe: Recipe) -> str:
    """Tell trainings apart: settings, network and its first weights, texts and labels."""
    settings = [asdict(recipe), network.config.to_diff_dict(), loss.class_weights, _ways(network)]
    digest = hashlib.sha256(json.dumps(settings, default=lambda value: str(value.tolist())).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy())
    for part in filter(None, texts):
        digest.update(part.fingerprint())
    return digest.hexdigest()


def _ways(network: PreTrainedModel) -> list[Any]:
    """Tell what no configuration says: which weights learn, how fast, and what is dropped."""
    rate_of = getattr(network, "rate_of", lambda name: 1.0)
    rates = [(name, rate_of(name) if p.requires_grad else 0) for name, p in network.named_parameters()]
    dropped = [getattr(module, "rate", getattr(module, "p", None)) for module in network.modules()]
    own = [getattr(network, name, None) for name in ("gradual", "temperature")]
    return [*rates, *(rate for rate in dropped if isinstance(rate, float)), *own]


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Seed what Trainer seeds anyway, and leave the caller's generators as they were."""
    ours, theirs = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)  # noqa: NPY002


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
