"""Compiled loops over the bytes of vector files: where the rows lie, and what numbers they hold."""

from __future__ import annotations

import numpy as np
from numba import int64

from fenlei._jit import compiled
from fenlei.features._types import F32, I8, I64, U8

FINE, BLANK, TOO_FEW = 0, 1, 2  # state of a line
_SPACE, _TAB, _LINE_END, _RETURN = 32, 9, 10, 13
_ZERO, _NINE, _PLUS, _MINUS, _POINT = 48, 57, 43, 45, 46
_LARGE_E, _SMALL_E = 69, 101
_DIGITS = 18  # that fit into 64 bits; more do not change a float32
_POWERS = 10.0 ** np.arange(23)  # those that a float64 holds exactly


@compiled()
def count_lines(block: U8) -> int:
    """Count the line ends."""
    n = 0
    for byte in block:
        n += byte == _LINE_END
    return n


@compiled()
def find_rows(block: U8, dim: int, n_lines: int) -> tuple[I64, I64, I64, I8]:
    """Find token and numbers of each line of a block that ends with a line end.

    The numbers are the last `dim` fields, so that a token may hold spaces.

    Returns
    -------
    begins, token_ends, ends : array of int64, shape (n_lines,)
        The token is ``block[begin:token_end]``, the numbers lie between there and the end.
    states : array of int8, shape (n_lines,)
    """
    begins, token_ends = np.empty(n_lines, np.int64), np.empty(n_lines, np.int64)
    ends, states = np.empty(n_lines, np.int64), np.empty(n_lines, np.int8)
    begin = 0
    for line in range(n_lines):
        end = begin
        while block[end] != _LINE_END:
            end += 1
        begins[line], next_line = begin, end + 1
        while end > begin and _is_gap(block[end - 1]):
            end -= 1
        ends[line] = end
        token_ends[line], states[line] = _split(block, begin, end, dim)
        begin = next_line
    return begins, token_ends, ends, states


@compiled()
def _split(block: U8, begin: int, end: int, dim: int) -> tuple[int, int]:
    """Go back over `dim` fields to the end of the token."""
    if end == begin:
        return begin, BLANK
    at = end
    for _ in range(dim):
        if at == begin:
            return begin, TOO_FEW
        while at > begin and not _is_gap(block[at - 1]):
            at -= 1
        while at > begin and _is_gap(block[at - 1]):
            at -= 1
    return at, FINE if at > begin else TOO_FEW


@compiled()
def _is_gap(byte: int) -> bool:
    return byte in (_SPACE, _TAB, _RETURN)


@compiled()
def parse_rows(block: U8, begins: I64, ends: I64, out: F32) -> int:
    """Read the numbers of each row into `out`; returns the first row with something else, -1 if there is none."""
    for row in range(len(begins)):
        at = begins[row]
        for k in range(out.shape[1]):
            while at < ends[row] and _is_gap(block[at]):
                at += 1
            out[row, k], at = _number(block, at, ends[row])
            if not np.isfinite(out[row, k]):
                return row
    return -1


@compiled()
def _number(block: U8, at: int, end: int) -> tuple[float, int]:
    """Read one decimal number, such as -0.25 or 1e-05; NaN for anything else."""
    negative = at < end and block[at] == _MINUS
    if at < end and block[at] in (_MINUS, _PLUS):
        at += 1
    digits, exponent, seen, n_seen, behind_point = 0, 0, 0, 0, 0
    while at < end and (_ZERO <= block[at] <= _NINE or (block[at] == _POINT and not behind_point)):
        if block[at] == _POINT:
            behind_point = 1
        else:
            n_seen += 1
            if seen < _DIGITS:
                digits = digits * 10 + int64(block[at] - _ZERO)
                seen += digits > 0
                exponent -= behind_point
            else:
                exponent += 1 - behind_point
        at += 1
    if at < end and n_seen and block[at] in (_LARGE_E, _SMALL_E):
        power, at = _power(block, at + 1, end)
        exponent += power
    if not n_seen or (at < end and not _is_gap(block[at])):
        return np.nan, at
    size = abs(exponent)
    power_of_ten = _POWERS[size] if size < len(_POWERS) else 10.0**size
    value = digits * power_of_ten if exponent > 0 else digits / power_of_ten
    value = value if digits else 0.0
    return -value if negative else value, at


@compiled()
def _power(block: U8, at: int, end: int) -> tuple[int, int]:
    """Read the exponent; without a digit the place stays before it, where no number can end."""
    start, negative = at - 1, at < end and block[at] == _MINUS
    if at < end and block[at] in (_MINUS, _PLUS):
        at += 1
    power, first = 0, at
    while at < end and _ZERO <= block[at] <= _NINE:
        power = min(power * 10 + int64(block[at] - _ZERO), 100_000)
        at += 1
    return (-power if negative else power, at) if at > first else (0, start)


@compiled()
def find_binary_rows(block: U8, dim: int, most: int, longest: int) -> tuple[I64, I64, int, bool]:
    """Find the rows of word2vec's binary format that lie wholly in the block.

    Returns
    -------
    begins, token_ends : array of int64, shape (n_rows,)
        The numbers begin behind the space at the token's end.
    rest : int
        Where the first row begins that does not lie in the block.
    sound : bool
        False when a token there is longer than `longest`.
    """
    begins, token_ends = np.empty(most, np.int64), np.empty(most, np.int64)
    n, begin = 0, 0
    while n < most:
        while begin < len(block) and block[begin] == _LINE_END:
            begin += 1
        end = begin
        while end < len(block) and end - begin <= longest and block[end] != _SPACE:
            end += 1
        if end - begin > longest:
            return begins[:n].copy(), token_ends[:n].copy(), begin, False
        if end + 1 + 4 * dim > len(block):
            break
        begins[n], token_ends[n] = begin, end
        n += 1
        begin = end + 1 + 4 * dim
    return begins[:n].copy(), token_ends[:n].copy(), begin, True


@compiled()
def copy_rows(block: U8, begins: I64, out: U8) -> None:
    """Copy the bytes of each row's numbers to a row of `out`."""
    for row in range(len(begins)):
        begin = begins[row]
        for k in range(out.shape[1]):
            out[row, k] = block[begin + k]
