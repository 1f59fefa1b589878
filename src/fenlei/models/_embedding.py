"""What the families share that give each text one vector by an encoder, and stand a logistic regression on it."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fenlei._checks import check_choice, check_number
from fenlei._stages import TOKENIZE, stage
from fenlei.base import Floats, Held
from fenlei.encoders.load import LoadedEncoder, config_bytes
from fenlei.encoders.vectors import encode_vectors
from fenlei.encoders.windows import Windows
from fenlei.engine.recipe import DEVICES, Run
from fenlei.engine.trainer import place_of, uses_gpu
from fenlei.exceptions import SettingError
from fenlei.layers.heads import head_names
from fenlei.layers.packing import Packed
from fenlei.models._encoder import EncoderClassifierConfig, EncoderClassifierNetwork, chosen_head
from fenlei.models._linear import row_costs
from fenlei.models._logistic import fit_logistic
from fenlei.models._pretrained import PretrainedTextClassifier, encoding_told_to
from fenlei.targets import Targets

_POOLINGS = ("cls", "last", "mean", "max")  # the heads without weights


class EmbeddingConfig(EncoderClassifierConfig):
    """Settings of `EmbeddingNetwork`.

    Parameters
    ----------
    normalize : bool
        Whether vectors have length 1.
    """

    model_type = "fenlei-embedding"
    normalize: bool = True


class EmbeddingNetwork(EncoderClassifierNetwork):
    """An encoder, a pooling without weights, vectors of length 1 if wished, and a linear layer."""

    config_class = EmbeddingConfig

    def vectors(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, states: Tensor | None = None,
        windows: Tensor | None = None, packed: Packed | None = None,
    ) -> Tensor:  # fmt: skip
        """Give the vector of each text, shape (n_texts, n_features)."""
        found = super().vectors(input_ids, attention_mask, states, packed=packed)
        found = functional.normalize(found, dim=-1) if self.config.normalize else found
        return found if windows is None else self._one_a_text(found, windows)


class EmbeddingTextClassifier(PretrainedTextClassifier):
    """An encoder's vectors and a logistic regression over them; a subclass may change the encoder first.

    Parameters
    ----------
    encoder : str, default="e5-small"
        A folder in the layout of Hugging Face, a name that ``fenlei encoders`` lists, a name on the Hub, or
        ``modelscope:`` and a name there.
    pooling : str or None, default=None
        What of the tokens' states becomes the text's vector: ``mean``, ``cls``, ``last``, ``max``, or several joined by
        ``+``. None is ``mean``, and ``last`` for a decoder.
    prefix : str or None, default=None
        Put before each text; None is what the encoder was pretrained with, where that is known: "query: " for e5-small.
    max_length : int or None, default=None
        Tokens of a window, special ones among them; None is 256, or what the encoder can read if that is less.
    long_text : {"head", "tail", "head+tail", "windows"}, default="head"
        What is read of texts that are longer: see `fenlei.encoders.windows`. Of several windows the mean is taken.
    normalize : bool, default=True
        Whether the regression's vectors are scaled to length 1.
    C : float or None, default=None
        Of the regression: what an error costs against large weights, above 0; None chooses by cross-validation.
    class_weight : None, "balanced" or dict, default=None
        How much the texts of each class count in the regression; "balanced" makes all classes count the same in sum.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where texts go through the encoder for training; ``auto`` is a GPU if there is one.
    clean : dict or None, default=None
        Settings of `fenlei.clean.cleaner.Cleaner` that differ from its defaults.
    language : {"auto", "zh", "en", "mixed", "other"}, default="auto"
        Detected from the texts unless given.
    seed : int, default=13
        Of all that is drawn; the same seed gives the same model.
    """

    network_: EmbeddingNetwork
    C_: float

    _network_kind = EmbeddingNetwork

    def __init__(
        self,
        *,
        encoder: str = "e5-small",
        pooling: str | None = None,
        prefix: str | None = None,
        max_length: int | None = None,
        long_text: Literal["head", "tail", "head+tail", "windows"] = "head",
        normalize: bool = True,
        C: float | None = None,
        class_weight: str | dict[Any, float] | None = None,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        clean: dict[str, Any] | None = None,
        language: str = "auto",
        seed: int = 13,
    ) -> None:
        self.encoder = encoder
        self.pooling = pooling
        self.prefix = prefix
        self.max_length = max_length
        self.long_text = long_text
        self.normalize = normalize
        self.C = C
        self.class_weight = class_weight
        self.device = device
        self.clean = clean
        self.language = language
        self.seed = seed

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        if self.pooling is not None:
            _check_pooling(self.pooling)
        check_choice(self, "normalize", True, False)
        check_choice(self, "device", *DEVICES)
        check_number(self, "C", above=0, optional=True)
        check_number(self, "seed", least=0, most=2**31, whole=True)
        super().check_settings()

    def check_at_hand(self, message: Callable[[str], None] = lambda text: None) -> None:
        """Refuse to wait for a GPU that is not there; find the encoder, or fetch it."""
        uses_gpu(self.device)
        super().check_at_hand(message)

    @abstractmethod
    def _tune(self, windows: Windows, targets: Targets, weights: NDArray[np.float64], run: Run) -> None:
        """Change the encoder, if the family does, by the training texts."""

    def _fit(
        self, texts: list[str], targets: Targets, weights: NDArray[np.float64], held: Held | None, run: Run | None
    ) -> None:
        run = run or Run()
        row_costs(targets, self.classes_, weights, self.class_weight)  # refuses unknown labels before the work
        place = place_of(self.device)
        loaded = self._load(texts, run)
        prepared, targets, weights = distinct(self.prepare(texts), targets, weights)
        windows = self._windows(prepared, run)
        made: Any = self._make_network(loaded)  # transformers' decorator hides the types of `to`
        self.network_ = made.to(place)
        self._tune(windows, targets, weights, run)
        costs = row_costs(targets, self.classes_, weights, self.class_weight)
        found, self.C_ = fit_logistic(self._encode(windows, run), targets, costs, self.C, seed=int(self.seed))
        with torch.no_grad():
            self.network_.classifier.weight.copy_(torch.from_numpy(found.weights.T))
            self.network_.classifier.bias.copy_(torch.from_numpy(found.bias))

    def _scores(self, texts: list[str]) -> Floats:
        with stage(TOKENIZE):
            windows = self._windows(self.prepare(texts))
        vectors = torch.from_numpy(self._encode(windows))
        layer = self.network_.classifier
        with torch.inference_mode():
            logits = functional.linear(vectors.double(), layer.weight.cpu().double(), layer.bias.cpu().double())
            found: Floats = (logits.sigmoid() if self.multi_label_ else logits.softmax(1)).numpy()
        return found

    def _encode(self, windows: Windows, run: Run | None = None) -> NDArray[np.float32]:
        network, device = self.network_.eval(), self.network_.device

        def embed(ids: Tensor, mask: Tensor) -> Tensor:
            return network.vectors(ids.to(device), mask.to(device)).cpu()

        return encode_vectors(embed, windows, self.tokenizer_.pad_id, progress=encoding_told_to(run or Run()))

    def _make_network(self, loaded: LoadedEncoder) -> EmbeddingNetwork:
        config = self._config(
            json.loads(config_bytes(loaded.network)), int(loaded.network.config.hidden_size), loaded.is_decoder
        )
        with torch.random.fork_rng():
            return EmbeddingNetwork(config, loaded.network)

    def _config(self, encoder: dict[str, Any], size: int, reads_left_to_right: bool) -> EmbeddingConfig:
        head = chosen_head(self.pooling, "pooling", reads_left_to_right=reads_left_to_right)
        make_config: Any = EmbeddingConfig  # its keywords are annotations, which mypy cannot see
        config: EmbeddingConfig = make_config(
            encoder=encoder, size=size, reads_left_to_right=reads_left_to_right, num_labels=len(self.classes_),
            head=head, normalize=self.normalize, dropout=0.0,
        )  # fmt: skip
        return config

    def _learned(self) -> dict[str, Any]:
        return {"C": self.C_}

    def _take_learned(self, learned: Mapping[str, Any]) -> None:
        self.C_ = float(learned["C"])


def _check_pooling(pooling: str) -> None:
    for name in str(pooling).split("+"):
        if name.strip() not in _POOLINGS:
            raise SettingError(f"pooling must be {', '.join(_POOLINGS)} or several joined by +; got {name!r}")
    head_names(pooling)


def distinct(
    texts: list[str], targets: Targets, weights: NDArray[np.float64]
) -> tuple[list[str], Targets, NDArray[np.float64]]:
    """Let texts that come several times with the same labels be one of their joint weight; leave out those without.

    So no copy of a text is on both sides where C is chosen, and none goes through the encoder twice.
    """
    first: dict[tuple[str, bytes], int] = {}
    sums = np.zeros(len(texts))
    for row in np.flatnonzero(weights > 0):
        place = first.setdefault((texts[row], targets.indicator[row].tobytes()), int(row))
        sums[place] += weights[row]
    kept = np.flatnonzero(sums)
    return [texts[row] for row in kept], Targets(targets.indicator[kept], targets.multi_label), sums[kept]
