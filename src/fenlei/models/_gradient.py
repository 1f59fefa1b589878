"""What all families that learn by gradient steps share: a part held out, training by the engine, and scoring."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from fenlei._checks import check_choice, check_number
from fenlei._memory import memory_explained
from fenlei._stages import TOKENIZE, stage
from fenlei.base import Held, TextClassifier
from fenlei.data.split import rows_to_hold_out
from fenlei.engine.batches import Examples, in_length_order
from fenlei.engine.finite import is_finite
from fenlei.engine.losses import Loss
from fenlei.engine.recipe import DEVICES, OPTIMIZERS, PRECISIONS, SCHEDULES, Recipe, Run
from fenlei.engine.trainer import train_network, uses_gpu
from fenlei.models._soft_targets import SoftTargets, taught, with_labels
from fenlei.preparation import Preparation
from fenlei.targets import Targets, class_weights

_FEWEST_TO_HOLD_OUT = 50  # texts; of fewer, a tenth tells nothing
_SCORED = 512  # texts at a time
_RECIPE = (
    "epochs", "batch_size", "learning_rate", "optimizer", "momentum", "weight_decay", "schedule", "warmup",
    "max_grad_norm", "label_smoothing", "focal", "precision", "patience", "stop_after", "accumulate",
    "r_drop", "adversarial", "average", "device", "seed",
)  # fmt: skip


class GradientTextClassifier(TextClassifier):
    """A network that learns in epochs; a subclass says what it reads and how the network is made.

    Parameters
    ----------
    dropout : float, default=0.5
        Share of the values of the text's vector set to 0 in training, before the last layer.
    epochs : int, default=10
        Passes over the training texts at most.
    batch_size : int, default=64
        Texts of a step.
    accumulate : int, default=1
        Batches whose gradients are added before a step; for small memories.
    learning_rate : float, default=0.001
        The highest of the schedule.
    optimizer : {"adamw", "adam", "sgd", "rmsprop"}, default="adamw"
        How steps follow from gradients; ``adamw`` moves only those token vectors that a batch holds.
    momentum : float, default=0.9
        Of ``sgd`` and ``rmsprop``.
    weight_decay : float, default=0.01
        How strongly weights are drawn to 0.
    schedule : {"constant", "linear", "cosine", "step", "one-cycle"}, default="linear"
        Course of the learning rate after the warm-up: level, a line to 0, half a cosine to 0, a tenth after each third,
        or up and down again.
    warmup : float, default=0.05
        Share of the steps over which the rate rises.
    max_grad_norm : float, default=5.0
        Longer gradients are scaled down to this length; 0 leaves them.
    label_smoothing : float, default=0.0
        Probability taken from the label and spread over all classes, 0 to below 1.
    focal : float, default=0.0
        Exponent of the focal loss, for rare classes; 0 is cross-entropy.
    r_drop : float, default=0.0
        Weight of the disagreement between two passes with different dropout (Wu et al. 2021); 0 makes one pass only.
    adversarial : float, default=0.0
        How far token vectors move to where the loss grows, for a second pass (Miyato et al. 2017); 0 makes none.
    average : float, default=0.0
        Decay of a moving average of the weights, which is then measured and kept, such as 0.999; 0 is none.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where training runs; ``auto`` is a GPU if there is one.
    class_weight : None, "balanced" or dict, default=None
        How much the texts of each class count; "balanced" makes all classes count the same in sum.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of matrix products in training; ``auto`` is bfloat16 where the processor has units for it.
    patience : int or None, default=3
        Epochs without a better held-out loss or score before training ends; None never ends early.
    stop_after : int or None, default=None
        Epochs after which training ends, the schedule being that of all ``epochs``; None goes on to the last.
    hold_out : float, default=0.1
        Share of the training texts held out to choose the epoch by, when none are given, at most 0.5; 0 keeps the last
        epoch.
    clean : dict or None, default=None
        Settings of `fenlei.clean.cleaner.Cleaner` that differ from its defaults.
    language : {"auto", "zh", "en", "mixed", "other"}, default="auto"
        Detected from the texts unless given.
    seed : int, default=13
        Of the first weights, the order of the texts and the dropout; the same seed gives the same model.
    """

    trains_in_epochs = True
    is_costly = True
    network_: PreTrainedModel
    preparation_: Preparation
    history_: list[dict[str, float]]
    best_epoch_: int

    def __init__(
        self,
        *,
        dropout: float = 0.5,
        epochs: Any = 10,
        batch_size: Any = 64,
        accumulate: int = 1,
        learning_rate: Any = 0.001,
        optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw",
        momentum: float = 0.9,
        weight_decay: float = 0.01,
        schedule: Literal["constant", "linear", "cosine", "step", "one-cycle"] = "linear",
        warmup: float = 0.05,
        max_grad_norm: float = 5.0,
        label_smoothing: float = 0.0,
        focal: float = 0.0,
        r_drop: float = 0.0,
        adversarial: float = 0.0,
        average: float = 0.0,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        class_weight: str | dict[Any, float] | None = None,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        patience: int | None = 3,
        stop_after: int | None = None,
        hold_out: float = 0.1,
        clean: dict[str, Any] | None = None,
        language: str = "auto",
        seed: int = 13,
    ) -> None:
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup = warmup
        self.max_grad_norm = max_grad_norm
        self.label_smoothing = label_smoothing
        self.focal = focal
        self.r_drop = r_drop
        self.adversarial = adversarial
        self.average = average
        self.device = device
        self.class_weight = class_weight
        self.precision = precision
        self.patience = patience
        self.stop_after = stop_after
        self.hold_out = hold_out
        self.clean = clean
        self.language = language
        self.seed = seed

    @property
    def language_(self) -> str:
        """Language of the training texts: "zh", "en", "mixed" or "other"."""
        self._check_fitted("preparation_")
        return str(self.preparation_.language_["name"])

    def settings_to_refit(self) -> dict[str, Any]:
        """End after as many epochs as were best, at the same rates."""
        self._check_fitted("best_epoch_")
        return {"stop_after": self.best_epoch_, "hold_out": 0.0}

    def learn_from(
        self, X: Any, probabilities: Any, classes: NDArray[Any], *, multi_label: bool = False,
        temperature: float = 1.0, run: Run | None = None,
    ) -> Self:  # fmt: skip
        """Learn to answer as another model does, forgetting what was learned before.

        Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)
            Any texts; no labels are needed.
        probabilities : array of shape (n_samples, n_classes)
            The other model's answers to them.
        classes : array of shape (n_classes,)
            The other model's classes.
        multi_label : bool, default=False
            Whether it is a multi-label model.
        temperature : float, default=1.0
            Above 1 the probabilities of unlikely classes are heard more.
        run : Run, optional

        Raises
        ------
        DataError
            When there are no texts, or the probabilities are none of theirs.
        SettingError
            When a setting is out of its range.
        """
        self.check_settings()
        texts, targets = taught(X, probabilities, multi_label, temperature)
        self.classes_, self.multi_label_ = classes, multi_label
        try:
            with memory_explained(self.get_params()):
                self._fit(texts, targets, np.ones(len(texts)), None, run)
        except BaseException:
            self._forget()
            raise
        return self

    def go_on(self, X: Any, probabilities: Any, *, temperature: float = 1.0, run: Run | None = None) -> Self:
        """Learn further from a model's answers, beginning with the weights there are; parameters as of `learn_from`."""
        self._check_fitted("network_")
        self.check_settings()
        texts, targets = taught(X, probabilities, self.multi_label_, temperature)
        with memory_explained(self.get_params()):
            self._train(texts, self.prepare(texts), targets, np.ones(len(texts)), None, run or Run())
        return self

    @abstractmethod
    def learn_inputs(self, texts: list[str], run: Run) -> Any:
        """Learn what turns texts into the network's input, and give the prepared training texts."""

    @abstractmethod
    def prepare(self, texts: list[str]) -> Any:
        """Prepare texts as the training texts were."""

    @abstractmethod
    def make_network(self, run: Run) -> PreTrainedModel:
        """Make the untrained network; torch's generator is seeded."""

    @abstractmethod
    def make_examples(self, prepared: Any, targets: NDArray[Any], weights: NDArray[np.float32], run: Run) -> Any:
        """Turn prepared texts into `Examples`; `run` is told of what is cut off."""

    def begin(self, network: Any, examples: Any) -> None:
        """Set what follows from the training texts, before training."""

    def to_learn_from(self, network: Any, examples: Any, run: Run) -> Examples:
        """Give the examples as the engine shall take them, now that the network is there."""
        learned: Examples = examples
        return learned

    def finish(self, network: Any, examples: Any) -> None:
        """Look at the trained network and its training texts, after training."""

    def scoring(self) -> AbstractContextManager[Any]:
        """Give what is to be in force while the network scores."""
        return nullcontext()

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_choice(self, "optimizer", *OPTIMIZERS)
        check_choice(self, "schedule", *SCHEDULES)
        check_choice(self, "precision", *PRECISIONS)
        check_choice(self, "device", *DEVICES)
        chosen = self.recipe_defaults()
        check_number(self, "epochs", least=1, whole=True, optional="epochs" in chosen)
        check_number(self, "batch_size", least=1, whole=True, optional="batch_size" in chosen)
        check_number(self, "accumulate", least=1, whole=True)
        for name in ("patience", "stop_after"):
            check_number(self, name, least=1, most=100_000, whole=True, optional=True)
        check_number(self, "learning_rate", above=0, most=100, optional="learning_rate" in chosen)
        for name in ("weight_decay", "max_grad_norm", "focal", "r_drop", "adversarial"):
            check_number(self, name, least=0)
        for name in ("dropout", "label_smoothing", "momentum"):
            check_number(self, name, least=0, most=0.99)
        check_number(self, "average", least=0, most=0.99999)
        check_number(self, "hold_out", least=0, most=0.5)
        check_number(self, "warmup", least=0, most=1)
        check_number(self, "seed", least=0, most=2**31, whole=True)

    def check_at_hand(self, message: Callable[[str], None] = lambda text: None) -> None:
        """Refuse to wait for a GPU that is not there."""
        uses_gpu(self.device)
        super().check_at_hand(message)

    def _fit(
        self, texts: list[str], targets: Targets, weights: NDArray[np.float64], held: Held | None, run: Run | None
    ) -> None:
        run = run or Run()
        uses_gpu(self.device)  # refuses before the work what is not there
        prepared = self.learn_inputs(texts, run)
        with torch.random.fork_rng():
            torch.manual_seed(int(self.seed))
            self.network_ = self.make_network(run)
        self._train(texts, prepared, targets, weights, held, run)

    def _train(
        self,
        texts: list[str],
        prepared: Any,
        targets: Targets,
        weights: NDArray[np.float64],
        held: Held | None,
        run: Run,
    ) -> None:
        """Train the network that there is."""
        examples = self._labelled(prepared, targets, weights, run)
        if held is None:
            examples, valid = self._divide(texts, examples, targets)
        else:
            valid = self._labelled(self.prepare(held.texts), held.targets, np.ones(len(held.texts)), run)
        labelled = with_labels(examples, targets)
        self.begin(self.network_, labelled)
        train = self.to_learn_from(self.network_, examples, run)
        held_out = None if valid is None else self.to_learn_from(self.network_, valid, run)
        outcome = train_network(self.network_, train, held_out, self._loss(targets), self._recipe(), run)
        self.history_, self.best_epoch_ = outcome.history, outcome.best_epoch
        self.finish(self.network_, labelled)

    def _loss(self, targets: Targets) -> Loss:
        return Loss(
            multi_label=targets.multi_label, smoothing=self.label_smoothing, focal=self.focal,
            class_weights=self._class_weights(targets),
            temperature=targets.temperature if isinstance(targets, SoftTargets) else 1.0,
        )  # fmt: skip

    def _scores(self, texts: list[str]) -> NDArray[np.float64]:
        with stage(TOKENIZE):
            examples: Examples = self.make_examples(
                self.prepare(texts), np.zeros(len(texts), np.int64), np.ones(len(texts), np.float32), Run()
            )
        out = np.empty((len(texts), len(self.classes_)))
        device = self.network_.device
        self.network_.eval()
        with torch.inference_mode(), self.scoring():
            for order in in_length_order(examples, _SCORED):
                batch = {name: value.to(device) for name, value in examples.batch(order).items()}
                del batch["targets"], batch["weights"]
                logits = self.network_(**batch).logits.double()
                out[order] = (logits.sigmoid() if self.multi_label_ else logits.softmax(1)).cpu().numpy()
        return out

    def _labelled(self, prepared: Any, targets: Targets, weights: NDArray[np.float64], run: Run) -> Any:
        encoded: NDArray[Any]
        if isinstance(targets, SoftTargets):
            encoded = targets.probabilities
        else:
            encoded = targets.indicator.astype(np.float32) if targets.multi_label else targets.indices
        return self.make_examples(prepared, encoded, weights.astype(np.float32), run)

    def _preparation(self) -> Preparation:
        return Preparation(clean=self.clean, language=self.language)

    def recipe_defaults(self) -> dict[str, Any]:
        """Give the values of those settings of the recipe that may be None."""
        return {}

    def _recipe(self) -> Recipe:
        given = {name: plain(getattr(self, name)) for name in _RECIPE}
        defaults = self.recipe_defaults()
        return Recipe(**{k: defaults[k] if v is None and k in defaults else v for k, v in given.items()})

    def _divide(self, texts: list[str], examples: Any, targets: Targets) -> tuple[Any, Any | None]:
        """Hold a part out to choose the epoch by, as `split` does it."""
        if self.hold_out == 0 or len(texts) < _FEWEST_TO_HOLD_OUT:
            return examples, None
        rows = rows_to_hold_out(
            texts, _names(targets), multi_label=targets.multi_label, fraction=float(self.hold_out), seed=int(self.seed)
        )
        held = np.zeros(len(texts), bool)
        held[rows] = True
        if not examples.weights[held].any() or not examples.weights[~held].any():  # nothing to choose by, or to learn
            return examples, None
        return examples.select(~held), examples.select(held)

    def _class_weights(self, targets: Targets) -> torch.Tensor | None:
        if self.class_weight is None:
            return None
        return torch.tensor(class_weights(self.class_weight, self.classes_, targets.indicator.sum(0))).float()


def _names(targets: Targets) -> list[tuple[str, ...]]:
    """Names for the labels of each text."""
    if not targets.multi_label:
        return [(str(index),) for index in targets.indices]
    return [tuple(map(str, np.flatnonzero(row))) for row in targets.indicator]


def check_weights(weights: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> None:
    """Refuse weights of other shapes, before there is memory for a network, and numbers that would lead astray.

    Raises
    ------
    ValueError
    """
    if {name: value.shape for name, value in expected.items()} != {name: w.shape for name, w in weights.items()}:
        raise ValueError("the weights have not the shapes that the settings ask for")
    if not all(map(is_finite, weights.values())):
        raise ValueError("a weight is not a number")


def plain(value: Any) -> Any:
    """Numpy's numbers, which searches over settings draw, as Python's."""
    return value.item() if isinstance(value, np.generic) else value
