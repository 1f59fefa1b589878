from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from fenlei.exceptions import MissingExtraError, ModelFolderError, SettingError
from fenlei.features.subwords import BpeVocabulary, SubwordVocabulary, UnigramVocabulary, WordpieceVocabulary
from fenlei.features.vocabularies import read_vocabulary

pytest.importorskip("tokenizers", reason="the extra 'neural' is not installed")

TEXTS = [f"我们看了好看的电影{i % 9}，going to the cinema" for i in range(30)] + ["they are walking and talking"] * 9
KINDS = pytest.mark.parametrize("kind", [WordpieceVocabulary, BpeVocabulary, UnigramVocabulary])
SCRIPT = """
import hashlib, sys
from fenlei.features.vocabularies import make_vocabulary
texts = [f"第{i % 7}部电影 film{i % 5} rewalking {chr(0x4e00 + i)}" for i in range(60)]
for unit in ("wordpiece", "bpe", "unigram"):
    files = make_vocabulary(unit, max_size=330).fit(texts).to_files()
    sys.stdout.write(hashlib.sha256(b"".join(files.values())).hexdigest())
"""


def test_wordpiece_cuts_as_bert_does() -> None:
    vocabulary = WordpieceVocabulary(max_size=60, min_count=5).fit(TEXTS)
    tokens = _spelled(vocabulary, "好看cinema 电影ming")
    assert tokens[:3] + tokens[3:-1][:2] == ["好", "看", "cinema", "电", "影"]
    assert all(token.startswith("##") for token in tokens[6:])
    assert all(len(token.removeprefix("##")) == 1 or token.isascii() for token in vocabulary.tokens_)


@pytest.mark.parametrize("kind", [BpeVocabulary, UnigramVocabulary])
def test_words_have_a_mark_and_chinese_has_none(kind: type[SubwordVocabulary]) -> None:
    vocabulary = kind(max_size=400).fit(TEXTS)
    assert _spelled(vocabulary, "walking")[0].startswith("▁")
    assert "▁" not in "".join(_spelled(vocabulary, "好看 电影，看"))
    assert "".join(_spelled(vocabulary, "walking to 电影， going")) == "▁walking▁to电影，▁going"
    assert any(len(token) > 1 and "看" in token for token in vocabulary.tokens_)


def test_bpe_writes_unknown_characters_as_bytes() -> None:
    vocabulary = BpeVocabulary().fit(TEXTS)
    assert _spelled(vocabulary, "好🐱") == ["好", *(f"<0x{byte:02X}>" for byte in "🐱".encode())]
    assert vocabulary.unknown_share(["\ud800 龘 \x00"]) == 0


@KINDS
def test_lone_surrogates_read_as_replacement_characters(kind: type[SubwordVocabulary]) -> None:
    vocabulary = kind().fit([*TEXTS, "好\ud800看"])
    assert vocabulary.transform(["好\udfff看"]).ids.tolist() == vocabulary.transform(["好\ufffd看"]).ids.tolist()


def test_training_is_the_same_in_every_process() -> None:
    found = [
        subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True, env=os.environ).stdout
        for _ in range(3)
    ]
    assert len(set(found)) == 1


@KINDS
def test_a_foreign_tokenizer_is_refused(kind: type[SubwordVocabulary]) -> None:
    files = kind(max_size=400).fit(TEXTS).to_files()
    other = kind(max_size=400).fit([*TEXTS, "龙"]).to_files()["tokenizer.json"]
    special = _with(files, added_tokens=[_added_token()])
    for tokenizer in (b"", b"{}", b"[]", b'{"model": {}}', other, special):
        with pytest.raises(ModelFolderError, match=r"tokenizer\.json"):
            read_vocabulary({**files, "tokenizer.json": tokenizer})
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json: is missing"):
        read_vocabulary({"vocabulary.json": files["vocabulary.json"]})


@KINDS
def test_padding_and_truncation_of_a_file_have_no_effect(kind: type[SubwordVocabulary]) -> None:
    vocabulary = kind(max_size=400).fit(TEXTS)
    files = vocabulary.to_files()
    cut = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    loaded = read_vocabulary({**files, "tokenizer.json": _with(files, truncation=cut)})
    assert loaded.transform(TEXTS).ids.tolist() == vocabulary.transform(TEXTS).ids.tolist()


def test_bytes_need_their_places() -> None:
    with pytest.raises(SettingError, match="261"):
        BpeVocabulary(max_size=100).fit(TEXTS)


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"fenlei\[neural\]"):
        BpeVocabulary().fit(TEXTS)


def _spelled(vocabulary: SubwordVocabulary, text: str) -> list[str]:
    return [vocabulary.tokens_[i] for i in vocabulary.transform([text])[0]]


def _with(files: dict[str, bytes], **parts: Any) -> bytes:
    return json.dumps({**json.loads(files["tokenizer.json"]), **parts}).encode()


def _added_token() -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": 9999, "content": "电影", "special": True, **flags}
