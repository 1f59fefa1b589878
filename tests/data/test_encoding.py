from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenlei.data import encoding as module
from fenlei.data.encoding import detect_encoding, known_encoding
from fenlei.exceptions import DataError, SettingError

SIMPLIFIED = "这家酒店的位置很好，房间也干净，下次还会来住。\n"
TRADITIONAL = "這家飯店的位置很好，房間也乾淨，下次還會來住。\n"


def detect(content: bytes, **options: str) -> module.Decoding:
    return detect_encoding(io.BytesIO(content), **options)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "utf-8"),
        (b"plain ascii\n", "utf-8"),
        (SIMPLIFIED.encode(), "utf-8"),
        (SIMPLIFIED.encode("utf-8-sig"), "utf-8-sig"),
        (SIMPLIFIED.encode("gbk"), "gb18030"),
        (TRADITIONAL.encode("gb18030"), "gb18030"),
        (SIMPLIFIED.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + SIMPLIFIED.encode("utf-16-be"), "utf-16"),
        ("😀 café €\n".encode("gb18030"), "gb18030"),
    ],
)
def test_the_ladder_finds_the_encoding_without_a_warning(content: bytes, expected: str) -> None:
    assert detect(content) == module.Decoding(expected)


def test_the_decision_falls_at_the_last_byte_not_at_the_first() -> None:
    assert detect(b"ascii line\n" * 200_000 + "很好".encode("gbk")).encoding == "gb18030"


def test_big5_is_read_as_gb18030_with_a_warning_that_names_big5() -> None:
    found = detect((TRADITIONAL * 3).encode("big5"))
    assert found.encoding == "gb18030"
    assert "--encoding big5" in found.warnings[0]
    assert detect((TRADITIONAL * 3).encode("big5"), encoding="big5") == module.Decoding("big5")


def test_western_text_that_happens_to_be_valid_gb18030_draws_a_warning() -> None:
    assert "cp1252" in detect("télévision défectueuse".encode("cp1252")).warnings[0]


def test_a_mixture_of_utf8_and_gbk_lines_is_an_error_with_both_rows() -> None:
    content = SIMPLIFIED.encode() * 2 + SIMPLIFIED.encode("gbk")
    with pytest.raises(DataError, match=r"mixed encodings: row 1 is UTF-8") as caught:
        detect(content, source="a.csv")
    assert caught.value.row == 3
    assert caught.value.source == "a.csv"


def test_a_byte_of_no_encoding_is_named_with_offset_and_row() -> None:
    with pytest.raises(DataError, match=r"row 2: neither UTF-8 nor GB18030 \(byte 0x85 at offset 6\).*--encoding"):
        detect(b"good\na\x85 b\n")


def test_the_offset_is_right_beyond_the_first_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 7)
    for position in range(20, 40):
        content = bytearray("很好很好\n".encode() * 4)
        content[position:position] = b"\xff"
        with pytest.raises(DataError) as caught:
            detect(bytes(content), encoding="utf-8")
        before = bytes(content)[:position]
        start = len(before.decode("utf-8", "ignore").encode())  # a cut character is blamed, or the byte itself
        assert f"offset {start})" in str(caught.value)
        assert caught.value.row == before.count(b"\n") + 1


def test_a_cut_last_character_is_found() -> None:
    with pytest.raises(DataError, match="offset 3"):
        detect("很好".encode()[:-1], encoding="utf-8")


def test_a_forced_encoding_is_checked_over_the_whole_stream() -> None:
    with pytest.raises(DataError, match=r"not valid utf-8 \(byte 0xBA"):
        detect("很好".encode("gbk"), encoding="utf-8")


@pytest.mark.parametrize("name", ["nope", "", "hex", "rot13", "utf\0", "\ud800", "undefined", "idna", "punycode"])
def test_unknown_encodings_are_refused(name: str) -> None:
    with pytest.raises(SettingError, match="unknown encoding"):
        known_encoding(name)


def test_the_stream_is_rewound_also_after_an_error() -> None:
    stream = io.BytesIO(b"\xff")
    with pytest.raises(DataError):
        detect_encoding(stream)
    assert stream.tell() == 0


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([None, "utf-16", "big5", "utf-7", "shift_jis", "latin-1"]),
)
def test_any_bytes_give_an_encoding_that_decodes_them_or_a_data_error(content: bytes, encoding: str | None) -> None:
    try:
        found = detect_encoding(io.BytesIO(content), encoding=encoding)
    except DataError as error:
        assert error.row is not None
        return
    reader = io.TextIOWrapper(io.BytesIO(content), encoding=found.encoding)
    reader.read()


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_valid_utf8_is_always_read_as_utf8(text: str) -> None:
    found = detect_encoding(io.BytesIO(text.encode())).encoding
    assert found == ("utf-8-sig" if text.startswith("\ufeff") else "utf-8")
