"""Heads: from the states of a text's tokens, as an encoder gives them, to one vector of the text.

==============  ====================================================================================================
``cls``         the state of the first token
``last``        the state of the last token, which alone has seen the whole text in a decoder
``mean``        the mean of the states
``max``         the largest value of each dimension
``attention``   a mean weighted by how much a state matches a learned vector (Yang et al. 2016)
``conv``        filters of several widths over the states, pooled over the text (Kim 2014)
``rnn``         a recurrence in both directions, the largest value of each dimension
``rcnn``        each state joined with a recurrence's states before and behind it (Lai et al. 2015)
==============  ====================================================================================================

Several are joined by ``+``: ``mean+conv`` gives both vectors side by side. Places beyond a text's end are never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.layers.conv_pool import TextConvolution
from fenlei.layers.embedding import Embedded
from fenlei.layers.places import inside
from fenlei.layers.pooling import AttentionPooling, pool
from fenlei.layers.recurrent import Recurrent


@dataclass(frozen=True)
class HeadSettings:
    """Sizes of the heads that have any.

    Attributes
    ----------
    widths, filters : sequences of int, of one length
        Of ``conv``: how many tokens the filters see, and how many filters there are of each width.
    pooling : {"max", "average", "kmax"}
        Of ``conv``.
    k : int
        Of ``kmax``.
    cell : {"lstm", "gru", "rnn"}
        Of ``rnn`` and ``rcnn``.
    hidden : int
        Of ``rnn`` and ``rcnn``: size of the state in each direction.
    """

    widths: Sequence[int] = (2, 3, 4)
    filters: Sequence[int] = (128, 128, 128)
    pooling: str = "max"
    k: int = 3
    cell: str = "lstm"
    hidden: int = 128


class Pooling(nn.Module):
    """A head without weights.

    Parameters
    ----------
    size : int
        Values of a state; as many come out.
    how : {"first", "last", "mean", "max"}
    """

    def __init__(self, size: int, how: str) -> None:
        super().__init__()
        self.how = how
        self.out_features = size

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Pool `states` of shape (n_texts, longest, size) to (n_texts, size)."""
        return pool(states, lengths, self.how)


class Attention(AttentionPooling):
    """The head of `fenlei.layers.pooling.AttentionPooling`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.out_features = size


class Convolution(nn.Module):
    """Filters over the states, pooled over the text.

    Where they are looked up, only states of tokens are multiplied, whatever the padding.

    Parameters
    ----------
    size : int
        Values of a state.
    settings : HeadSettings
    """

    def __init__(self, size: int, settings: HeadSettings) -> None:
        super().__init__()
        self.filters = TextConvolution(size, settings.widths, settings.filters, pooling=settings.pooling, k=settings.k)
        self.out_features = self.filters.out_features

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Convolve and pool `states` of shape (n_texts, longest, size) to (n_texts, out_features)."""
        mask = inside(lengths, states.shape[1])[..., 0]
        if not self.filters.looks_up(states.device):
            return self.filters.convolve(states * mask[..., None], lengths)
        places = (mask.flatten().cumsum(0).view(mask.shape) - 1).clamp(min=0).int()
        pooled: Tensor = self.filters(Embedded(states[mask], places, lengths))
        return pooled


class Recurrence(nn.Module):
    """A recurrence over the states in both directions, and the largest value of each dimension.

    Parameters
    ----------
    size : int
        Values of a state.
    settings : HeadSettings
    """

    def __init__(self, size: int, settings: HeadSettings) -> None:
        super().__init__()
        self.recurrence = Recurrent(size, settings.hidden, cell=settings.cell)
        self.out_features = self.recurrence.out_features

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Read and pool `states` of shape (n_texts, longest, size) to (n_texts, out_features)."""
        return pool(self.recurrence(states, lengths), lengths, "max")


class RecurrentConvolution(nn.Module):
    """Each state joined with its contexts to the left and right, transformed, the largest value of each dimension.

    Lai, Xu, Liu, Zhao, "Recurrent Convolutional Neural Networks for Text Classification", AAAI 2015.

    Parameters
    ----------
    size : int
        Values of a state.
    context : int
        Size of the context on each side.
    hidden : int
        Values that come out.
    cell : {"lstm", "gru", "rnn"}
    """

    def __init__(self, size: int, context: int, hidden: int, *, cell: str = "lstm") -> None:
        super().__init__()
        self.contexts = Recurrent(size, context, cell=cell)
        self.hidden = nn.Linear(size + 2 * context, hidden)
        self.out_features = hidden

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Transform and pool `states` of shape (n_texts, longest, size) to (n_texts, hidden)."""
        states = states * inside(lengths, states.shape[1])
        left, right = self.contexts(states, lengths).chunk(2, 2)
        left = nn.functional.pad(left, (0, 0, 1, 0))[:, : left.shape[1]]  # the state before the token is read
        right = nn.functional.pad(right, (0, 0, 0, 1))[:, 1:]
        return pool(torch.tanh(self.hidden(torch.cat([left, states, right], 2))), lengths, "max")


HEADS: dict[str, Callable[[int, HeadSettings], Any]] = {
    "cls": lambda size, settings: Pooling(size, "first"),
    "last": lambda size, settings: Pooling(size, "last"),
    "mean": lambda size, settings: Pooling(size, "mean"),
    "max": lambda size, settings: Pooling(size, "max"),
    "attention": lambda size, settings: Attention(size),
    "conv": Convolution,
    "rnn": Recurrence,
    "rcnn": lambda size, settings: RecurrentConvolution(size, settings.hidden, 2 * settings.hidden, cell=settings.cell),
}


def head_names(head: str) -> list[str]:
    """Take ``mean+conv`` apart.

    Raises
    ------
    SettingError
        When a part is no head, with the nearest names, or comes twice.

    Examples
    --------
    >>> head_names("mean+conv")
    ['mean', 'conv']
    """
    names = [part.strip() for part in str(head).split("+")]
    for name in names:
        if name not in HEADS:
            raise UnknownNameError("head", name, HEADS)
    if len(set(names)) < len(names):
        raise SettingError(f"head={head!r} names a head twice")
    return names


class Heads(nn.Module):
    """One head or several side by side.

    Parameters
    ----------
    head : str
        Names joined by ``+``.
    size : int
        Values of a state.
    settings : HeadSettings, optional

    Examples
    --------
    >>> heads = Heads("cls+max", 2)
    >>> states = torch.tensor([[[1.0, 5.0], [3.0, 2.0], [9.0, 9.0]]])
    >>> heads(states, torch.tensor([2])).tolist()
    [[1.0, 5.0, 3.0, 5.0]]
    """

    def __init__(self, head: str, size: int, settings: HeadSettings | None = None) -> None:
        super().__init__()
        settings = settings or HeadSettings()
        parts = {name: HEADS[name](size, settings) for name in head_names(head)}
        self.parts = nn.ModuleDict(parts)
        self.out_features = sum(part.out_features for part in parts.values())

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Turn `states` of shape (n_texts, longest, size), of 1 token or more each, into (n_texts, out_features)."""
        return torch.cat([part(states, lengths).float() for part in self.parts.values()], 1)
