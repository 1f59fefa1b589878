"""What does not matter goes first, and what is left learns to make up for the rest."""

from __future__ import annotations

import copy
import shutil

import numpy as np
import pytest

import fenlei
from fenlei.compress.pruning import prune
from fenlei.exceptions import DataError, NotFittedError, SettingError

torch = pytest.importorskip("torch")

TEXTS = ["房间很干净", "服务很好 good service", "一般般吧，a bit dull", "又脏又差", "", "好"]


def gap(one, other, texts=TEXTS):
    return float(np.abs(one.predict_proba(texts) - other.predict_proba(texts)).max())


def size(model):
    return len(model.to_files()["weights.safetensors"])


class TestFilters:
    @pytest.mark.parametrize("pooling", ["max", "average", "kmax"])
    @pytest.mark.parametrize("multi_label", [False, True])
    def test_those_that_nobody_hears_go_without_a_trace(self, network, pooling, multi_label, tmp_path):
        model = network(widths=(1, 3), filters=(6, 4), pooling=pooling, k=2, multi_label=multi_label)
        values = 2 if pooling == "kmax" else 1
        silent = [1, 3, 4, 7, 9]
        model.network_.head.weight.data[:, [f * values + i for f in silent for i in range(values)]] = 0
        small = prune(model, texts=TEXTS, keep=0.5, epochs=0)
        assert small.filters == [3, 2]
        assert gap(small, model) < 1e-6
        assert size(small) < size(model)
        loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
        assert gap(loaded, small) == 0
        assert len(loaded.network_.convolution.bias) == 5

    def test_those_that_always_say_the_same_become_part_of_the_bias(self, network):
        model = network(widths=(2,), filters=6)
        convolution = model.network_.convolution
        convolution.weight.data.view(-1, 2, 6)[:, :, [0, 2, 5]] = 0
        convolution.bias.data[[0, 2, 5]] = torch.tensor([2.0, 0.5, -1.0])
        small = prune(model, texts=TEXTS, keep=0.5, epochs=0)
        assert gap(small, model) < 1e-6

    def test_what_all_classes_share_does_not_matter(self, network):
        model = network(widths=(2,), filters=4)
        model.network_.head.weight.data[:, 1] = 100.0
        small = prune(model, texts=TEXTS, keep=0.75, epochs=0)
        assert gap(small, model) < 1e-4

    def test_the_model_stays_as_it_was(self, network):
        model = network()
        before = copy.deepcopy(model.network_.state_dict())
        filters = model.filters
        prune(model, texts=TEXTS, epochs=1)
        assert all(torch.equal(value, before[name]) for name, value in model.network_.state_dict().items())
        assert model.filters == filters

    def test_recovery_brings_answers_closer(self, chinese):
        from fenlei.models.textcnn import TextCnnClassifier

        model = TextCnnClassifier(epochs=20, dim=16, filters=16, batch_size=4, dropout=0.0, precision="float32")
        model.fit(chinese.texts, chinese.labels)
        settings = {"texts": chinese.texts + chinese.new_texts, "keep": 0.25}
        bare = prune(model, epochs=0, **settings)
        small = prune(model, epochs=20, learning_rate=0.01, **settings)
        assert gap(small, model, chinese.texts) < gap(bare, model, chinese.texts)
        assert small.predict(chinese.texts).tolist() == chinese.labels
        assert small.get_params() == model.get_params() | {"filters": [4, 4, 4, 4]}
        assert (small.history_, small.best_epoch_) == (model.history_, model.best_epoch_)
        numbers = [found.number for of_class in small.excited_ for found in of_class]
        assert max(numbers) < 16
        again = prune(model, epochs=20, learning_rate=0.01, **settings)
        assert gap(again, small) == 0


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    from fenlei.models.encoder import EncoderClassifier

    model = EncoderClassifier(
        encoder=str(tiny_encoder), head="mean+conv", filters=4, epochs=1, batch_size=4, precision="float32",
        strategy="lora",
    )  # fmt: skip
    return model.fit(TEXTS[:4], ["good", "good", "so-so", "bad"])


class TestEncoder:
    def test_hidden_units_that_nobody_hears_go_without_a_trace(self, encoder, tmp_path):
        model = copy.deepcopy(encoder)
        for layer in model.network_.encoder.encoder.layer:
            layer.output.dense.weight.data[:, 5:37] = 0
        small = prune(model, texts=TEXTS, keep=0.5, epochs=0)
        assert small.network_.encoder.config.intermediate_size == 32
        assert gap(small, model) < 1e-5
        assert size(small) < size(model)
        loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
        assert gap(loaded, small) < 1e-6
        assert loaded.network_.encoder.encoder.layer[1].output.dense.weight.shape == (32, 32)

    def test_their_mean_becomes_part_of_the_bias(self, encoder):
        model = copy.deepcopy(encoder)
        for layer in model.network_.encoder.encoder.layer:
            layer.intermediate.dense.weight.data[:32] = 0
            layer.intermediate.dense.bias.data[:32] = 2
        small = prune(model, texts=TEXTS, keep=0.5, epochs=0)
        assert gap(small, model) < 1e-5

    def test_a_layer_that_changes_nothing_goes_without_a_trace(self, encoder):
        model = copy.deepcopy(encoder)
        layer = model.network_.encoder.encoder.layer[1]
        for module in (layer.attention.output, layer.output):
            module.dense.weight.data.zero_()
            module.dense.bias.data.zero_()
            torch.nn.init.ones_(module.LayerNorm.weight)
            torch.nn.init.zeros_(module.LayerNorm.bias)
        torch.nn.init.ones_(model.network_.encoder.encoder.layer[0].output.LayerNorm.weight)
        torch.nn.init.zeros_(model.network_.encoder.encoder.layer[0].output.LayerNorm.bias)
        small = prune(model, texts=TEXTS, keep=1.0, keep_layers=0.5, epochs=0)
        assert len(small.network_.encoder.encoder.layer) == 1
        assert gap(small, model) < 1e-4

    def test_recovery_of_all_weights_whatever_the_strategy(self, encoder, tmp_path):
        before = copy.deepcopy(encoder.network_.state_dict())
        small = prune(encoder, train=(TEXTS[:4], ["good", "good", "so-so", "bad"]), texts=TEXTS, epochs=2, truth=0.5)
        assert small.strategy == "lora"
        assert small.get_params() == encoder.get_params()
        assert all(torch.equal(value, before[name]) for name, value in encoder.network_.state_dict().items())
        loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
        assert gap(loaded, small) < 1e-6
        bare = prune(encoder, texts=TEXTS, epochs=0)
        name = "encoder.layer.0.attention.self.query.weight"
        assert not torch.equal(small.network_.encoder.state_dict()[name], bare.network_.encoder.state_dict()[name])

    def test_a_loaded_model_can_be_pruned_too(self, encoder, tmp_path):
        loaded = fenlei.load(fenlei.save(encoder, tmp_path / "whole"))
        small = prune(loaded, texts=TEXTS, keep=0.5, keep_layers=0.5, epochs=1)
        assert small.network_.encoder.config.num_hidden_layers == 1

    def test_heads_that_no_configuration_can_leave_out(self, encoder, tmp_path):
        small = prune(encoder, texts=TEXTS, keep=1.0, keep_heads=0.5, epochs=1)
        assert small.network_.encoder.encoder.layer[0].attention.self.query.out_features == 16
        loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
        assert gap(loaded, small) == 0
        again = prune(loaded, texts=TEXTS, keep=0.5, keep_layers=0.5, epochs=0)
        assert again.network_.encoder.config.kept_heads == small.network_.encoder.config.kept_heads

    def test_heads_that_cannot_be_cut(self, encoder, monkeypatch):
        monkeypatch.setattr("fenlei.encoders.fewer_heads._KINDS", frozenset())
        with pytest.raises(SettingError, match="the heads of a bert cannot be cut"):
            prune(encoder, texts=TEXTS, keep_heads=0.5)

    @pytest.mark.parametrize(
        ("options", "refused"),
        [({"keep_layers": 0.5, "keep_heads": 0.5}, SettingError), ({"keep_layers": 0.5, "truth": 0.5}, DataError)],
    )
    def test_what_cannot_be_done_is_refused_before_anything_is(self, encoder, monkeypatch, options, refused):
        monkeypatch.setattr("fenlei.encoders.fewer_heads._KINDS", frozenset())
        done = []
        monkeypatch.setattr(type(encoder), "predict_proba", lambda *given: done.append(given))
        with pytest.raises(refused):
            prune(encoder, train=(TEXTS[:2], ["good", "unheard of"]), **options)
        assert done == []

    def test_mixed_layers_must_stay(self, encoder):
        model = copy.deepcopy(encoder)
        model.mix = 2
        with pytest.raises(SettingError, match="mix=2 layers are mixed, so that many must stay"):
            prune(model, texts=TEXTS, keep_layers=0.5)


@pytest.fixture(scope="module")
def decoder(tiny_encoder, tmp_path_factory):
    """Over a network whose configuration knows the size of a head: of four, two and two share keys and values."""
    from transformers import AutoConfig, Qwen3Config, Qwen3Model

    from fenlei.models.encoder import EncoderClassifier

    folder = shutil.copytree(tiny_encoder, tmp_path_factory.mktemp("encoders") / "qwen3")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = Qwen3Config(
            vocab_size=AutoConfig.from_pretrained(folder).vocab_size, hidden_size=32, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=12, intermediate_size=64, pad_token_id=0,
            max_position_embeddings=64, initializer_range=0.2,
        )  # fmt: skip
        Qwen3Model(config).save_pretrained(folder)
    model = EncoderClassifier(encoder=str(folder), head="last", epochs=1, batch_size=4, precision="float32")
    return model.fit(TEXTS[:4], ["good", "good", "so-so", "bad"])


class TestHeads:
    def test_those_that_nobody_hears_go_without_a_trace(self, decoder, tmp_path):
        model = copy.deepcopy(decoder)
        first, second = (layer.self_attn.o_proj.weight for layer in model.network_.encoder.layers)
        first.data[:, :24] = 0
        second.data[:, 24:] = 0
        small = prune(model, texts=TEXTS, keep=1.0, keep_heads=0.5, epochs=0)
        assert gap(small, model) < 1e-5
        assert gap(small, decoder) > 1e-4, "those that are heard have stayed"
        assert (small.network_.encoder.config.num_attention_heads, size(small) < size(model)) == (2, True)
        loaded = fenlei.load(fenlei.save(small, tmp_path / "small"))
        assert gap(loaded, small) == 0
        assert loaded.network_.encoder.layers[0].self_attn.o_proj.weight.shape == (32, 24)

    def test_recovery_after_heads_hidden_units_and_layers(self, decoder, tmp_path):
        small = prune(decoder, texts=TEXTS, keep=0.5, keep_layers=0.5, keep_heads=0.5, epochs=1)
        config = small.network_.encoder.config
        assert (config.num_hidden_layers, config.intermediate_size, config.num_key_value_heads) == (1, 32, 1)
        assert gap(fenlei.load(fenlei.save(small, tmp_path / "small")), small) == 0

    @pytest.mark.parametrize("shares", [{"keep": 1.0, "keep_heads": 0.9}, {"keep": 0.999}])
    def test_a_share_that_is_all_of_them_changes_nothing(self, decoder, shares):
        small = prune(decoder, texts=TEXTS, epochs=0, **shares)
        assert small.network_.encoder.config.to_dict() == decoder.network_.encoder.config.to_dict()
        assert gap(small, decoder) == 0


class TestRefusals:
    def test_of_other_families(self):
        model = fenlei.TfidfClassifier().fit(["好", "差"], ["a", "b"])
        with pytest.raises(SettingError, match="a textcnn or an encoder can be pruned, and this is a tfidf"):
            prune(model, texts=TEXTS)

    def test_of_an_untrained_model(self):
        from fenlei.models.textcnn import TextCnnClassifier

        with pytest.raises(NotFittedError):
            prune(TextCnnClassifier(), texts=TEXTS)

    def test_of_no_texts(self, network):
        with pytest.raises(SettingError, match="pruning needs texts"):
            prune(network())

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"keep": 0}, "keep must be a share above 0"),
            ({"keep_layers": 1.5}, "keep_layers must be a share"),
            ({"keep_heads": 0.5}, "a textcnn has neither layers nor heads"),
            ({"epochs": -1}, "epochs must be a whole number from 0"),
            ({"truth": 2}, "truth must be a number from 0 to 1"),
            ({"truth": "abc"}, "truth must be a number from 0 to 1"),
            ({"truth": 2, "epochs": 0}, "truth must be a number from 0 to 1"),
            ({"learning_rate": -1}, "learning_rate must be a number above 0"),
            ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ],
    )
    def test_of_options_out_of_range_before_any_work(self, network, options, message, monkeypatch):
        monkeypatch.setattr("fenlei.compress.pruned_filters.prune_filters", lambda *given: pytest.fail("it was cut"))
        with pytest.raises(SettingError, match=message):
            prune(network(), texts=TEXTS, **options)
