"""One label a text or a list of them: the labels of one set in the form of those of another."""

from __future__ import annotations

from dataclasses import replace

from fenlei.data.dataset import Dataset
from fenlei.exceptions import DataError


def with_label_kind(data: Dataset, *, multi_label: bool) -> Dataset:
    """Give the labels of `data` the form that a model learned.

    A file of texts that happen to have one label each reads as one of single labels, though its texts belong to a
    model of several; and the other way round.

    Parameters
    ----------
    data : Dataset
        Without labels it comes back as it is.
    multi_label : bool
        Whether the model has a list of labels for each text.

    Raises
    ------
    DataError
        When the model has one label a text, and a text has several or none; names its row.

    Examples
    --------
    >>> data = Dataset(["又红又大", "小"], ["red", "small"], [2, 3], "reviews.csv")
    >>> found = with_label_kind(data, multi_label=True)
    >>> found.targets
    [['red'], ['small']]
    >>> with_label_kind(found, multi_label=False).targets
    ['red', 'small']
    """
    if data.targets is None or not len(data) or data.multi_label == multi_label:
        return data
    if multi_label:
        warning = (
            f"{data.source}: each text has one label, where the model takes lists of them; if a field holds several, "
            "name what stands between them with --separator"
        )
        return replace(data, targets=[[str(label)] for label in data.targets], warnings=(*data.warnings, warning))
    for row, labels in zip(data.rows, data.targets, strict=True):
        if len(labels) != 1:
            raise DataError(
                f"the text has {len(labels) or 'no'} labels, where the model takes one for each text; leave it out, or "
                "train on lists of labels",
                source=data.source,
                row=row,
            )
    return replace(data, targets=[labels[0] for labels in data.targets])
