"""Names of weights in few words: those that differ by the number of their layer alone are one."""

from __future__ import annotations

from collections.abc import Iterable


def shortened(names: Iterable[str]) -> list[str]:
    """Join names that differ in one number, place by place from the end.

    Examples
    --------
    >>> shortened(["h.0.w", "h.1.w", "h.2.w", "h.7.w", "h.1.b", "norm"])
    ['h.0-2,7.w', 'h.1.b', 'norm']
    """
    rows = [tuple(name.split(".")) for name in names]
    for place in reversed(range(max(map(len, rows), default=0))):
        rows = _joined(rows, place)
    return [".".join(row) for row in rows]


def _joined(rows: list[tuple[str, ...]], place: int) -> list[tuple[str, ...]]:
    found: dict[tuple[tuple[str, ...], ...], list[int]] = {}
    for row in rows:
        if place < len(row) and row[place].isdecimal():
            found.setdefault((row[:place], row[place + 1 :]), []).append(int(row[place]))
        else:
            found[(row,)] = []
    return [(*key[0], _ranges(numbers), *key[1]) if numbers else key[0] for key, numbers in found.items()]


def _ranges(numbers: list[int]) -> str:
    """Write numbers as ranges.

    Examples
    --------
    >>> _ranges([3, 0, 1, 2, 7])
    '0-3,7'
    """
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    return ",".join("-".join(map(str, one)) for one in ranges)
