"""The programs that the linear families are measured against, set up as their own guides do."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def sklearn_pipeline(*, chinese: bool) -> Any:
    """scikit-learn: TF-IDF of n-grams that suit the language, and a linear SVM."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    if chinese:
        features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    else:
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        parts = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
        features = make_union(words, parts)
    return make_pipeline(features, LinearSVC())


class FastText:
    """fastText's supervised mode over characters (Chinese) or words, 1-3 or 1-2 grams, 5 passes, all cores."""

    def __init__(self, *, chinese: bool, threads: int) -> None:
        self.chinese = chinese
        self.threads = threads

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> FastText:
        import fasttext

        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            for text, label in zip(texts, labels, strict=True):
                file.write(f"__label__{label} {self._line(text)}\n")
            file.flush()
            grams = 3 if self.chinese else 2
            self.model = fasttext.train_supervised(
                file.name, wordNgrams=grams, dim=100, epoch=5, lr=0.5, thread=self.threads, verbose=0
            )
        return self

    def predict(self, texts: Sequence[str]) -> list[str]:
        labels, _ = self.model.predict([self._line(text) for text in texts])
        return [label[0].removeprefix("__label__") for label in labels]

    def _line(self, text: str) -> str:
        line = " ".join(text.split())
        return " ".join(line.replace(" ", "")) if self.chinese else line


def folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
