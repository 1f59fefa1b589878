"""Saving and loading: the same model comes back, and only a sound folder is loaded or replaced."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei import NbsvmClassifier, TfidfClassifier, load, save
from fenlei.exceptions import ModelFolderError, NotFittedError, SettingError
from fenlei.manifest import SCHEMA, FileFacts, Manifest
from fenlei.persistence import check_replaceable, read_manifest, read_parts, refuse_inside_model

TEXTS = ["很好", "好看 good", "很差", "难看 bad", "好\ud800听", "\x00 bad"]
LABELS = ["good", "good", "bad", "bad", "good", "bad"]
KEPT = Path(__file__).parent / "data" / "model-v1"
KEPT_TEXTS = ["房间干净，服务好", "Too dirty", "", "又脏又吵 noisy"]


@pytest.fixture(scope="module")
def model():
    return TfidfClassifier().fit(TEXTS, LABELS)


@pytest.fixture
def folder(model, tmp_path):
    return save(model, tmp_path / "model", facts={"rows": 6}, extra={"report.html": b"<p>"})


@pytest.fixture(scope="module")
def sound(model, tmp_path_factory):
    """Bytes of every file of a sound folder, and a place to damage them in."""
    folder = save(model, tmp_path_factory.mktemp("sound") / "model")
    return {path.name: path.read_bytes() for path in folder.iterdir()}, folder


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (LABELS, str),
        ([1, 1, 0, 0, 1, 0], int),
        ([-5, -5, 2**62, 2**62, -5, 7], int),
        ([True, True, False, False, True, False], bool),
        (["auto_map", "auto_map", "\ud800", "b", "\ud800", "好"], str),
    ],
)
def test_labels_keep_their_type(labels, kind, tmp_path):
    model = TfidfClassifier().fit(TEXTS, labels)
    again = load(save(model, tmp_path / "model"))
    assert again.classes_.tolist() == model.classes_.tolist()
    assert {type(label) for label in again.classes_.tolist()} == {kind}
    assert again.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()


@pytest.mark.parametrize(
    "model",
    [
        TfidfClassifier(classifier="logistic", ngrams=(1, 2), min_df=1, max_df=0.9),
        TfidfClassifier(segmenter="jieba", segment={"user_dict": ["云计算 5 n"]}, stop_words=["很"]),
        TfidfClassifier(hash_bits=10, clean={"urls": "remove"}),
        NbsvmClassifier(class_weight={"good": 2.0, "bad": 1.0}),
    ],
    ids=["logistic", "words", "hashed", "nbsvm"],
)
def test_the_same_model_comes_back(model, tmp_path):
    model.fit(TEXTS, LABELS)
    again = load(save(model, tmp_path / "model"))
    assert type(again) is type(model)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert again.language_ == model.language_
    settings = model.get_params()
    assert again.get_params().keys() == settings.keys()
    np.testing.assert_array_equal(
        type(again)(**again.get_params()).fit(TEXTS, LABELS).predict_proba(TEXTS), model.predict_proba(TEXTS)
    )


def test_keys_that_are_not_texts_come_back(tmp_path):
    weights = {0: 1.0, 1: 2.5}
    model = TfidfClassifier(class_weight=weights).fit(TEXTS, [0, 0, 1, 1, 0, 1])
    assert load(save(model, tmp_path / "model")).get_params()["class_weight"] == weights


def test_multi_label(tmp_path):
    model = TfidfClassifier().fit(TEXTS, [["a"], ["a", "b"], [], ["b"], ["a"], ["c"]])
    again = load(save(model, tmp_path / "model"))
    assert again.multi_label_
    assert again.predict(TEXTS) == model.predict(TEXTS)


def test_saving_is_reproducible(model, folder, tmp_path):
    again = save(load(folder), tmp_path / "again", facts={"rows": 6}, extra={"report.html": b"<p>"})
    for path in folder.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_manifest(folder, model):
    manifest = read_manifest(folder)
    assert (manifest.family, manifest.classes, manifest.multi_label) == ("tfidf", 2, False)
    assert (manifest.facts, manifest.schema) == ({"rows": 6}, SCHEMA)
    for name, facts in manifest.files.items():
        assert facts == FileFacts.of((folder / name).read_bytes())
    _, classes, settings = read_parts(folder)
    assert classes.tolist() == ["bad", "good"]
    assert settings.keys() == model.get_params().keys()


def test_unfitted_and_unknown_things_are_not_saved(model, tmp_path):
    with pytest.raises(NotFittedError):
        save(TfidfClassifier(), tmp_path / "model")
    with pytest.raises(SettingError, match=r"report\.html"):
        save(model, tmp_path / "model", extra={"model.pkl": b""})
    for facts in ({"loss": float("nan")}, {"path": Path()}, {"n": 1 << 70}, {"x": "y" * 2_000_000}):
        with pytest.raises(SettingError, match="facts"):
            save(model, tmp_path / "model", facts=facts)
    assert not any(tmp_path.iterdir())


def test_a_setting_that_is_no_json_is_not_saved(tmp_path):
    model = TfidfClassifier().fit(TEXTS, LABELS)
    model.min_df = float("inf")
    with pytest.raises(SettingError, match="setting"):
        save(model, tmp_path / "model")


def test_a_model_is_replaced_and_nothing_else_is(model, folder, tmp_path):
    save(model, folder, facts={"rows": 7})
    assert read_manifest(folder).facts == {"rows": 7}
    assert not (folder / "report.html").exists()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"notes\.txt"):
        save(model, folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="neither empty nor"):
        save(model, other)
    with pytest.raises(ModelFolderError, match="not a folder"):
        save(model, other / "manifest.json")
    assert (other / "manifest.json").read_text() == "{}"
    assert (folder / "notes.txt").read_text() == "mine"


def test_the_current_folder_is_not_replaced(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFolderError, match="folder you are in"):
        save(model, ".")


@pytest.mark.parametrize("place", ["sub", "sub/deep", "a/b/c"])
def test_nothing_is_saved_into_a_model_folder(model, folder, place):
    before = sorted(folder.rglob("*"))
    for refuse in (check_replaceable, lambda inside: save(model, inside), refuse_inside_model):
        with pytest.raises(ModelFolderError, match="lies in the model folder model"):
            refuse(folder / place)
    assert sorted(folder.rglob("*")) == before
    load(folder)


def test_a_manifest_of_another_program_is_in_nobodys_way(model, tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "an extension of a browser"}')
    load(save(model, tmp_path / "models" / "model"))


def test_a_link_to_a_model_stays_a_link(model, folder, tmp_path):
    link = tmp_path / "current"
    link.symlink_to(folder, target_is_directory=True)
    assert save(model, link, facts={"rows": 8}) == link
    assert link.is_symlink()
    assert read_manifest(folder).facts == {"rows": 8}
    assert load(link).predict(["好"]).tolist() == ["good"]


# What loading refuses.


def write_manifest(folder, **changes):
    manifest = read_manifest(folder)
    files = changes.pop("files", None)
    parts = {**vars(manifest), **changes}
    if files is not None:
        parts["files"] = {**manifest.files, **{name: FileFacts.of(data) for name, data in files.items()}}
        for name, data in files.items():
            (folder / name).write_bytes(data)
    (folder / "manifest.json").write_bytes(Manifest(**parts).to_bytes())


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("model.pkl", b"", "no file of such a name"),
        ("model.bin", b"", "no file of such a name"),
        ("Model.json", b"", "no file of such a name"),
        ("code.py", b"", "no file of such a name"),
        ("config.json", b'{"auto_map": {}}', "auto_map"),
        ("config.json", b'{"clean": {"_attn_implementation_x": "a/b"}}', "_attn_implementation_x"),
        ("config.json", b'{"nonsense": 1}', "nonsense"),
        ("config.json", b"[]", "no settings"),
        ("config.json", b'{"clean": {"$pairs": 3}}', "not as it was written"),
        ("labels.json", b'["good", "bad"]', "sorted labels"),
        ("labels.json", b'["bad"]', "sorted labels"),
        ("labels.json", b'["bad", 1]', "sorted labels"),
        ("labels.json", b"[[1], [2]]", "sorted labels"),
        ("labels.json", b'["bad", "bad"]', "sorted labels"),
        ("learned.json", b'{"preparation": {"auto_map": 1}}', "auto_map"),
        ("learned.json", b"[]", "do not fit together"),
        ("learned.json", b'{"preparation": []}', "do not fit together"),
        ("learned.json", b"[" * 100_000, "nested too deep"),
        ("learned.json", b'{"a": NaN}', "NaN"),
        ("learned.json", b'{"a": -1e999}', "-1e999 is too large"),
        ("config.json", b'{"C": 1e999}', "1e999 is too large"),
        ("learned.json", b'{"a": 1, "a": 1}', "twice"),
        ("learned.json", b'{"a": %s}' % (b"9" * 10_000), "64 bits"),
        ("learned.json", b"\xff", "UTF-8|utf-8"),
        ("weights.safetensors", b"", "header"),
        ("weights.safetensors", (1 << 40).to_bytes(8, "little") + b"{}", "header"),
        ("weights.safetensors", (20_000_000).to_bytes(8, "little") + b" " * 20_000_000, "header"),
        ("weights.safetensors", (2).to_bytes(8, "little") + b"{}", "do not fit together"),
    ],
)
def test_a_hostile_file_with_a_right_fingerprint_is_refused(folder, name, data, message):
    write_manifest(folder, files={name: data})
    with pytest.raises(ModelFolderError, match=message) as caught:
        load(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../labels.json", "/etc/passwd", "a/b.json", "..", "manifest.json", "x.json\n"])
def test_a_name_that_leads_away_is_refused(folder, name):
    manifest = read_manifest(folder)
    write_manifest(folder, files=None, **{"facts": {}})
    parts = {**vars(manifest), "files": {**manifest.files, name: FileFacts.of(b"")}}
    (folder / "manifest.json").write_bytes(Manifest(**parts).to_bytes())
    with pytest.raises(ModelFolderError, match="no file of such a name"):
        load(folder)


def test_impossible_sizes_are_refused_before_reading(folder):
    manifest = read_manifest(folder)
    parts = {**vars(manifest), "files": {**manifest.files, "big.json": FileFacts(1 << 50, "0" * 64)}}
    with (folder / "big.json").open("wb") as file:
        file.truncate(1 << 40)
    (folder / "manifest.json").write_bytes(Manifest(**parts).to_bytes())
    with pytest.raises(ModelFolderError, match="no model has"):
        load(folder)


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"schema": "1"}, {"schema": True}, {"family": "os"}, {"family": "_x"}]
)
def test_unknown_versions_and_families_are_refused(folder, change):
    write_manifest(folder, **change)
    with pytest.raises(ModelFolderError, match=r"layout version|unknown family"):
        load(folder)


def test_a_manifest_with_an_infinity_is_refused(folder):
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows": 6', b'"rows": 1e999'))
    with pytest.raises(ModelFolderError, match=r"manifest\.json: not sound JSON: 1e999 is too large"):
        read_manifest(folder)


@pytest.mark.parametrize("change", [{"classes": 3}, {"multi_label": True}])
def test_a_manifest_that_belongs_to_another_model_is_refused(folder, change):
    write_manifest(folder, **change)
    with pytest.raises(ModelFolderError):
        load(folder)


def test_foreign_entries_are_refused(folder):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"notes\.txt.*move it"):
        load(folder)
    (folder / "notes.txt").unlink()
    (folder / "more").mkdir()
    with pytest.raises(ModelFolderError, match="'more'"):
        load(folder)


def test_missing_and_large_manifests(folder, tmp_path):
    for place in (tmp_path / "none", folder / "labels.json", "\0", "x" * 5000):
        with pytest.raises(ModelFolderError, match="no such model folder"):
            load(place)
    (folder / "manifest.json").write_bytes(b" " * 2_000_000)
    with pytest.raises(ModelFolderError, match="no manifest has over"):
        load(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(ModelFolderError, match=r"manifest\.json: is missing"):
        load(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["manifest.json", "labels.json"])
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_plain_file_is_refused_without_waiting(folder, tmp_path, name, kind):
    moved = (folder / name).rename(tmp_path / "moved.json")
    {
        "link": lambda place: place.symlink_to(moved),
        "folder": lambda place: place.mkdir(),
        "pipe": os.mkfifo,
    }[kind](folder / name)
    with pytest.raises(ModelFolderError, match=f"{name}: is a link, a folder or a device"):
        load(folder)


@given(data=st.data())
def test_any_damage_to_any_byte_is_found(sound, data):
    files, folder = sound
    name = data.draw(st.sampled_from(sorted(files)))
    original = files[name]
    place = data.draw(st.integers(0, len(original) - 1))
    damage = data.draw(
        st.sampled_from(
            [
                original[:place],
                original[:place] + bytes([original[place] ^ 0x20]) + original[place + 1 :],
                original[:place] + b"\0" + original[place:],
                original + b"\n",
            ]
        )
    )
    try:
        (folder / name).write_bytes(damage)
        with pytest.raises(ModelFolderError):
            load(folder)
    finally:
        (folder / name).write_bytes(original)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(["schema", "family", "files", "classes", "digest", "new"]), value=_JSON, alone=st.booleans())
def test_any_json_as_manifest_is_refused(sound, key, value, alone):
    files, folder = sound
    content = json.loads(files["manifest.json"])
    document = value if alone else {**content, key: value}
    try:
        (folder / "manifest.json").write_text(json.dumps(document))
        with pytest.raises(ModelFolderError):
            load(folder)
    finally:
        (folder / "manifest.json").write_bytes(files["manifest.json"])


def test_loading_is_light(folder):
    code = (
        "import sys, fenlei; fenlei.load(sys.argv[1]);print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert not {"sklearn", "scipy", "torch", "numba", "rich", "matplotlib"} & set(done.stdout.split())


def test_a_folder_of_an_earlier_version_still_loads():
    """``python tests/test_persistence.py`` writes the folder anew.

    Do that only before a layout version is released. A new version gets a folder of its own, beside the old ones.
    """
    recorded = json.loads(KEPT.with_suffix(".expected.json").read_text(encoding="utf-8"))
    model = load(KEPT)
    assert model.classes_.tolist() == recorded["classes"]
    np.testing.assert_allclose(model.predict_proba(KEPT_TEXTS), recorded["probabilities"], atol=1e-6)
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 50_000


def write_kept_folder():
    texts = ["房间很干净", "服务热情", "clean and quiet", "房间很脏", "服务冷淡", "dirty and noisy"]
    model = TfidfClassifier(ngrams=(1, 2), class_weight={"好评": 1.0, "差评": 1.5}, clean={"urls": "remove"})
    model.fit(texts, ["好评"] * 3 + ["差评"] * 3)
    shutil.rmtree(KEPT, ignore_errors=True)
    save(model, KEPT, facts={"rows": len(texts)}, extra={"report.html": b"<!doctype html><p>kept</p>\n"})
    recorded = {"classes": model.classes_.tolist(), "probabilities": model.predict_proba(KEPT_TEXTS).tolist()}
    text = json.dumps(recorded, ensure_ascii=False, indent=2)
    KEPT.with_suffix(".expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_kept_folder()
