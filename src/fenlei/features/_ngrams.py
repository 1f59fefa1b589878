"""Compiled loops from code points to n-gram counts.

Python's loop over n-grams is what makes text features slow, so the whole way from text to counts runs here over flat
arrays and without the interpreter's lock: a text is a run of code points, a token a run inside it, an n-gram a 64-bit
hash of consecutive tokens. Every function is plain enough to be checked against a dictionary of strings, which the
tests do. Two hashes out of n distinct n-grams meet with probability n^2 / 2^65: one in a million for five million
n-grams.

Profile of 90,000 titles on two cores: the hash table's cache misses are nearly all that is left, hence one 16-byte
entry a n-gram, tables split by hash between the threads, and columns in order of frequency (the hot weights stay
together).
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from fenlei._jit import compiled
from fenlei.features._types import F32, I32, I64, U8, U32, U64
from fenlei.features.alphabet import CHARACTER, JOINER, SPACE, WORD

Spans: TypeAlias = tuple[
    int, int, int, int
]  # fewest and most tokens, fewest and most characters of a word (0, 0: none)


_TOKEN_SEED = uint64(0x9E3779B97F4A7C15)
_CHAR_SEED = uint64(0xA0761D6478BD642F)
_ORDER = uint64(0x9FB21C651E98DF25)  # odd; without it the tokens of an n-gram could change places, or cancel out
_BOUNDARY = uint64(0x110000)  # stands before and after a word in its character n-grams; no code point
_GAP = uint64(0x589965CC75374CC3)  # the token of a space beside an unspaced script
_TEXT_BEGIN, _TEXT_END = (
    uint64(0xE7037ED1A0B428DB),
    uint64(0x8EBC6AF09C88C6E3),
)  # tokens of no width around a text


@compiled(inline="always")
def _mix(h: np.uint64, value: np.uint64) -> np.uint64:
    """One round of a multiply-xorshift hash (the finaliser of splitmix64, Steele et al. 2014)."""
    h = (h ^ value) * uint64(0xBF58476D1CE4E5B9)
    h ^= h >> uint64(27)
    h *= uint64(0x94D049BB133111EB)
    return h ^ (h >> uint64(31))


class Tokens(NamedTuple):
    """A block of texts cut into tokens.

    Attributes
    ----------
    hashes : (n_tokens,) hash of each token
    begins, ends : (n_tokens,) place of each token in `folded`
    bounds : (n_texts + 1,) index of the first token of each text
    folded : code points of the block, lower-cased
    """

    hashes: U64
    begins: I32
    ends: I32
    bounds: I64
    folded: U32


@compiled()
def tokenize(codes: U32, offsets: I64, kinds: U8, fold: U32, boundaries: bool) -> Tokens:
    """Cut texts into tokens: every unit alone, every run of word characters together.

    White space beside an unspaced script is a token too: there it sets phrases apart, where between words it says
    nothing.

    A joiner (an apostrophe) belongs to a word when it stands between two word characters.
    Text i is ``codes[offsets[i]:offsets[i + 1]]``; `kinds` and `fold` are tables over all code points.
    With `boundaries`, a token of no width stands before and after the tokens of each text that has any.
    """
    size = len(codes) + 2 * len(offsets)
    hashes = np.empty(size, np.uint64)
    begins, ends = np.empty(size, np.int32), np.empty(size, np.int32)
    folded = np.empty(len(codes), np.uint32)
    for i in range(len(codes)):
        folded[i] = fold[codes[i]]
    bounds = np.empty(len(offsets), np.int64)
    n = 0
    for text in range(len(offsets) - 1):
        bounds[text] = n
        i, stop = offsets[text], offsets[text + 1]
        if boundaries:
            hashes[n], begins[n], ends[n] = _TEXT_BEGIN, i, i
            n += 1
        while i < stop:
            kind = kinds[codes[i]]
            if kind == SPACE:
                begin, i = i, _after_space(codes, i, stop, kinds)
                if begin > offsets[text] and i < stop and CHARACTER in (kinds[codes[begin - 1]], kinds[codes[i]]):
                    hashes[n], begins[n], ends[n] = _GAP, begin, i
                    n += 1
                continue
            begins[n] = i
            h = _mix(_TOKEN_SEED, uint64(folded[i]))
            i += 1
            while kind == WORD and i < stop and _continues(codes, i, stop, kinds):
                h = _mix(h, uint64(folded[i]))
                i += 1
            hashes[n], ends[n] = h, i
            n += 1
        if boundaries:
            n = _close(hashes, begins, ends, n, bounds[text], stop)
    bounds[len(offsets) - 1] = n
    return Tokens(hashes[:n].copy(), begins[:n].copy(), ends[:n].copy(), bounds, folded)


@compiled()
def _after_space(codes: U32, i: int, stop: int, kinds: U8) -> int:
    while i < stop and kinds[codes[i]] == SPACE:
        i += 1
    return i


@compiled()
def _close(hashes: U64, begins: I32, ends: I32, n: int, first: int, stop: int) -> int:
    if n == first + 1:  # nothing but the opening boundary
        return first
    hashes[n], begins[n], ends[n] = _TEXT_END, stop, stop
    return n + 1


@compiled(inline="always")
def _continues(codes: U32, i: int, stop: int, kinds: U8) -> bool:
    kind = kinds[codes[i]]
    return kind == WORD or (kind == JOINER and i + 1 < stop and kinds[codes[i + 1]] == WORD)


@compiled()
def given_tokens(codes: U32, lengths: I64, n_tokens: I64, fold: U32, boundaries: bool) -> Tokens:
    """Take tokens cut elsewhere, hashed as `tokenize` hashes; an empty token counts for nothing.

    Token i has ``lengths[i]`` code points of `codes`, text j has ``n_tokens[j]`` tokens.
    """
    size = len(lengths) + 2 * len(n_tokens)
    hashes = np.empty(size, np.uint64)
    begins, ends = np.empty(size, np.int32), np.empty(size, np.int32)
    folded = np.empty(len(codes), np.uint32)
    bounds = np.empty(len(n_tokens) + 1, np.int64)
    n, place, token = 0, 0, 0
    for text in range(len(n_tokens)):
        bounds[text] = n
        if boundaries:
            hashes[n], begins[n], ends[n] = _TEXT_BEGIN, place, place
            n += 1
        for length in lengths[token : token + n_tokens[text]]:
            if length == 0:
                continue
            h = _TOKEN_SEED
            for i in range(place, place + length):
                folded[i] = fold[codes[i]]
                h = _mix(h, uint64(folded[i]))
            hashes[n], begins[n], ends[n] = h, place, place + length
            place += length
            n += 1
        token += n_tokens[text]
        if boundaries:
            n = _close(hashes, begins, ends, n, bounds[text], place)
    bounds[len(n_tokens)] = n
    return Tokens(hashes[:n].copy(), begins[:n].copy(), ends[:n].copy(), bounds, folded)


@compiled()
def _token_ngrams(tokens: Tokens, first: int, last: int, low: int, high: int, out: U64, begin: I32, end: I32) -> int:
    n = 0
    for i in range(first, last):
        h = _TOKEN_SEED
        for size in range(1, min(high, last - i) + 1):
            token = i + size - 1
            h = tokens.hashes[i] if size == 1 else _mix(h * _ORDER, tokens.hashes[token])
            if size >= low and (size > 1 or tokens.ends[i] > tokens.begins[i]):
                out[n], begin[n], end[n] = h, i, token + 1
                n += 1
    return n


@compiled()
def _word_ngrams(tokens: Tokens, word: int, low: int, high: int, out: U64, begin: I32, end: I32, n: int) -> int:
    start = tokens.begins[word] - 1
    stop = tokens.ends[word]
    for i in range(start, stop):
        h = _CHAR_SEED
        for j in range(i, min(i + high, stop + 1)):
            at_boundary = j == start or j == stop  # noqa: PLR1714  (numba cannot look into such a tuple)
            h = _mix(h, _BOUNDARY if at_boundary else uint64(tokens.folded[j]))
            if j - i + 1 >= low and j > start:  # a lone boundary says nothing
                out[n], begin[n], end[n] = h, 2 * i + (i == start), -2 * j - (j == stop) - 1
                n += 1
    return n


@compiled()
def text_ngrams(tokens: Tokens, kinds: U8, text: int, spans: Spans, out: U64, begin: I32, end: I32) -> int:
    """Write the hash of every n-gram of one text, in order, and where it stands.

    An n-gram of tokens stands at ``tokens[begin:end]`` of the block. For a character n-gram of a word, `begin` is twice
    its first place, plus 1 when that is the boundary before the word; ``-end - 1`` likewise for its last place.
    """
    low, high, char_low, char_high = spans
    first, last = tokens.bounds[text], tokens.bounds[text + 1]
    n = _token_ngrams(tokens, first, last, low, high, out, begin, end)
    if char_high == 0:
        return n
    for word in range(first, last):
        if tokens.ends[word] - tokens.begins[word] > 1 and kinds[tokens.folded[tokens.begins[word]]] == WORD:
            n = _word_ngrams(tokens, word, char_low, char_high, out, begin, end, n)
    return n


@compiled()
def scratch_size(tokens: Tokens, spans: Spans) -> int:
    """Upper bound of the number of n-grams of any one text of the block."""
    low, high, char_low, char_high = spans
    most = 0
    for text in range(len(tokens.bounds) - 1):
        first, last = tokens.bounds[text], tokens.bounds[text + 1]
        chars = tokens.ends[last - 1] - tokens.begins[first] + 2 * (last - first) if last > first else 0
        most = max(most, (last - first) * (high - low + 1) + chars * (char_high - char_low + 1))
    return most


@compiled(inline="always")
def _slot(table: U64, h: np.uint64) -> int:
    """Find the entry of `h`, or the free one where it belongs (linear probing; the size is a power of two)."""
    mask = uint64(len(table) - 1)
    slot = (h >> uint64(20)) & mask
    while table[slot, 0] != uint64(0) and table[slot, 0] != h:
        slot = (slot + uint64(1)) & mask
    return slot


@compiled()
def _grown(table: U64) -> U64:
    larger = np.zeros((2 * len(table), 2), np.uint64)
    for i in range(len(table)):
        if table[i, 0] != uint64(0):
            slot = _slot(larger, table[i, 0])
            larger[slot, 0], larger[slot, 1] = table[i, 0], table[i, 1]
    return larger


@compiled()
def count_documents(
    table: U64, used: int, tokens: Tokens, kinds: U8, spans: Spans, first_text: int, part: int, parts: int
) -> tuple[U64, int]:
    """Count in how many texts each n-gram stands; only n-grams of this `part` of the hash space.

    An entry is the hash, then 32 bits of document count and 32 bits of the last text seen (so that a text counts once).
    Returns the table, perhaps a larger one, and how many entries are used.
    """
    size = scratch_size(tokens, spans)
    grams, begin, end = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int32)
    low_bits = uint64(0xFFFFFFFF)
    for text in range(len(tokens.bounds) - 1):
        seen = uint64(first_text + text + 1)
        for i in range(text_ngrams(tokens, kinds, text, spans, grams, begin, end)):
            h = max(grams[i], uint64(1))
            if (h & uint64(0xFFFF)) % uint64(parts) != uint64(part):
                continue
            slot = _slot(table, h)
            if table[slot, 0] == uint64(0):
                table[slot, 0], table[slot, 1] = h, uint64(0)
                used += 1
            if (table[slot, 1] & low_bits) != seen:
                table[slot, 1] = (((table[slot, 1] >> uint64(32)) + uint64(1)) << uint64(32)) | seen
            if 2 * used > len(table):
                table = _grown(table)
    return table, used


@compiled()
def column_table(hashes: U64) -> U64:
    """Table from the hash of an n-gram to its column, column i being ``hashes[i]``."""
    size = 16
    while size < 3 * len(hashes):
        size *= 2
    table = np.zeros((size, 2), np.uint64)
    for column in range(len(hashes)):
        slot = _slot(table, hashes[column])
        table[slot, 0], table[slot, 1] = hashes[column], uint64(column)
    return table


@compiled()
def count_rows(
    table: U64, n_columns: int, tokens: Tokens, kinds: U8, spans: Spans, places: I32
) -> tuple[I64, I32, F32]:
    """Count the known n-grams of each text: the rows of a CSR matrix, columns in order of appearance.

    An empty `table` means hashing: the column is the hash modulo `n_columns`, a power of two.
    `places` of shape (n_columns, 2) takes where each column was first met, when its rows are not 0.
    """
    size = scratch_size(tokens, spans)
    grams, begin, end = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int32)
    n_texts = len(tokens.bounds) - 1
    bounds = np.zeros(n_texts + 1, np.int64)
    columns, counts = np.empty(4 * size + 1024, np.int32), np.empty(4 * size + 1024, np.float32)
    where = np.full(n_columns, -1, np.int64)
    hashing, mask = len(table) == 0, uint64(n_columns - 1)
    n = 0
    for text in range(n_texts):
        start = n
        n_grams = text_ngrams(tokens, kinds, text, spans, grams, begin, end)
        if n + n_grams > len(columns):
            columns, counts = _roomier(columns, n + n_grams), _roomier(counts, n + n_grams)
        for i in range(n_grams):
            h = max(grams[i], uint64(1))
            if hashing:
                column = np.int64((h >> uint64(20)) & mask)
            else:
                slot = _slot(table, h)
                if table[slot, 0] == uint64(0):
                    continue
                column = np.int64(table[slot, 1])
            if where[column] >= start:
                counts[where[column]] += np.float32(1)
                continue
            where[column] = n
            columns[n], counts[n] = column, 1
            n += 1
            if len(places) and places[column, 1] == 0:
                places[column, 0], places[column, 1] = begin[i], end[i]
        bounds[text + 1] = n
    return bounds, columns[:n].copy(), counts[:n].copy()


@compiled()
def row_keys(bounds: I64, columns: I32, values: F32) -> U64:
    """Hash of each row, the same for rows of the same columns and values in the same order: for equal texts."""
    keys, bits = np.empty(len(bounds) - 1, np.uint64), values.view(np.uint32)
    for row in range(len(keys)):
        h = _TOKEN_SEED
        for i in range(bounds[row], bounds[row + 1]):
            h = _mix(h, (uint64(columns[i]) << uint64(32)) | uint64(bits[i]))
        keys[row] = h
    return keys


@compiled()
def _roomier(array: NDArray[Any], size: int) -> NDArray[Any]:
    larger = np.empty(2 * size, array.dtype)
    larger[: len(array)] = array
    return larger


@compiled()
def spell(tokens: Tokens, kinds: U8, places: I32, columns: I64, spaced: bool) -> U32:
    """Write the n-grams of `columns` as a reader knows them, each followed by a line feed.

    ``^`` and ``$`` are the boundaries of a text; a dot in the middle stands where a word goes on. Words are set apart
    by a space, and so are all tokens when they are `spaced`.
    """
    out = np.empty(1024, np.uint32)
    n = 0
    for column in columns:
        begin, end = places[column, 0], places[column, 1]
        room = n + 16 + (2 * _width(tokens, begin, end) if end > 0 else (-end - begin))
        if room > len(out):
            out = _roomier(out, room)
        if end > 0:
            n = _spell_tokens(tokens, kinds, begin, end, spaced, out, n)
        else:
            n = _spell_part(tokens.folded, begin, -end - 1, out, n)
        out[n] = 10
        n += 1
    return out[:n].copy()


@compiled()
def _width(tokens: Tokens, begin: int, end: int) -> int:
    return tokens.ends[end - 1] - tokens.begins[begin] + end - begin


@compiled()
def _spell_tokens(tokens: Tokens, kinds: U8, begin: int, end: int, spaced: bool, out: U32, n: int) -> int:
    after_word = False
    for token in range(begin, end):
        first, stop = tokens.begins[token], tokens.ends[token]
        if first == stop:
            out[n] = 94 if tokens.hashes[token] == _TEXT_BEGIN else 36
            n += 1
            after_word = False
            continue
        if tokens.hashes[token] == _GAP:
            out[n] = 32
            n += 1
            after_word = False
            continue
        is_word = spaced or kinds[tokens.folded[first]] == WORD
        if is_word and after_word:
            out[n] = 32
            n += 1
        for i in range(first, stop):
            out[n] = tokens.folded[i] if tokens.folded[i] != 10 else 32
            n += 1
        after_word = is_word
    return n


@compiled()
def _spell_part(folded: U32, begin: int, end: int, out: U32, n: int) -> int:
    first, opens = begin // 2, begin % 2 == 1
    last, closes = end // 2, end % 2 == 1
    if not opens:
        out[n] = 0xB7
        n += 1
    for i in range(first + opens, last + 1 - closes):
        out[n] = folded[i] if folded[i] != 10 else 32
        n += 1
    if not closes:
        out[n] = 0xB7
        n += 1
    return n
