"""What the linear families share: preparation, features, a `LinearModel`, and their files."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_choice, check_number
from fenlei._stages import TOKENIZE, stage
from fenlei.base import Held, TextClassifier
from fenlei.exceptions import ModelFolderError
from fenlei.features.hashing import HashingFeatures
from fenlei.features.ngrams import NgramCounts, Rows
from fenlei.features.tfidf import TfidfFeatures
from fenlei.models._linear import LinearModel
from fenlei.preparation import Preparation
from fenlei.targets import Targets

if TYPE_CHECKING:
    from fenlei.engine.recipe import Run
    from fenlei.features._types import F64


class LinearTextClassifier(TextClassifier):
    """A linear model over n-grams; a family supplies its features and its way to the weights."""

    scores_on_all_cores = False
    clean: dict[str, Any] | None
    segmenter: str | None
    segment: dict[str, Any] | None
    stop_words: Any
    language: str

    @property
    def language_(self) -> str:
        """Language of the training texts: "zh", "en", "mixed" or "other"."""
        self._check_fitted("preparation_")
        return str(self.preparation_.language_["name"])

    def telling_ngrams(self, top: int = 20) -> dict[Any, list[tuple[str, float]]]:
        """N-grams that speak most for each class, and the score that one of them adds before the row's norm.

        Returns
        -------
        dict
            Class -> list of (n-gram, weight), heaviest first; empty for hashed features, which have no names.
        """
        self._check_fitted("linear_")
        if isinstance(self.features_, HashingFeatures):
            return {}
        weights = self.linear_.weights * self._column_factors()[:, None]
        if weights.shape[1] == 1 and len(self.classes_) == 2:
            weights = np.hstack([-weights, weights])
        names = self.features_.vocabulary_
        telling = {}
        for k, label in enumerate(self.classes_.tolist()):
            best = np.argsort(-weights[:, k], kind="stable")[:top]
            telling[label] = [(names[j], float(weights[j, k])) for j in best if weights[j, k] > 0]
        return telling

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_number(self, "smoothing", above=0)
        check_number(self, "char_weight", above=0)
        check_number(self, "tolerance", above=0)
        check_number(self, "max_iter", least=1, whole=True)
        check_number(self, "seed", least=0, most=2**63, whole=True)
        for name in ("calibrate", "boundaries", "lowercase"):
            check_choice(self, name, True, False)
        self._preparation().fit([])
        self._make_features().check_settings()

    def _preparation(self) -> Preparation:
        return Preparation(
            clean=self.clean, segmenter=self.segmenter, segment=self.segment,
            stop_words=self.stop_words, language=self.language,
        )  # fmt: skip

    @abstractmethod
    def _make_features(self) -> NgramCounts:
        """Make the unfitted features from the settings."""

    @abstractmethod
    def _train(self, rows: Rows, targets: Targets, weights: NDArray[np.float64]) -> LinearModel:
        """Learn the weights."""

    def _prepare(self, texts: list[str]) -> list[Any]:
        return self.preparation_.transform(texts)

    def _fit(
        self, texts: list[str], targets: Targets, weights: NDArray[np.float64], held: Held | None, run: Run | None
    ) -> None:
        self._start(texts)
        rows = self.features_.fit_rows(self._prepare(texts))
        self.linear_ = self._train(rows, targets, weights)

    def _start(self, texts: list[str]) -> None:
        self.preparation_ = self._preparation().fit(texts)
        self.features_ = self._make_features()

    def _scores(self, texts: list[str]) -> F64:
        with stage(TOKENIZE):
            rows = self.features_.rows(self._prepare(texts))
        return self.linear_.probabilities(rows, exclusive=not self.multi_label_)

    def _column_factors(self) -> NDArray[Any]:
        if isinstance(self.features_, TfidfFeatures):
            return self.features_.factors()
        return np.ones(self.features_.n_features_, np.float32)

    def to_files(self) -> dict[str, bytes]:
        """Give preparation and features as JSON, weights as safetensors."""
        from safetensors.numpy import save

        self._check_fitted("linear_")
        model = self.linear_
        learned = {
            "preparation": self.preparation_.settings(),
            "features": {"kind": type(self.features_).__name__, "settings": self.features_.get_params()},
            "link": {"name": model.link, "slope": model.slope, "shift": model.shift},
        }
        files = {"learned.json": _json(learned), "weights.safetensors": save(self._arrays())}
        if not isinstance(self.features_, HashingFeatures):
            files["vocabulary.json"] = _json(self.features_.vocabulary_)
        return files

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            learned = json.loads(files["learned.json"])
            arrays = load(files["weights.safetensors"])
            self.preparation_ = Preparation.from_settings(learned["preparation"])
            self.features_ = _features_from(learned["features"], arrays, files)
            link = learned["link"]
            self.linear_ = LinearModel(
                arrays["weights"],
                arrays["bias"],
                str(link["name"]),
                float(link["slope"]),
                float(link["shift"]),
            )
            self._take_arrays(arrays)
        except (KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
            raise ModelFolderError(f"the files of this {self.family} model do not fit together: {error}") from error
        self._check_shapes()

    def _take_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take what a family saved beyond the weights; raises ValueError when it does not fit."""

    def _arrays(self) -> dict[str, NDArray[Any]]:
        features = self.features_
        learned = {"weights": self.linear_.weights, "bias": self.linear_.bias}
        if isinstance(features, HashingFeatures):
            return learned
        return learned | {
            "hashes": features.hashes_,
            "document_counts": features.document_counts_,
            "is_part": features.is_part_.astype(np.uint8),
            "n_documents": np.array([features.n_documents_]),
        }

    def _check_shapes(self) -> None:
        n_problems = len(self.classes_)
        if n_problems == 2 and not self.multi_label_ and self.linear_.link == "sigmoid":
            n_problems = 1
        model = self.linear_
        sound = (
            model.weights.shape == (self.features_.n_features_, n_problems)
            and model.bias.shape == (n_problems,)
            and model.weights.dtype == model.bias.dtype == np.float32
            and model.link in ("sigmoid", "softmax")
            and all(np.isfinite(x).all() for x in (model.weights, model.bias, model.slope, model.shift))
        )
        if not sound:
            raise ModelFolderError(f"the weights of this {self.family} model do not fit its features and classes")


def _features_from(description: Any, arrays: dict[str, NDArray[Any]], files: Mapping[str, bytes]) -> NgramCounts:
    kinds = {kind.__name__: kind for kind in (NgramCounts, TfidfFeatures, HashingFeatures)}
    features: NgramCounts = kinds[description["kind"]]().set_params(**description["settings"])
    if isinstance(features, HashingFeatures):
        return features.fit([])
    features.restore(arrays, files["vocabulary.json"])
    return features


def _json(value: Any) -> bytes:
    return json.dumps(
        value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=np.generic.item
    ).encode()
