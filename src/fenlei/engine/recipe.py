"""What a training is told: how to learn, and where and how to report; plain values, no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OPTIMIZERS = ("adamw", "adam", "sgd", "rmsprop")
SCHEDULES = ("constant", "linear", "cosine", "step", "one-cycle")
PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Recipe:
    """How a network learns.

    Attributes
    ----------
    epochs : int
        Passes over the texts at most.
    batch_size : int
        Texts of one step.
    learning_rate : float
        The highest of the schedule.
    optimizer : {"adamw", "adam", "sgd", "rmsprop"}
    momentum : float
        Of ``sgd`` and ``rmsprop``.
    weight_decay : float
        Not on biases and the scales of norms.
    schedule : {"constant", "linear", "cosine", "step", "one-cycle"}
    warmup : float
        Share of the steps over which the rate rises to its highest.
    max_grad_norm : float
        Longer gradients are scaled down to this length; 0 leaves them.
    label_smoothing : float
        Probability that is taken from the label and spread over all classes.
    focal : float
        Exponent of the focal loss; 0 is cross-entropy.
    precision : {"auto", "float32", "bfloat16"}
        Of matrix products; ``auto`` is bfloat16 where the processor has units for it.
    patience : int or None
        Epochs without a better held-out loss or score before training ends; None never ends early.
    stop_after : int or None
        Epochs after which training ends, though the schedule is that of ``epochs``.
    accumulate : int
        Batches whose gradients are averaged for a step.
    r_drop : float
        Weight of the disagreement between two passes with different dropout; 0 makes one pass.
    adversarial : float
        Length of the move of the token vectors for a second pass; 0 makes none.
    average : float
        Decay of the moving average of the weights that is measured and kept; 0 keeps the weights themselves.
    device : {"auto", "cpu", "cuda"}
        Where training runs; ``auto`` is a GPU if there is one.
    seed : int
    """

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimizer: str = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.01
    schedule: str = "linear"
    warmup: float = 0.05
    max_grad_norm: float = 5.0
    label_smoothing: float = 0.0
    focal: float = 0.0
    precision: str = "auto"
    patience: int | None = 3
    stop_after: int | None = None
    accumulate: int = 1
    r_drop: float = 0.0
    adversarial: float = 0.0
    average: float = 0.0
    device: str = "auto"
    seed: int = 13


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes
    ----------
    epoch, epochs : int
        The current epoch, counted from 1, and how many there are at most.
    step, steps : int
        Steps done, and how many there are at most.
    loss : float
        Mean of the last batches.
    seconds_left : float
        At most, if training goes on at this speed to the last epoch.
    before : str
        What is done before the first epoch, whose steps are then told; empty in training.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    seconds_left: float
    before: str = ""


@dataclass(frozen=True)
class Run:
    """Where a training leaves its checkpoints and whom it tells; nothing here changes what is learned.

    Attributes
    ----------
    checkpoints : Path or None
        Folder for checkpoints; None writes none.
    resume : bool
        Whether to go on from the newest sound checkpoint in that folder.
    every_seconds : float
        A checkpoint is written when the last is older, and at the end.
    tensorboard : Path or None
        Folder for TensorBoard logs.
    progress : callable
        Called with a `Progress` after every step.
    message : callable
        Called with a sentence the user should know.
    """

    checkpoints: Path | None = None
    resume: bool = False
    every_seconds: float = 60.0
    tensorboard: Path | None = None
    progress: Callable[[Progress], None] = lambda progress: None
    message: Callable[[str], None] = lambda text: None
