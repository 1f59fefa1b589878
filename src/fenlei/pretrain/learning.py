"""The training itself: how many steps, and what is measured on the way."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fenlei.engine.batches import smallest_ints
from fenlei.engine.losses import Loss
from fenlei.engine.measures import evaluate_network
from fenlei.engine.recipe import Progress, Recipe, Run
from fenlei.engine.trainer import train_network, uses_bfloat16
from fenlei.features._types import I64
from fenlei.pretrain.corpus import PackedCorpus
from fenlei.pretrain.examples import PackedExamples, Task, Visits
from fenlei.pretrain.networks import PlacedLanguageModel
from fenlei.pretrain.settings import PretrainSettings
from fenlei.pretrain.workplace import Workplace

Tell = Callable[[str], None]

_HELD_OUT = 20  # one sequence in so many at most
_TIMED_STEPS, _FEWEST_TIMED, _TIMED_SECONDS = 16, 4, 20.0
_SPARE = 0.97  # of the minutes; the rest is for checkpoints and the result
_LARGEST_LOSS = 700.0  # whose perplexity is a number

_loss = Loss(multi_label=False)


class Parts(NamedTuple):
    """Which sequences are learned from, and which measured on."""

    train: NDArray[Any]
    held_out: I64


def split_rows(corpus: PackedCorpus, settings: PretrainSettings) -> Parts:
    """Hold sequences out at random: a twentieth, but no more than are wanted, and at least one."""
    order = np.arange(len(corpus), dtype=smallest_ints(len(corpus)))
    np.random.default_rng(settings.seed).shuffle(order)
    n = max(1, min(settings.held_out, len(corpus) // _HELD_OUT))
    return Parts(np.sort(order[n:]), np.sort(order[:n]).astype(np.int64))


class Learning:
    """A training of a network on a corpus.

    Parameters
    ----------
    network : PlacedLanguageModel
    corpus : PackedCorpus
    task : Task
    settings : PretrainSettings
        Resolved.
    workplace : Workplace
    progress, message : callable
        Told what is being done, and what is worth keeping on the screen.
    """

    def __init__(
        self, network: PlacedLanguageModel, corpus: PackedCorpus, task: Task, settings: PretrainSettings,
        workplace: Workplace, *, progress: Tell, message: Tell,
    ) -> None:  # fmt: skip
        self.network, self.corpus, self.task, self.settings = network, corpus, task, settings
        self.workplace, self._progress, self._message = workplace, progress, message
        self.parts = split_rows(corpus, settings)
        self.held_out = PackedExamples(corpus, Visits(self.parts.held_out), task)
        self.history: list[dict[str, float]] = []
        self._batch_size = settings.batch_size or 1
        self._due: dict[int, int] = {}
        self._begun = time.monotonic()
        self._seconds = 0.0
        self._is_first = True

    def plan(self, begun: float) -> int:
        """Count the steps, by a short trial where minutes are given.

        Parameters
        ----------
        begun : float
            When the whole work began, by ``time.monotonic``.
        """
        if self.settings.steps is not None:
            return self.settings.steps
        if self.settings.minutes is None:
            return math.ceil((self.settings.epochs or 1) * len(self.parts.train) / self._batch_size)
        self._progress("timing some steps")
        step, measuring = self._time()
        left = self.settings.minutes * 60 * _SPARE - (time.monotonic() - begun) - self.settings.rounds * measuring
        steps = max(1, int(left / step))
        self._message(
            f"{1 / step:,.2f} steps a second: {steps:,} steps fill {self.settings.minutes:g} minutes; another run may "
            f"count otherwise and learn otherwise, steps={steps} gives the same again"
        )
        return steps

    def run(self, steps: int, *, resume: bool, every_seconds: float) -> None:
        """Train, and measure the held-out sequences at the beginning and at the end of each round."""
        self.history = self.workplace.history() if resume else []
        self._due = {round(steps * i / self._rounds(steps)): i for i in range(1, self._rounds(steps) + 1)}
        if not self.history:
            self._measure(0, 0)
        self._begun, self._seconds = time.monotonic(), self.history[-1]["seconds"]
        examples = self._examples(steps)
        run = Run(
            checkpoints=self.workplace.checkpoints, resume=resume, every_seconds=every_seconds,
            progress=self._step_done, message=self._message,
        )  # fmt: skip
        train_network(self.network, examples, None, _loss, self._recipe(), run)

    def _rounds(self, steps: int) -> int:
        return min(self.settings.rounds, steps)

    def _examples(self, steps: int) -> PackedExamples:
        visits = Visits(self.parts.train, steps * self._batch_size, self.settings.seed)
        return PackedExamples(self.corpus, visits, self.task)

    def _recipe(self) -> Recipe:
        own = self.settings
        return Recipe(
            epochs=1, batch_size=self._batch_size, learning_rate=own.learning_rate or 0.0, schedule=own.schedule,
            warmup=own.warmup, weight_decay=own.weight_decay, max_grad_norm=own.max_grad_norm, precision=own.precision,
            patience=None, seed=own.seed,
        )  # fmt: skip

    def _step_done(self, progress: Progress) -> None:
        if self._is_first:
            self._forget(progress.step - 1)
        left = timedelta(seconds=int(progress.seconds_left))
        self._progress(
            f"step {progress.step:,}/{progress.steps:,}, loss {progress.loss:.3f}, "
            f"perplexity {_perplexity(progress.loss):,.1f}, {self._last_accuracy()}{left} left"
        )
        if progress.step in self._due:
            self._measure(progress.step, self._due[progress.step])

    def _last_accuracy(self) -> str:
        return f"{accuracies(self.history[-1], is_masked=self.settings.is_masked)}, " if self.history else ""

    def _forget(self, step: int) -> None:
        """Drop what an interrupted run measured after its last checkpoint: it is measured again."""
        self._is_first = False
        self.history = [point for point in self.history if point["step"] <= step]
        self._begun, self._seconds = time.monotonic(), self.history[-1]["seconds"]

    def _measure(self, step: int, number: int) -> None:
        found = self._evaluate(self.network)
        loss = found["valid_loss"]
        seconds = round(self._seconds + time.monotonic() - self._begun, 2) if step else 0.0
        point = {
            "step": step,
            "seconds": seconds,
            "loss": loss,
            "perplexity": _perplexity(loss),
            "accuracy": found["valid_accuracy"],
        }
        if "valid_extra_accuracy" in found:
            point["next_sentence_accuracy"] = found["valid_extra_accuracy"]
        self.history.append(point)
        if math.isfinite(loss):
            self.workplace.remember(self.history)
        if step:
            self._message(
                f"round {number}/{len(self._due)}, step {step:,}: held-out loss {loss:.3f}, "
                f"perplexity {point['perplexity']:,.1f}, {accuracies(point, is_masked=self.settings.is_masked)}"
            )

    def _evaluate(self, network: PlacedLanguageModel) -> dict[str, float]:
        bf16 = uses_bfloat16(self.settings.precision)
        return evaluate_network(network, self.held_out, _loss, batch_size=2 * self._batch_size, bf16=bf16)

    def _time(self) -> tuple[float, float]:
        """Take the seconds of a step and of measuring, with a copy of the network."""
        trial, times = copy.deepcopy(self.network), []

        def stop_in_time(progress: Progress) -> None:
            times.append(time.monotonic())
            if len(times) > _FEWEST_TIMED and times[-1] - times[0] > _TIMED_SECONDS:
                raise _EnoughError

        try:
            recipe = replace(self._recipe(), warmup=0.0, learning_rate=0.0)
            train_network(trial, self._examples(_TIMED_STEPS), None, _loss, recipe, Run(progress=stop_in_time))
        except _EnoughError:
            pass
        begun = time.monotonic()
        self._evaluate(self.network)
        return float(np.median(np.diff(times))), time.monotonic() - begun


def accuracies(point: Mapping[str, float], *, is_masked: bool) -> str:
    """Tell the accuracies of a point of the history.

    Examples
    --------
    >>> accuracies({"accuracy": 0.25, "next_sentence_accuracy": 0.5}, is_masked=True)
    'masked accuracy 25.0%, next-sentence accuracy 50.0%'
    """
    told = f"{'masked' if is_masked else 'next-token'} accuracy {point['accuracy']:.1%}"
    pairs = point.get("next_sentence_accuracy")
    return told if pairs is None else f"{told}, next-sentence accuracy {pairs:.1%}"


class _EnoughError(Exception):
    """Ends a trial."""


def _perplexity(loss: float) -> float:
    return math.exp(min(loss, _LARGEST_LOSS))
