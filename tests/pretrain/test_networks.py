"""Scores of some places are those that the whole network gives there."""

from __future__ import annotations

import pytest
import torch

from fenlei.exceptions import SettingError
from fenlei.pretrain.networks import PlacedLanguageModel, known_network, new_network, published_config
from fenlei.pretrain.settings import PretrainSettings

SMALL = {"layers": 2, "hidden": 32, "heads": 2, "length": 16}


def make(tokenizer, **settings):
    return new_network(PretrainSettings.of(SMALL | settings).resolved(), tokenizer)


@pytest.mark.parametrize(
    "settings", [{}, {"architecture": "bert"}, {"next_sentence": True}, {"objective": "next-token"}]
)
def test_places_have_the_scores_of_the_whole_network(tokenizer, settings):
    network = make(tokenizer, **settings).eval()
    ids = torch.randint(5, len(tokenizer), (3, 16))
    places = torch.tensor([1, 5, 20, 47])
    with torch.no_grad():
        found = network(input_ids=ids)
        whole = found.logits if "logits" in found else found.prediction_logits
        placed = PlacedLanguageModel(network).eval()
        few = placed(input_ids=ids, places=places)
        again = network(input_ids=ids)[0]
    assert torch.allclose(few.logits, whole.flatten(0, 1)[places], atol=1e-5)
    assert torch.allclose(again, whole, atol=1e-5)  # outside of the wrapper nothing is left out
    assert few.extra_loss is None


def test_the_loss_of_pairs_is_cross_entropy_with_0_for_following(tokenizer):
    network = make(tokenizer, next_sentence=True).eval()
    ids, follows = torch.randint(5, len(tokenizer), (4, 16)), torch.tensor([1, 0, 1, 1])
    with torch.no_grad():
        scores = network(input_ids=ids).seq_relationship_logits
        found = PlacedLanguageModel(network)(input_ids=ids, places=torch.tensor([1]), follows=follows)
    plain = -scores.log_softmax(1)[torch.arange(4), 1 - follows].mean()
    assert float(found.extra_loss) == pytest.approx(float(plain), abs=1e-5)


def test_new_networks_are_the_same_for_a_seed_and_leave_the_generator_alone(tokenizer):
    state = torch.get_rng_state()
    first, same, other = make(tokenizer), make(tokenizer), make(tokenizer, seed=14)
    assert torch.equal(torch.get_rng_state(), state)
    weights = [network.get_input_embeddings().weight for network in (first, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert first.get_output_embeddings().weight is weights[0]


def load(folder, **settings):
    said = []
    network, tokenizer = known_network(
        str(folder), PretrainSettings(encoder=str(folder), length=16, **settings).resolved(), said.append
    )
    return network, tokenizer, said


def test_a_checkpoint_without_a_head_gets_a_tied_one(tiny_encoder):
    network, tokenizer, said = load(tiny_encoder)
    assert network.get_output_embeddings().weight is network.get_input_embeddings().weight
    assert any("gets a new one" in text for text in said)
    again, _, _ = load(tiny_encoder)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    assert tokenizer.mask_id == 4


def test_a_checkpoint_keeps_its_own_head(tiny_encoder, tmp_path):
    network, tokenizer, _ = load(tiny_encoder)
    torch.nn.init.normal_(network.cls.predictions.bias)
    network.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(tokenizer.to_bytes())
    again, _, said = load(tmp_path)
    assert torch.equal(again.cls.predictions.bias, network.cls.predictions.bias)
    assert not said


def test_dropout_is_the_settings(tiny_encoder):
    rates = {module.p for module in load(tiny_encoder)[0].modules() if isinstance(module, torch.nn.Dropout)}
    assert rates == {0.0}


@pytest.mark.parametrize(
    ("fixture", "settings", "message"),
    [
        ("tiny_encoder", {"objective": "next-token"}, "sees both sides"),
        ("tiny_decoder", {}, "has no token that hides others"),
        ("tiny_encoder", {"length": 1000}, "length must be at most 64"),
    ],
)
def test_what_a_checkpoint_cannot_do_is_told(request, fixture, settings, message):
    folder = request.getfixturevalue(fixture)
    settings = PretrainSettings.of({"encoder": str(folder), "length": 16} | settings).resolved()
    with pytest.raises(SettingError, match=message):
        known_network(str(folder), settings, lambda text: None)


@pytest.mark.parametrize("architecture", ["bert", "modernbert"])
def test_the_published_configuration_is_for_fine_tuning(tokenizer, architecture):
    network = make(tokenizer, architecture=architecture)
    published_config(network, is_new=True)
    rates = {name: rate for name, rate in network.config.to_dict().items() if "dropout" in name and rate is not None}
    assert {name for name, rate in rates.items() if rate != 0.1} <= {"classifier_dropout"}


def test_all_layers_see_the_whole_sequence(tokenizer):
    assert set(make(tokenizer).config.layer_types) == {"full_attention"}
