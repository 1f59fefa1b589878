from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from fenlei.data.readers import read, stream
from fenlei.exceptions import DataError, SettingError


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "above" / "corpus"
    for place, content in {
        "b/2.txt": b"second\nlines\n",
        "b/1.txt": "第一个文本，很好".encode("gbk"),
        "a/x": b"",
        "a/.hidden": b"\xff",
        ".git/config": b"x",
        "b/3.txt.gz": gzip.compress(b"packed"),
    }.items():
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def test_each_file_is_a_text_and_its_folder_the_label(corpus: Path) -> None:
    data = read(corpus)
    assert data.texts == ["", "第一个文本，很好", "second\nlines\n", "packed"]
    assert data.targets == ["a", "b", "b", "b"]
    assert list(data.rows) == [1, 2, 3, 4]
    assert data.encoding == "utf-8, gb18030"
    assert read(corpus, label="").targets is None
    assert next(stream(corpus, format="folder")).target == "a"


def test_files_beside_the_class_folders_are_reported(corpus: Path) -> None:
    (corpus / "README").write_text("about")
    assert "1 file(s) beside the class folders" in read(corpus).warnings[0]


def test_a_folder_without_class_folders(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match="one subfolder per class"):
        read(tmp_path)


def test_empty_class_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="no texts in it"):
        read(tmp_path)


def test_a_folder_too_deep_names_the_one_that_was_meant(corpus: Path) -> None:
    with pytest.raises(DataError, match="did you mean"):
        read(corpus.parent)


def test_a_binary_file_is_named(corpus: Path) -> None:
    (corpus / "a" / "z.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match=r"z\.png: not a text file: this is a picture"):
        read(corpus)


def test_an_encoding_counts_for_all_files(corpus: Path) -> None:
    with pytest.raises(DataError, match=r"1\.txt, row 1: not valid utf-8"):
        read(corpus, encoding="utf-8")
    with pytest.raises(SettingError, match="means nothing for a file of format folder"):
        read(corpus, text="text")
