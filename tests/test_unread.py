"""What a model does not read of its texts reaches whoever listens, and nobody else."""

from __future__ import annotations

import threading

from fenlei._unread import Unread, counted


def test_parts_are_summed():
    with counted() as unread:
        for n_texts, n_ids in ((0, 0), (2, 1500), (1, 7)):
            Unread(1000, n_texts, n_ids, max_length=16, long_text="tail").tell()
    assert str(unread) == (
        "3 of 3,000 texts are longer than max_length=16: 1,507 of their tokens are not read (long_text=tail)"
    )
    assert unread.in_chinese() == (
        "3,000 条文本中有 3 条长于 max_length=16，其中共 1,507 个词元未被读取（long_text=tail）"
    )


def test_a_message_is_told_only_where_something_is_not_read():
    told = []
    Unread(9, 0, 0, max_length=16).tell(told.append)
    Unread(9, 1, 5, max_length=16).tell(told.append)
    assert told == ["1 of 9 texts are longer than max_length=16: 5 tokens at their ends are not read"]
    assert Unread(9, 1, 5, max_length=16).in_chinese().endswith("，其末尾共 5 个词元未被读取")


def test_only_the_block_and_its_thread_are_listened_to():
    def tell():
        Unread(1, 1, 1, max_length=1).tell()

    with counted() as outer:
        with counted() as inner:
            tell()
        other = threading.Thread(target=tell)
        other.start()
        other.join()
    tell()
    assert (outer.n_texts, inner.n_texts) == (0, 1)
