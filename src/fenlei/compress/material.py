"""What a compression learns from and what it is measured on, which are never the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fenlei.compress.methods import resources
from fenlei.data.dataset import Dataset
from fenlei.data.split import split
from fenlei.exceptions import SettingError

_MEASURED = 0.2  # of the texts, when none are given to measure on
_MOST_MEASURED = 5000  # of unlabelled ones


@dataclass(frozen=True)
class Material:
    """Texts, divided.

    Attributes
    ----------
    measured : Dataset or None
        What both models are measured on; None where there is nothing.
    train : Dataset or None
        Labelled texts to learn from.
    texts : list of str
        Others to learn from.
    notes : tuple of str
        What was divided, one sentence each.
    """

    measured: Dataset | None
    train: Dataset | None
    texts: list[str]
    notes: tuple[str, ...] = ()


def divide(
    to: str, *, data: Dataset | None = None, train: Dataset | None = None, texts: Sequence[str] = (), seed: int = 13
) -> Material:
    """Say which texts a method learns from, and which it is measured on.

    Where the two are not both given, a fifth of what is given is measured on and the rest learned from. Texts that are
    measured on are left out of those that a method trains on, or trims to.

    Parameters
    ----------
    to : str
        Name of the method.
    data : Dataset, optional
        Labelled texts to measure on.
    train : Dataset, optional
        Labelled texts to learn from.
    texts : sequence of str, optional
        Texts without labels, to learn from.
    seed : int, default=13
        Of the division.

    Raises
    ------
    SettingError
        When the method has no use for texts that are given, or needs some.

    Examples
    --------
    >>> data = Dataset([f"好 {i}" for i in range(20)], ["a", "b"] * 10, range(20), "reviews.csv")
    >>> found = divide("pruned", data=data)
    >>> len(found.train), len(found.measured), found.notes
    (16, 4, ('reviews.csv: 16 of its texts are learned from, the other 4 measured on',))
    """
    given = Material(data, train, list(texts))
    used = resources(to)
    learns = {"train", "texts"} & set(used)
    if not learns:
        _check_unused(to, given)
        return given
    if train is None and not given.texts:
        given = _part_of_data(to, given, seed)
    elif data is None:
        given = _part_to_measure(given, seed)
    given = _apart(given)  # also of what is only trimmed to: texts whose tokens all stay lose nothing
    if "train" in used:
        return given
    labelled = [] if given.train is None else given.train.texts
    return replace(given, train=None, texts=[*labelled, *given.texts])


def _check_unused(to: str, given: Material) -> None:
    for option, value in (("--train", given.train), ("--texts", given.texts)):
        if value:
            raise SettingError(f"a {to} model is made without learning from texts; leave out {option}")


def _part_of_data(to: str, given: Material, seed: int) -> Material:
    if given.measured is None:
        raise SettingError(
            f"a {to} model needs texts to learn from: give --train FILE (labelled) or --texts FILE, or --data FILE, of "
            "which a part is learned from"
        )
    train, measured = split(given.measured, fraction=_MEASURED, seed=seed)
    return replace(given, train=train, measured=measured, notes=(_told(train, measured),))


def _part_to_measure(given: Material, seed: int) -> Material:
    if given.train is not None:
        train, measured = split(given.train, fraction=_MEASURED, seed=seed)
        return replace(given, train=train, measured=measured, notes=(_told(train, measured),))
    whole = Dataset(given.texts, None, range(1, len(given.texts) + 1), "the texts without labels")
    fraction = min(_MEASURED, _MOST_MEASURED / len(whole))
    kept, measured = split(whole, fraction=fraction, seed=seed)
    return replace(given, texts=kept.texts, measured=measured, notes=(_told(kept, measured),))


def _told(learned: Dataset, measured: Dataset) -> str:
    return f"{learned.source}: {len(learned):,} of its texts are learned from, the other {len(measured):,} measured on"


def _apart(given: Material) -> Material:
    """Leave out of the texts to learn from those that are measured on."""
    measured = set() if given.measured is None else {_key(text) for text in given.measured.texts}
    texts = [text for text in given.texts if _key(text) not in measured]
    train = given.train
    if train is not None:
        train = train.select([i for i, text in enumerate(train.texts) if _key(text) not in measured])
    gone = (
        len(given.texts) - len(texts) + (0 if train is None or given.train is None else len(given.train) - len(train))
    )
    if not gone:
        return given
    if not texts and not train:
        raise SettingError("all texts to learn from are among those to measure on; give others")
    note = f"{gone:,} texts are not learned from, as they are measured on"
    return replace(given, texts=texts, train=train or None, notes=(*given.notes, note))


def _key(text: str) -> str:
    return "".join(text.split()).casefold()
