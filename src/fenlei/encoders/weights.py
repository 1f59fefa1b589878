"""Read the weights of a checkpoint: safetensors only, whole or in shards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fenlei._memory import raise_if_out_of_memory
from fenlei.encoders.files import weight_files
from fenlei.engine.finite import is_finite
from fenlei.exceptions import ModelFolderError


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read all weights of a checkpoint, mapped from the disk.

    Raises
    ------
    ModelFolderError
        When a file is missing or damaged.
    """
    found: dict[str, Tensor] = {}
    for path in weight_files(folder):
        try:
            found.update(load_file(path))
        except (SafetensorError, OSError, ValueError) as error:
            raise_if_out_of_memory(error)
            raise ModelFolderError(f"{path}: not a sound file of weights: {error}; fetch it again") from error
    if not found:
        raise ModelFolderError(f"{folder}: its files hold no weights; fetch the checkpoint again")
    return found


def check_finite(weights: Mapping[str, Tensor], source: str) -> None:
    """Refuse weights that would make every score NaN.

    Raises
    ------
    ModelFolderError
    """
    for name, value in weights.items():
        if value.is_floating_point() and not is_finite(value):
            raise ModelFolderError(f"{source}: the weight {name!r} is not finite; fetch the checkpoint again")
