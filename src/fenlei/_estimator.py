"""scikit-learn's estimator contract, kept without importing scikit-learn.

Importing ``sklearn.base`` costs 0.9 s (it pulls in ``scipy.stats``), longer than a whole prediction may take from
start to answer. scikit-learn asks for the contract, not for its base class: ``get_params`` and ``set_params`` over the
constructor's keywords, and ``__sklearn_tags__``. ``clone``, ``Pipeline``, ``GridSearchCV`` and the rest then work; the
contract suite proves it for every family.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

from fenlei.exceptions import NotFittedError, SettingError, unknown_name

if TYPE_CHECKING:
    from sklearn.utils import Tags


class Estimator:
    """Something with hyper-parameters: the constructor stores its keywords, ``fit`` learns.

    Examples
    --------
    >>> class Shout(Transformer):
    ...     def __init__(self, mark: str = "!") -> None:
    ...         self.mark = mark
    ...     def transform(self, X):
    ...         return [text + self.mark for text in X]
    >>> Shout(mark="?").get_params()
    {'mark': '?'}
    >>> Shout().set_params(mark="!!").fit_transform(["so"])
    ['so!!']
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let a constructor that hands keywords on (``**shared``) show its parent's as its own."""
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):
            return
        signature = inspect.signature(cls.__init__)
        _, *own = signature.parameters.values()
        if own and own[-1].kind is inspect.Parameter.VAR_KEYWORD:
            names = {p.name for p in own}
            parent = next(one for one in cls.__mro__[1:] if "__init__" in vars(one))
            above = [p for p in inspect.signature(parent).parameters.values() if p.name not in names]
            setattr(cls, "__signature__", signature.replace(parameters=[*own[:-1], *above]))  # noqa: B010

    @classmethod
    def parameter_names(cls) -> list[str]:
        """Names of the constructor's keywords, sorted."""
        return sorted(name for name in inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Hyper-parameters by name; `deep` is accepted for scikit-learn (nothing here is nested)."""
        return {name: getattr(self, name) for name in self.parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Change hyper-parameters; an unknown name is refused with the nearest known one."""
        known = self.parameter_names()
        for name in params:
            if name not in known:
                raise SettingError(unknown_name(f"setting of {type(self).__name__}", name, known))
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {
            k: v for k, v in self.get_params().items() if v is not defaults[k].default and v != defaults[k].default
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator to scikit-learn: texts come in, not numbers."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True),
        )

    def _check_fitted(self, attribute: str) -> None:
        if not hasattr(self, attribute):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit(texts, labels) first")


class Transformer(Estimator):
    """An estimator that turns each text into something else; stateless unless it overrides ``fit``."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn nothing; there for the contract."""
        return self

    def transform(self, X: Any) -> Any:
        """Turn texts into what this transformer makes; each subclass says what."""
        raise AttributeError(f"{type(self).__name__} does not define transform")

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """``fit`` and ``transform`` on the same texts."""
        return self.fit(X, y).transform(X)

    def __sklearn_is_fitted__(self) -> bool:
        """Stateless transformers are always ready."""
        return True
