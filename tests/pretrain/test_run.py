"""Pretraining from texts to a checkpoint: the result loads everywhere, and an interruption changes nothing."""

from __future__ import annotations

import json
import math
import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from fenlei.encoders.load import load_encoder
from fenlei.exceptions import DataError, FenleiError, SettingError
from fenlei.pretrain.run import pretrain

SMALL = {"layers": 1, "hidden": 32, "heads": 2, "length": 24, "batch_size": 8, "rounds": 3, "vocabulary": 400}


class Killed(Exception):  # noqa: N818
    """Stands for a kill, of which there is no trace but the files."""


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def made(corpus_texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    said = []
    result = pretrain(corpus_texts, folder / "encoder", steps=120, message=said.append, learning_rate=5e-3, **SMALL)
    return result, said


def test_the_result_is_one_folder_and_nothing_beside_it(made):
    result, _ = made
    assert files(result.folder.parent) == ["encoder"]
    assert files(result.folder) == [
        "accuracy.svg", "config.json", "model.safetensors", "pretraining.json", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip


def test_it_learns(made):
    first, last = made[0].history[0], made[0].history[-1]
    assert last["loss"] < first["loss"] - 1
    assert last["accuracy"] > first["accuracy"] + 0.05


def test_the_history_is_told_and_written(made):
    result, said = made
    facts = json.loads((result.folder / "pretraining.json").read_bytes())
    assert [point["step"] for point in facts["history"]] == [0, 40, 80, 120]
    assert all(point["perplexity"] == pytest.approx(math.exp(point["loss"])) for point in facts["history"])
    assert facts["corpus"]["texts"] == 124 and facts["settings"]["hidden"] == 32
    assert facts["samples"] == result.samples and facts["steps"] == result.steps == 120
    assert said[-1].startswith("round 3/3, step 120: held-out loss")


def test_samples_read_as_sentences(made):
    samples = made[0].samples
    assert any("今天" in sample["text"] for sample in samples)
    assert any("walking" in sample["text"] or "number" in sample["text"] for sample in samples)
    for sample in samples:
        assert "[MASK]" in sample["text"] and sample["hidden"] and len(sample["fillings"]) == 3
        assert "##" not in str(sample)


def test_transformers_loads_it(made):
    from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

    folder = made[0].folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    bare, found = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not found["missing_keys"]
    whole, found = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not found["missing_keys"] and not found["unexpected_keys"]
    inputs = tokenizer(["今天等待", "walking to the cinema"], padding=True, return_tensors="pt")
    with torch.no_grad():
        assert bare(**inputs).last_hidden_state.shape[-1] == 32
        assert whole(**inputs).logits.shape[-1] == len(tokenizer)
    assert next(bare.parameters()).dtype == torch.float32


@pytest.mark.parametrize(
    ("settings", "head", "missing"),
    [
        ({"architecture": "bert"}, "AutoModelForMaskedLM", {"pooler.dense.weight", "pooler.dense.bias"}),
        ({"next_sentence": True}, "AutoModelForPreTraining", set()),
        ({"objective": "next-token", "tokenizer": "bpe", "vocabulary": 500}, "AutoModelForCausalLM", set()),
    ],
)
def test_transformers_loads_every_kind_without_a_weight_missing_or_left_over(
    corpus_texts, tmp_path, settings, head, missing
):
    """A BERT without sentence pairs has no pooler: `AutoModel` makes one, which nobody has trained."""
    import transformers

    folder = pretrain(corpus_texts, tmp_path / "out", steps=1, **SMALL | settings).folder
    whole, found = getattr(transformers, head).from_pretrained(folder, output_loading_info=True)
    assert not found["missing_keys"] and not found["unexpected_keys"] and not found["mismatched_keys"]
    bare, found = transformers.AutoModel.from_pretrained(folder, output_loading_info=True)
    assert set(found["missing_keys"]) == missing
    assert all(key.startswith("cls.") for key in found["unexpected_keys"])  # the head
    own = bare.state_dict()
    for name, value in whole.base_model.state_dict().items():
        assert torch.equal(own[name], value)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(["今天等待", "walking to the cinema"], padding=True, return_tensors="pt")
    with torch.no_grad():
        assert bare(**inputs).last_hidden_state.shape[-1] == 32


def test_how_well_sentence_pairs_are_told_is_measured(corpus_texts, tmp_path):
    said = []
    how = {"next_sentence": True, "steps": 2, "held_out": 1, "message": said.append}
    result = pretrain(corpus_texts, tmp_path / "out", **SMALL | how)
    facts = json.loads((result.folder / "pretraining.json").read_bytes())
    assert [point["next_sentence_accuracy"] in (0, 1) for point in facts["history"]] == [True] * 3
    assert said[-1].endswith(f"next-sentence accuracy {result.history[-1]['next_sentence_accuracy']:.1%}")


def test_fenlei_loads_it(made):
    said = []
    loaded = load_encoder(str(made[0].folder), message=said.append)
    assert not (said or loaded.missing or loaded.unexpected)
    assert (loaded.max_length, loaded.tokenizer.mask_id) == (24, 4)


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.2},
        {"next_sentence": True, "dropout": 0.2},
        {"objective": "next-token", "tokenizer": "bpe", "vocabulary": 500},
    ],
)
def test_a_killed_and_resumed_training_ends_at_the_same_weights(corpus_texts, tmp_path, settings):
    settings = SMALL | {"steps": 12} | settings
    whole = pretrain(corpus_texts, tmp_path / "whole", **settings)
    out = tmp_path / "resumed"

    def kill(what):
        if what.startswith("step 7/"):
            raise Killed

    with pytest.raises(Killed):
        pretrain(corpus_texts, out, checkpoint_every=0, progress=kill, **settings)
    assert files(tmp_path) == ["resumed.pretraining", "whole"]
    said = []
    resumed = pretrain(iter(corpus_texts), out, resume=True, progress=said.append, **settings)
    assert sum(text.startswith("step ") for text in said) == 6
    assert not any("tokens of" in text for text in said)  # the corpus was there already
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "resumed"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [{**point, "seconds": 0} for point in resumed.history] == [{**p, "seconds": 0} for p in whole.history]
    assert resumed.samples == whole.samples
    assert files(tmp_path) == ["resumed", "whole"]


def test_killed_after_the_last_step_nothing_is_learned_again(made, corpus_texts, tmp_path):
    def kill(what):
        if what == "filling gaps":
            raise Killed

    settings = SMALL | {"steps": 120, "learning_rate": 5e-3}
    with pytest.raises(Killed):
        pretrain(corpus_texts, tmp_path / "out", progress=kill, **settings)
    said = []
    resumed = pretrain(corpus_texts, tmp_path / "out", resume=True, progress=said.append, **settings)
    assert not any(text.startswith("step ") for text in said)
    assert resumed.samples == made[0].samples and len(resumed.history) == 4
    names = (made[0].folder, resumed.folder)
    first, second = (load_file(folder / "model.safetensors") for folder in names)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def stopped(corpus_texts, tmp_path):
    """A pretraining that was stopped before its first checkpoint."""

    def stop(what):
        if what.startswith("step 1/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(corpus_texts, tmp_path / "out", progress=stop, steps=2, **SMALL)


@pytest.mark.usefixtures("stopped")
def test_stopped_before_the_first_checkpoint_the_corpus_is_kept(corpus_texts, tmp_path):
    with pytest.raises(SettingError, match="was begun with other texts"):
        pretrain(corpus_texts[1:], tmp_path / "out", resume=True, steps=2, **SMALL)
    with pytest.raises(SettingError, match="holds an interrupted pretraining"):
        pretrain(corpus_texts, tmp_path / "out", steps=2, **SMALL)
    with pytest.raises(DataError):
        pretrain([tmp_path / "none.txt"], tmp_path / "out", resume=True, steps=2, **SMALL)
    said = []
    pretrain(corpus_texts, tmp_path / "out", resume=True, progress=said.append, steps=2, **SMALL)
    assert not any("tokens of" in text for text in said)
    assert files(tmp_path) == ["out"]


@pytest.fixture
def interrupted(corpus_texts, tmp_path):
    def kill(what):
        if what.startswith("step 3/"):
            raise Killed

    with pytest.raises(Killed):
        pretrain(corpus_texts, tmp_path / "out", checkpoint_every=0, progress=kill, steps=5, **SMALL)
    return tmp_path / "out"


def test_other_settings_are_not_resumed(interrupted, corpus_texts):
    with pytest.raises(SettingError, match="was begun with steps=5, not 6"):
        pretrain(corpus_texts, interrupted, resume=True, steps=6, **SMALL)


def test_other_texts_are_not_resumed(interrupted, corpus_texts):
    with pytest.raises(SettingError, match="was begun with other texts"):
        pretrain(corpus_texts[1:], interrupted, resume=True, steps=5, **SMALL)
    assert pretrain(corpus_texts, interrupted, resume=True, steps=5, **SMALL).steps == 5


def test_an_interrupted_training_is_not_overwritten(interrupted, corpus_texts):
    with pytest.raises(SettingError, match=r"holds an interrupted pretraining; add --resume"):
        pretrain(corpus_texts, interrupted, steps=5, **SMALL)


def test_what_has_not_begun_is_begun_by_resuming(corpus_texts, tmp_path):
    assert pretrain(corpus_texts, tmp_path / "out", resume=True, steps=1, **SMALL).steps == 1


@pytest.mark.parametrize("resume", [False, True])
def test_an_existing_folder_is_refused(made, corpus_texts, resume):
    folder = made[0].folder
    before = files(folder)
    with pytest.raises(SettingError, match="nothing to resume" if resume else "is there already"):
        pretrain(corpus_texts, folder, resume=resume, steps=1, **SMALL)
    assert files(folder) == before and files(folder.parent) == ["encoder"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_ones_own_that_has_its_name_is_refused_and_kept(corpus_texts, tmp_path, resume):
    folder = tmp_path / "out.pretraining"
    folder.mkdir()
    corpus = folder / "texts.jsonl"
    corpus.write_text("\n".join(corpus_texts), encoding="utf-8")
    with pytest.raises(SettingError, match=r"holds 'texts.jsonl', which no pretraining wrote .* give another --out"):
        pretrain([corpus], tmp_path / "out", resume=resume, steps=1, **SMALL)
    assert corpus.read_text(encoding="utf-8").splitlines() == corpus_texts


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("resume", [False, True])
def test_a_file_of_ones_own_in_its_folder_is_kept(corpus_texts, tmp_path, resume):
    corpus = tmp_path / "out.pretraining" / "corpus.txt"
    corpus.write_text("\n".join(corpus_texts), encoding="utf-8")
    with pytest.raises(SettingError, match=r"holds 'corpus.txt', which no pretraining wrote"):
        pretrain([corpus], tmp_path / "out", resume=resume, steps=2, **SMALL)
    assert corpus.is_file()


def test_what_a_kill_has_left_before_anything_was_learned_is_removed(corpus_texts, tmp_path):
    folder = tmp_path / "out.pretraining"
    folder.mkdir()
    (folder / ".settings.json.0a1b2c3d.new").touch()
    assert pretrain(corpus_texts, tmp_path / "out", steps=1, **SMALL).steps == 1
    folder.mkdir()
    for name in ("settings.json", "texts.jsonl", "sequences.bin"):
        (folder / name).touch()
    shutil.rmtree(tmp_path / "out")
    assert pretrain(corpus_texts, tmp_path / "out", steps=1, **SMALL).steps == 1
    assert files(tmp_path) == ["out"]


def test_minutes_decide_the_steps(corpus_texts, tmp_path):
    said = []
    result = pretrain(corpus_texts, tmp_path / "out", minutes=0.02, message=said.append, **SMALL)
    assert f"steps={result.steps} gives the same again" in said[0]


@pytest.mark.parametrize("fixture", ["tiny_encoder", "tiny_decoder"])
def test_going_on_from_a_checkpoint(request, fixture, corpus_texts, tmp_path):
    folder = request.getfixturevalue(fixture)
    objective = "masked" if fixture == "tiny_encoder" else "next-token"
    result = pretrain(
        corpus_texts, tmp_path / "out", encoder=str(folder), objective=objective, steps=4, length=24, batch_size=8,
        learning_rate=1e-3,
    )  # fmt: skip
    before, after = load_encoder(str(folder)), load_encoder(str(result.folder))
    assert not after.missing
    assert (
        before.tokenizer.encode(["我们 walking"]).ids.tolist() == after.tokenizer.encode(["我们 walking"]).ids.tolist()
    )
    own, new = before.network.state_dict(), after.network.state_dict()
    assert own.keys() == new.keys()
    moved = [float((own[name] - new[name]).abs().max()) for name in own if own[name].is_floating_point()]
    assert 0 < max(moved) < 0.1
    assert result.history[-1]["loss"] < result.history[0]["loss"]


def test_a_network_may_have_more_rows_than_its_tokenizer_has_tokens(corpus_texts, tmp_path):
    how = {"objective": "next-token", "steps": 1, "length": 24}
    folder = pretrain(corpus_texts, tmp_path / "first", **SMALL | how).folder
    network = LlamaForCausalLM.from_pretrained(folder)
    n = network.config.vocab_size
    network.resize_token_embeddings(n + 40, mean_resizing=False)
    with torch.no_grad():
        network.get_input_embeddings().weight[n:] *= 100  # so that they win
    network.save_pretrained(folder)
    result = pretrain(corpus_texts, tmp_path / "out", encoder=str(folder), learning_rate=1e-6, **how)
    assert result.samples


@pytest.mark.parametrize(
    ("texts", "settings", "error", "message"),
    [
        ([], {}, DataError, "no texts"),
        ([""], {}, DataError, "all texts of the corpus are empty"),
        (["很好"], {}, DataError, "not enough for two sequences of 24"),
        ([" \t "], {}, DataError, "no token stands"),
        (["很好"], {"layer": 3}, SettingError, "did you mean 'layers'"),
        (["很好"], {"encoder": "./none"}, FenleiError, "no such folder"),
        ("很好", {}, SettingError, "got one string"),
    ],
)
def test_what_is_wrong_leaves_nothing_behind(texts, settings, error, message, tmp_path):
    own = {"length": 24} if "encoder" in settings else SMALL
    with pytest.raises(error, match=message):
        pretrain(texts, tmp_path / "out", steps=1, **own | settings)
    assert not files(tmp_path)


def test_texts_may_hold_anything(tmp_path):
    odd = ["", " ", "\x00\ud800", "🐱" * 50, "很" * 5000, "[MASK] [SEP] 好", "\n\n", "a" * 3000]
    result = pretrain(odd * 2, tmp_path / "out", steps=2, **SMALL)
    assert result.counts.texts == 16


def test_a_folder_must_be_there_for_the_result(tmp_path, corpus_texts):
    with pytest.raises(DataError, match="the folder that it should be in does not exist"):
        pretrain(corpus_texts, tmp_path / "no" / "out", steps=1, **SMALL)


def test_several_processes_are_refused(tmp_path, corpus_texts, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingError, match="runs in one process"):
        pretrain(corpus_texts, tmp_path / "out", steps=1, **SMALL)
