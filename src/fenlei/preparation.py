"""From raw text to what the features take: cleaned, cut into tokens if wished, the same in training and in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

from fenlei.clean.cleaner import Cleaner
from fenlei.exceptions import SettingError

if TYPE_CHECKING:
    from fenlei.segment.segmenter import Segmenter
    from fenlei.segment.stopwords import StopWordFilter

LANGUAGES = ("zh", "en", "mixed", "other")


class Preparation:
    """Cleaning, segmentation and stop words, fixed once and recorded.

    Parameters
    ----------
    clean : dict or None
        Settings of `Cleaner` that differ from its defaults.
    segmenter : str or None
        Name of a segmenter, or None to let the features cut the text.
    segment : dict or None
        Settings of that segmenter.
    stop_words : str, list of str or None
        "auto" (by the language), "zh", "en", "zh+en", or words to leave out; needs a segmenter.
    language : {"auto", "zh", "en", "mixed", "other"}

    Attributes
    ----------
    language_ : dict
        ``name``, and when it was detected the shares it was detected by.

    Examples
    --------
    >>> preparation = Preparation(segmenter="jieba", stop_words="auto").fit(["我喜欢这部电影", "<b>不好看</b>的电影"])
    >>> preparation.language_["name"], preparation.transform(["<i>我们喜欢的电影</i>"])
    ('zh', [['喜欢', '电影']])
    """

    def __init__(
        self,
        *,
        clean: dict[str, Any] | None = None,
        segmenter: str | None = None,
        segment: dict[str, Any] | None = None,
        stop_words: str | Sequence[str] | None = None,
        language: str = "auto",
    ) -> None:
        self.clean = clean
        self.segmenter = segmenter
        self.segment = segment
        self.stop_words = stop_words
        self.language = language

    def fit(self, texts: list[str]) -> Self:
        """Check the settings, detect the language, read the user's dictionary."""
        self._check()
        self.language_ = self._find_language(texts)
        self._cleaner = Cleaner().set_params(**(self.clean or {})).fit(texts)
        self._segmenter = self._make_segmenter()
        self._filter = self._make_filter()
        return self

    def transform(self, texts: list[str]) -> list[str] | list[list[str]]:
        """Clean the texts, and cut them into tokens when there is a segmenter."""
        cleaned = self._cleaner.transform(texts)
        if self._segmenter is None:
            return cleaned
        tokens = self._segmenter.transform(cleaned)
        return tokens if self._filter is None else self._filter.transform(tokens)

    def settings(self) -> dict[str, Any]:
        """Everything needed to prepare texts the same way again, as JSON values."""
        return {
            "language": self.language_,
            "clean": self._cleaner.get_params(),
            "segmenter": None if self._segmenter is None else self._segmenter.settings(),
            "stop_words": None if self._filter is None else self._filter.settings(),
        }

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Rebuild from what `settings` gave."""
        from fenlei.segment.registry import make_segmenter
        from fenlei.segment.stopwords import StopWordFilter

        self = cls()
        self.language_ = dict(settings["language"])
        self._cleaner = Cleaner().set_params(**settings["clean"]).fit([])
        self._segmenter, self._filter = None, None
        if settings["segmenter"] is not None:
            self._segmenter = make_segmenter(**settings["segmenter"]).fit([])
        if settings["stop_words"] is not None:
            self._filter = StopWordFilter(**settings["stop_words"])
        return self

    def _check(self) -> None:
        for name in ("clean", "segment"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
                raise SettingError(f"{name} must be None or a dictionary of settings; got {value!r}")
        if self.stop_words is not None and not isinstance(self.stop_words, str | Sequence):
            raise SettingError(f"stop_words must be None, a name or a list of words; got {self.stop_words!r}")

    def _find_language(self, texts: list[str]) -> dict[str, Any]:
        from fenlei.segment.language import detect_language

        if self.language == "auto":
            return asdict(detect_language(texts))
        if self.language not in LANGUAGES:
            raise SettingError(f"language must be 'auto' or one of {', '.join(LANGUAGES)}; got {self.language!r}")
        return {"name": self.language}

    def _make_segmenter(self) -> Segmenter | None:
        from fenlei.segment.registry import make_segmenter

        if self.segmenter is not None:
            return make_segmenter(self.segmenter, **(self.segment or {})).fit([])
        for name, value in (("segment", self.segment), ("stop_words", self.stop_words)):
            if value:
                raise SettingError(f"{name} has a use only with a segmenter; set segmenter=jieba, mixed, word or char")
        return None

    def _make_filter(self) -> StopWordFilter | None:
        from fenlei.segment.stopwords import StopWordFilter

        if self.stop_words is None:
            return None
        words = self.stop_words
        if words == "auto":
            words = {"zh": "zh", "en": "en"}.get(self.language_["name"], "zh+en")
        made = StopWordFilter(words=words if isinstance(words, str) else list(words)).fit([])
        if getattr(self._segmenter, "tagged", False) and not _have_tags(words):
            raise SettingError("tagged tokens are no stop words; give words with their tags, such as 的/uj, or none")
        return made


def _have_tags(words: str | Sequence[str]) -> bool:
    return not isinstance(words, str) and all("/" in word for word in words)
