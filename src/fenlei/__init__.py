"""fenlei (分类, "to classify"): from labelled text to a classifier in use, Chinese first, English as good.

The public names are imported on first use, so that ``import fenlei`` costs nothing:

>>> import fenlei
>>> model = fenlei.TfidfClassifier().fit(["很好 喜欢", "非常好", "很差", "太差了"], ["good", "good", "bad", "bad"])
>>> model.predict(["好", "差"]).tolist()
['good', 'bad']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenlei.data.audit import audit as audit
    from fenlei.data.readers import read as read
    from fenlei.evaluation.metrics import evaluate as evaluate
    from fenlei.models.nbsvm import NbsvmClassifier as NbsvmClassifier
    from fenlei.models.tfidf import TfidfClassifier as TfidfClassifier
    from fenlei.persistence import load as load
    from fenlei.persistence import save as save

__version__ = "0.1.0"

_HOME = {
    "NbsvmClassifier": "fenlei.models.nbsvm",
    "TfidfClassifier": "fenlei.models.tfidf",
    "audit": "fenlei.data.audit",
    "evaluate": "fenlei.evaluation.metrics",
    "load": "fenlei.persistence",
    "read": "fenlei.data.readers",
    "save": "fenlei.persistence",
}

__all__ = ["NbsvmClassifier", "TfidfClassifier", "audit", "evaluate", "load", "read", "save"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fenlei' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
