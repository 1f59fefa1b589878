from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BartConfig,
    BartModel,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5ForConditionalGeneration,
    ViTConfig,
)

from fenlei._strict_json import parse
from fenlei.encoders.bare import make_config
from fenlei.encoders.load import config_bytes, empty_encoder, load_encoder
from fenlei.exceptions import ModelFolderError

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.fixture
def folder(tiny_encoder, tmp_path):
    """A copy of the tiny encoder, to be changed."""
    return shutil.copytree(tiny_encoder, tmp_path / "encoder")


@pytest.fixture
def write(folder):
    """Write a network of another type into the copy."""

    def write_network(network):
        for name in ("config.json", "model.safetensors"):
            (folder / name).unlink()
        (folder / "config.json").write_text(network.config.to_json_string(use_diff=False), "utf-8")
        save_file({name: value.clone() for name, value in network.state_dict().items()}, folder / "model.safetensors")
        return str(folder)

    return write_network


def change(folder, **settings):
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | settings), "utf-8")


def change_weights(folder, edit):
    weights = {name: value.clone() for name, value in load_file(folder / "model.safetensors").items()}
    edit(weights)
    save_file(weights, folder / "model.safetensors")


def states(network):
    ids = torch.tensor([[2, 7, 8, 3]])
    with torch.inference_mode():
        return network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state


def test_states_are_those_of_transformers(tiny_encoder):
    loaded, original = load_encoder(str(tiny_encoder)), BertModel.from_pretrained(tiny_encoder)
    assert torch.equal(states(loaded.network), states(original))
    assert (loaded.max_length, loaded.is_decoder, loaded.missing, loaded.unexpected) == (64, False, [], [])
    assert not loaded.network.training


def test_a_decoder_is_known_as_such(tiny_decoder):
    loaded = load_encoder(str(tiny_decoder))
    assert loaded.is_decoder and loaded.max_length == 64 and not loaded.network.config.use_cache


def test_half_precision_becomes_float32(folder):
    change_weights(folder, lambda weights: weights.update({name: value.half() for name, value in weights.items()}))
    change(folder, dtype="float16")
    assert {value.dtype for value in load_encoder(str(folder)).network.parameters()} == {torch.float32}


def test_the_network_does_not_hang_on_the_file(folder, tiny_encoder):
    network = load_encoder(str(folder)).network
    before = (folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        network.embeddings.word_embeddings.weight.add_(1)
    assert (folder / "model.safetensors").read_bytes() == before
    network = load_encoder(str(folder)).network
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(100)
    assert torch.equal(states(network), states(load_encoder(str(tiny_encoder)).network))


def test_configuration_and_weights_make_the_network_again(tiny_encoder, tiny_decoder):
    for source in (tiny_encoder, tiny_decoder):
        network = load_encoder(str(source)).network
        data = config_bytes(network)
        assert str(source).encode() not in data
        again = empty_encoder(parse(data, "config.json", config=True))
        again.load_state_dict(network.state_dict())
        assert torch.equal(states(again.eval()), states(network))


def test_on_the_meta_device_a_network_needs_no_memory(tiny_encoder):
    config = json.loads((tiny_encoder / "config.json").read_text("utf-8"))
    with torch.device("meta"):
        network = empty_encoder(config | {"hidden_size": 1 << 20, "vocab_size": 1 << 30})
    assert {value.device.type for value in network.parameters()} == {"meta"}


def test_a_head_is_left_out_without_a_word(write):
    told = []
    loaded = load_encoder(write(BertForMaskedLM(BertConfig(vocab_size=338, **SMALL))), message=told.append)
    assert type(loaded.network) is BertModel and not told and loaded.network.pooler is None


def test_roberta_counts_its_places_from_the_padding_id_on(write):
    config = RobertaConfig(vocab_size=338, max_position_embeddings=34, **SMALL)
    loaded = load_encoder(write(RobertaModel(config)))
    assert loaded.max_length == 32
    ids = torch.full((1, 32), 7)
    assert loaded.network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.shape == (1, 32, 16)


def test_of_t5_and_bart_the_encoder_is_taken(write, folder):
    t5 = T5Config(vocab_size=338, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    t5.dropout_rate = 0.0
    original = T5ForConditionalGeneration(t5).eval()
    network = load_encoder(write(original)).network
    assert torch.allclose(states(network), states(original.encoder), atol=1e-6)
    bart = BartConfig(
        vocab_size=338, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=40,
    )  # fmt: skip
    original = BartModel(bart).eval()
    loaded = load_encoder(write(original))
    assert torch.allclose(states(loaded.network), states(original.encoder), atol=1e-6)
    assert (loaded.is_decoder, loaded.max_length) == (False, 40)
    again = empty_encoder(json.loads(config_bytes(loaded.network)))
    again.load_state_dict(loaded.network.state_dict())


def test_all_missing_weights_are_listed_layers_together(folder):
    ends = ("output.dense.weight", "output.dense.bias", "attention.self.key.weight")
    gone = [f"encoder.layer.{layer}.{end}" for end in ends for layer in (0, 1)] + ["embeddings.LayerNorm.bias"]
    change_weights(folder, lambda weights: [weights.pop(name) for name in gone])
    told = []
    assert load_encoder(str(folder), message=told.append).missing == sorted(gone)
    listed = told[0].partition("begin at random: ")[2].split(", ")
    assert sorted(listed) == sorted(["embeddings.LayerNorm.bias", *(f"encoder.layer.0-1.{end}" for end in ends)])


def test_missing_weights_are_told_and_the_same_every_time(folder):
    name = "encoder.layer.1.output.dense.weight"
    change_weights(folder, lambda weights: weights.pop(name))
    told = []
    first, second = (load_encoder(str(folder), message=told.append) for _ in range(2))
    assert first.missing == [name] and name in told[0] and "1 of" in told[0]
    assert torch.equal(states(first.network), states(second.network))


def test_weights_of_layers_without_a_place_are_told(folder):
    change(folder, num_hidden_layers=1)
    told = []
    loaded = load_encoder(str(folder), message=told.append)
    assert len(loaded.unexpected) == 16 and "have no place" in told[0]
    assert told[0].count("encoder.layer.1.") == 16 and "..." not in told[0]


def test_old_names_of_layer_norms_are_understood(folder, tiny_encoder):
    def rename(weights):
        for name in [name for name in weights if "LayerNorm" in name]:
            value = weights.pop(name)
            weights[name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")] = (
                value
            )

    change_weights(folder, rename)
    assert torch.equal(states(load_encoder(str(folder)).network), states(load_encoder(str(tiny_encoder)).network))


def test_shards_are_read(folder, tiny_encoder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for part, held in parts.items():
        save_file({name: weights[name] for name in held}, folder / part)
    index = {"weight_map": {name: part for part, held in parts.items() for name in held}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    assert torch.equal(states(load_encoder(str(folder)).network), states(load_encoder(str(tiny_encoder)).network))
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"00002-of-00002\.safetensors is missing"):
        load_encoder(str(folder))


def test_a_shard_outside_of_the_folder_is_refused(folder):
    (folder / "model.safetensors").rename(folder.parent / "model.safetensors")
    index = {"weight_map": {"a": "../model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(ModelFolderError, match="not the name of a file of weights"):
        load_encoder(str(folder))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model_type": "no-such-thing", "auto_map": {"AutoModel": "code.Net"}}, "never run"),
        ({"model_type": None}, "names no model_type"),
        ({"_attn_implementation": "someone/kernel"}, "foreign code"),
        ({"attn_implementation": "someone/kernel"}, "foreign code"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised"),
        ({"num_hidden_layers": 100_000}, "no network has so many"),
        ({"hidden_size": 1 << 20}, "but the files hold"),
        ({"vocab_size": 1 << 40}, "but the files hold"),
        ({"hidden_size": 34}, "has the shape"),
        ({"hidden_size": "large"}, "not a configuration"),
        ({"num_attention_heads": 5}, "encoder"),
        (ViTConfig(num_hidden_layers=1).to_dict(), "no network of text"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(folder, settings, reason):
    change(folder, **settings)
    with pytest.raises(ModelFolderError, match=reason) as caught:
        load_encoder(str(folder))
    assert "\n" not in str(caught.value)


def test_code_that_is_not_needed_is_left_out(folder):
    change(folder, auto_map={"AutoModel": "code.Net"}, _attn_implementation="flash_attention_2")
    assert load_encoder(str(folder)).network.config._attn_implementation == "sdpa"


def test_code_that_is_needed_is_refused(folder):
    change(folder, auto_map={"AutoModel": "code.Net"})
    change_weights(folder, lambda weights: weights.pop("embeddings.position_embeddings.weight"))
    with pytest.raises(ModelFolderError, match="code of its own"):
        load_encoder(str(folder))


def test_weights_of_another_network_are_refused(folder):
    change_weights(folder, lambda weights: [weights.update({f"x{name}": weights.pop(name)}) for name in [*weights]])
    with pytest.raises(ModelFolderError, match="none of its weights"):
        load_encoder(str(folder))


def test_weights_that_are_not_finite_are_refused(folder):
    change_weights(folder, lambda weights: weights["embeddings.LayerNorm.bias"].fill_(float("nan")))
    with pytest.raises(ModelFolderError, match="is not finite"):
        load_encoder(str(folder))


@pytest.mark.parametrize("data", [b"", b"\xff" * 100, b"\x80\x02}q\x00."])
def test_damaged_weights_are_refused(folder, data):
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelFolderError, match="not a sound file of weights"):
        load_encoder(str(folder))


def test_pickled_weights_are_not_opened(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelFolderError, match=r"pytorch_model\.bin only, which may run code"):
        load_encoder(str(folder))


def test_a_tokenizer_of_another_checkpoint_is_refused(folder):
    def cut(weights):
        weights["embeddings.word_embeddings.weight"] = weights["embeddings.word_embeddings.weight"][:100].clone()

    change(folder, vocab_size=100)
    change_weights(folder, cut)
    with pytest.raises(ModelFolderError, match="the files are of two checkpoints"):
        load_encoder(str(folder))


@pytest.mark.parametrize("key", ["auto_map", "_attn_implementation", "_attn_implementation_internal", "fusion_config"])
def test_a_model_folder_never_names_code(tiny_encoder, key):
    config = json.loads((tiny_encoder / "config.json").read_text("utf-8"))
    for evil in ({key: "x"}, {"nested": {key: "x"}}, {"nested": [{key: "x"}]}):
        with pytest.raises(ModelFolderError, match="foreign code"):
            empty_encoder(config | evil)


def test_a_type_that_is_no_text_is_refused():
    with pytest.raises(ModelFolderError, match="has no network of the type"):
        make_config({"model_type": ["bert"]}, "x")
