"""Which weights learn, by their names in two kinds of encoder."""

from __future__ import annotations

import re

import pytest
import torch
from transformers import AlbertConfig, AlbertModel, ModernBertConfig, ModernBertModel

from fenlei.encoders.load import load_encoder
from fenlei.encoders.strategies import (
    add_lora,
    choose_weights,
    depths,
    layers_of,
    merge_lora,
    renew_top,
    set_dropout,
    unfreeze_top,
)
from fenlei.exceptions import SettingError

# weights by how deep they lie: above all layers, of the upper layer, of the lower one, embeddings
PLACES = {
    "bert": {0: r"encoder\.layer\.1\.", 1: r"encoder\.layer\.0\.", 2: r"embeddings\."},
    "gpt2": {-1: r"ln_f\.", 0: r"h\.1\.", 1: r"h\.0\.", 2: r"w[tp]e\."},
}
IDS = torch.randint(5, 60, (3, 6), generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=["bert", "gpt2"])
def encoder(request):
    folder = request.getfixturevalue({"bert": "tiny_encoder", "gpt2": "tiny_decoder"}[request.param])
    return load_encoder(str(folder)).network


def names(encoder, *places):
    """Names of the weights that lie so deep."""
    patterns = "|".join(PLACES[encoder.config.model_type].get(place, "$^") for place in places)
    return {name for name, _ in encoder.named_parameters() if places and re.match(patterns, name)}


def learning(encoder):
    return {name for name, p in encoder.named_parameters() if p.requires_grad}


def everything(encoder):
    return {name for name, _ in encoder.named_parameters()}


def test_depths_are_counted_from_the_top(encoder):
    found = depths(encoder)
    assert list(found) == [name for name, _ in encoder.named_parameters()]
    for place in (-1, 0, 1, 2):
        assert {name for name, depth in found.items() if depth == place} == names(encoder, place)
    assert len(layers_of(encoder)) == 2


def test_all_or_none(encoder):
    choose_weights(encoder, "frozen", 2)
    assert learning(encoder) == set()
    for strategy in ("full", "gradual"):
        choose_weights(encoder, strategy, 2)
        assert learning(encoder) == everything(encoder)


@pytest.mark.parametrize(("last", "places"), [(1, (-1, 0)), (2, (-1, 0, 1)), (3, (-1, 0, 1, 2)), (9, (-1, 0, 1, 2))])
def test_the_last_layers_and_what_is_above_them(encoder, last, places):
    choose_weights(encoder, "last", last)
    assert learning(encoder) == names(encoder, *places)


def test_biases(encoder):
    choose_weights(encoder, "bitfit", 2)
    assert learning(encoder) == {name for name in everything(encoder) if name.endswith(".bias")}
    assert all(p.ndim == 1 for p in encoder.parameters() if p.requires_grad)
    assert len(learning(encoder)) > 8


def test_layers_thaw_from_the_top(encoder):
    encoder.requires_grad_(True)
    thawed = [names(encoder, *places) for places in ((), (-1, 0), (-1, 0, 1), (-1, 0, 1, 2))]
    for n_layers in (0, 1, 2, 3, 1, 0):
        unfreeze_top(encoder, n_layers)
        assert learning(encoder) == thawed[n_layers]


def test_additions_begin_as_nothing_and_only_they_learn(encoder):
    with torch.no_grad():
        before = encoder(input_ids=IDS).last_hidden_state
        choose_weights(encoder, "lora", 2)
        adapted = add_lora(encoder, 4, 8.0)
        torch.testing.assert_close(adapted.eval()(input_ids=IDS).last_hidden_state, before)
    found = learning(adapted)
    assert found
    assert all(".lora_" in name for name in found)
    ranks = [p.shape[0] for name, p in adapted.named_parameters() if "lora_A" in name]
    assert set(ranks) == {4}
    assert len(ranks) == {"bert": 2 * 3, "gpt2": 2}[encoder.config.model_type]


def test_merged_additions_answer_as_before_under_plain_names(encoder):
    plain = {name: p.detach().clone() for name, p in encoder.named_parameters()}
    choose_weights(encoder, "lora", 2)
    adapted = add_lora(encoder, 4, 8.0).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for p in adapted.parameters():
            if p.requires_grad:
                p.normal_(std=0.3)
        expected = adapted(input_ids=IDS).last_hidden_state
        merged = merge_lora(adapted)
        torch.testing.assert_close(merged(input_ids=IDS).last_hidden_state, expected, atol=1e-4, rtol=1e-4)
    assert list(dict(merged.named_parameters())) == list(plain)
    changed = {name for name, p in merged.named_parameters() if not torch.equal(p, plain[name])}
    attention = {"bert": r"attention\.self\.(query|key|value)\.weight$", "gpt2": r"attn\.c_attn\.weight$"}
    assert changed == {name for name in plain if re.search(attention[encoder.config.model_type], name)}
    assert learning(merged) == set(plain)
    assert type(merged).__name__ in ("BertModel", "GPT2Model")


@pytest.mark.parametrize("n_layers", [0, 1, 2])
def test_only_the_top_layers_are_drawn_anew(encoder, n_layers):
    before = {name: p.detach().clone() for name, p in encoder.named_parameters()}
    with torch.no_grad():
        for p in encoder.parameters():
            p.add_(0.25)  # so that what is drawn anew, norms and biases too, is not what it was
    torch.manual_seed(5)
    renew_top(encoder, n_layers)
    changed = {name for name, p in encoder.named_parameters() if not torch.equal(p, before[name] + 0.25)}
    assert changed == names(encoder, *range(n_layers))
    for name in changed:
        p = encoder.get_parameter(name)
        if p.ndim == 2:  # GPT-2 draws its projections narrower, by the root of twice its layers
            assert 0.4 * 0.05 < p.std().item() < 1.1 * 0.05, name
        else:
            assert set(p.tolist()) <= {0.0, 1.0}, name


def test_more_fresh_layers_than_there_are_is_refused(encoder):
    with pytest.raises(SettingError, match="fresh_layers=3, but the encoder has 2 layers"):
        renew_top(encoder, 3)


@pytest.mark.parametrize("rate", [0.0, 0.6])
def test_dropout_everywhere(encoder, rate):
    set_dropout(encoder, rate)
    rates = {module.p for module in encoder.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {rate}
    torch.manual_seed(0)
    with torch.no_grad():
        first, second = (encoder.train()(input_ids=IDS).last_hidden_state for _ in range(2))
    assert torch.equal(first, second) is (rate == 0)


def test_an_encoder_whose_layers_share_their_weights_has_none_to_choose():
    config = AlbertConfig(vocab_size=60, embedding_size=8, hidden_size=16, num_hidden_layers=3, num_attention_heads=2)
    with pytest.raises(SettingError, match="were not found; use strategy=full, frozen or bitfit"):
        choose_weights(AlbertModel(config), "last", 1)


def test_an_encoder_without_biases_has_none_to_train():
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    encoder = ModernBertModel(ModernBertConfig(vocab_size=60, pad_token_id=0, **sizes))
    with pytest.raises(SettingError, match="has no biases for strategy=bitfit to train; use strategy=lora"):
        choose_weights(encoder, "bitfit", 2)


def test_an_encoder_without_known_attention_takes_no_additions():
    with pytest.raises(SettingError, match="use another strategy than lora"):
        add_lora(torch.nn.Sequential(torch.nn.Linear(2, 2)), 4, 8.0)
