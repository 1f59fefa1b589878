"""``encoder``: what each setting does to the weights, and what must not make a difference."""

from __future__ import annotations

import gc
import re
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from transformers import AutoModel, BertModel, T5Config, T5EncoderModel

import fenlei
from fenlei._unread import counted
from fenlei.encoders.load import load_encoder
from fenlei.encoders.training import InnerDropout
from fenlei.encoders.windows import LONG_TEXTS
from fenlei.engine.optimizers import make_optimizer
from fenlei.engine.recipe import Run
from fenlei.exceptions import ModelFolderError, SettingError, UnknownNameError
from fenlei.layers.heads import HEADS
from fenlei.models import _gradient
from fenlei.models import encoder as family
from fenlei.models._encoder import EncoderClassifierNetwork
from fenlei.models._readers import WindowReader
from fenlei.models.encoder import WINDOW_POOLINGS, EncoderClassifier

TEXTS = [
    "房间很干净，下次还来", "服务热情，房间干净", "a warm funny film", "很满意，干净舒服，" * 6, "great", "",
    "房间很脏，不会再来", "服务冷淡，房间又脏", "a dull boring film", "很失望，又脏又吵，" * 6, "weak", "\ud800",
]  # fmt: skip
LABELS = ["好"] * 6 + ["差"] * 6
OTHERS = ["早餐好吃", "a wonderful film with a great cast", "", "位置偏僻，又脏又吵，" * 8]
QUICK = {
    "epochs": 2, "batch_size": 4, "learning_rate": 0.01, "head_rate": 0.01, "max_length": 16, "precision": "float32",
    "filters": 4, "hidden": 5, "schedule": "constant", "hold_out": 0.0,
}  # fmt: skip
STILL = {"dropout": 0.0, "encoder_dropout": 0.0}


@pytest.fixture(scope="module", autouse=True)
def _little_to_collect():
    """Each training collects garbage: among all of torch, that takes longer than the training."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def make(tiny_encoder):
    return lambda **settings: EncoderClassifier(**{"encoder": str(tiny_encoder)} | QUICK | settings)


@pytest.fixture
def fitted(make):
    return lambda texts=TEXTS, labels=LABELS, run=None, **settings: make(**settings).fit(texts, labels, run=run)


class Begun(BaseException):
    """Ends a training at its beginning."""


@pytest.fixture
def begun(make, monkeypatch):
    """The network as it is when training begins, and the recipe."""

    def begin(**settings):
        def stop(network, train, valid, loss, recipe, run):
            seen.append((network, recipe))
            raise Begun

        seen = []
        monkeypatch.setattr(_gradient, "train_network", stop)
        with pytest.raises(Begun):
            make(**settings).fit(TEXTS, LABELS)
        return seen[0]

    return begin


def weights(model):
    return {name: value.clone() for name, value in model.network_.state_dict().items()}


def changed(model, folder):
    """Names of the encoder's weights that are not the pretrained ones."""
    before = load_encoder(str(folder)).network.state_dict()
    after = model.network_.encoder.state_dict()
    assert after.keys() == before.keys()
    return {name for name in after if not torch.equal(after[name], before[name])}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# what a text is given does not depend on the others, nor on having been saved

HEAD_KINDS = [
    *({"head": head} for head in HEADS), {"head": "mean+conv"}, {"mix": 2}, {"head": "conv", "pooling": "kmax"},
    *({"long_text": "windows", "window_pooling": how} for how in WINDOW_POOLINGS),
    *({"long_text": how} for how in LONG_TEXTS[1:3]), {"mixout": 0.3}, {"strategy": "lora"},
    {"strategy": "frozen", "head": "attention"}, {"strategy": "frozen", "mix": 2, "head": "rcnn"},
    {"strategy": "frozen", "long_text": "windows", "window_pooling": "attention", "head": "conv"},
]  # fmt: skip


@pytest.mark.parametrize("settings", HEAD_KINDS, ids=str)
def test_scores_alone_in_a_batch_and_after_loading(fitted, settings, tmp_path):
    check_scores(fitted(epochs=1, **settings), tmp_path)


@pytest.mark.parametrize(
    "settings",
    [{}, {"head": "mean"}, {"mix": 2}, {"strategy": "frozen"}, {"strategy": "lora"}, {"long_text": "windows"}],
    ids=str,
)
@pytest.mark.parametrize("kind", ["tiny_decoder", "tiny_qwen"])
def test_scores_of_a_decoder(fitted, request, kind, settings, tmp_path):
    model = fitted(encoder=str(request.getfixturevalue(kind)), epochs=1, **settings)
    assert model.network_.config.reads_left_to_right
    assert model.network_.config.head == settings.get("head", "last")
    check_scores(model, tmp_path)


def test_without_a_head_an_encoder_is_read_by_its_mean(begun):
    assert begun()[0].config.head == "mean"


@pytest.mark.parametrize("head", ["cls", "cls+conv"])
def test_the_first_token_of_a_decoder_is_refused(fitted, tiny_qwen, head):
    with pytest.raises(SettingError, match=r"head=cls.*has seen no other; take head=last"):
        fitted(encoder=str(tiny_qwen), head=head)


def check_scores(model, tmp_path):
    texts = TEXTS + OTHERS
    together = model.predict_proba(texts)
    alone = np.vstack([model.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(alone, together, atol=1e-5, rtol=0)
    assert np.ptp(together[:, 0]) > 1e-3
    fenlei.save(model, tmp_path / "model")
    loaded = fenlei.load(tmp_path / "model")
    assert loaded.predict_proba(texts).tobytes() == together.tobytes()
    assert all(type(m).__module__.startswith(("torch", "transformers", "fenlei")) for m in loaded.network_.modules())
    assert not any("parametriz" in name or "lora" in name for name in loaded.network_.state_dict())


def test_weights_that_are_tied_can_be_saved(fitted, tiny_encoder, tmp_path):
    folder = shutil.copytree(tiny_encoder, tmp_path / "t5", ignore=shutil.ignore_patterns("*.safetensors"))
    torch.manual_seed(0)
    size = len(load_encoder(str(tiny_encoder)).tokenizer)
    config = T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=16, num_layers=2, num_heads=2)
    T5EncoderModel(config).save_pretrained(folder)
    check_scores(fitted(encoder=str(folder), learning_rate=0.1), tmp_path)


# which weights learn

UPPER, LOWER, EMBEDDINGS = r"encoder\.layer\.1\.", r"encoder\.layer\.0\.", r"embeddings\."
LEARNED = {
    "full": ({}, f"{UPPER}|{LOWER}|{EMBEDDINGS}"),
    "frozen": ({}, "$^"),
    "last": ({"last_layers": 1}, UPPER),
    "lora": ({}, r".*self\.(query|key|value)\.weight"),
    "bitfit": ({}, r".*\.bias$"),
    "gradual": ({"epochs": 4}, f"{UPPER}|{LOWER}|{EMBEDDINGS}"),
}


@pytest.mark.parametrize("strategy", LEARNED)
def test_after_training_only_those_weights_are_others_that_the_strategy_names(fitted, tiny_encoder, strategy):
    settings, pattern = LEARNED[strategy]
    model = fitted(strategy=strategy, **settings)
    found = changed(model, tiny_encoder)
    named = {name for name in model.network_.encoder.state_dict() if re.match(pattern, name)}
    assert found <= named
    still = named - found  # the bias of keys moves all scores of a place alike
    assert all("key.bias" in name or "token_type" in name for name in still), still
    counted = {"frozen": 0, "lora": 2 * 3 * 8 * (32 + 32)}
    head = sum(p.numel() for name, p in model.network_.named_parameters() if not name.startswith("encoder."))
    own = dict(model.network_.encoder.named_parameters())
    expected = counted.get(strategy, sum(own[name].numel() for name in named))
    assert model.trained_weights_ == head + expected
    assert all(p.requires_grad for p in model.network_.parameters()), "afterwards it is a plain network"


def test_layers_thaw_one_after_another(fitted, tiny_encoder):
    after = [changed(fitted(strategy="gradual", epochs=4, stop_after=n), tiny_encoder) for n in (1, 2, 3, 4)]
    assert after[0] == set()
    places = [{re.match(f"({UPPER}|{LOWER}|{EMBEDDINGS})", name)[0] for name in names} for names in after]
    upper, lower, embeddings = "encoder.layer.1.", "encoder.layer.0.", "embeddings."
    assert places == [set(), {upper}, {upper, lower}, {upper, lower, embeddings}]


def test_in_a_single_epoch_all_layers_learn(fitted, tiny_encoder):
    names = changed(fitted(strategy="gradual", epochs=1), tiny_encoder)
    for part in (UPPER, LOWER, EMBEDDINGS):
        assert any(re.match(part, name) for name in names), part


def test_additions_are_merged_into_the_same_answers(fitted, monkeypatch):
    before = []
    merge = family.merge_lora

    def watched(adapted):
        ids = torch.arange(5, 15)[None]
        before.append(adapted(input_ids=ids).last_hidden_state.detach())
        merged = merge(adapted)
        before.append(merged(input_ids=ids).last_hidden_state.detach())
        return merged

    monkeypatch.setattr(family, "merge_lora", watched)
    fitted(strategy="lora", learning_rate=0.05)
    torch.testing.assert_close(before[0], before[1], atol=1e-4, rtol=1e-4)


def test_rates_fall_layer_by_layer_and_the_head_has_its_own(begun):
    network, recipe = begun(layer_decay=0.5, learning_rate=0.02, head_rate=0.3, mix=2, head="mean+attention")
    optimizer = make_optimizer(network, recipe)
    place = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    rates = {name: round(place[id(p)], 6) for name, p in network.named_parameters()}
    for name, rate in rates.items():
        inner = name.removeprefix("encoder.")
        expected = next(
            (r for key, r in ((UPPER, 0.02), (LOWER, 0.01), (EMBEDDINGS, 0.005)) if re.match(key, inner)), 0
        )
        assert rate == (expected if name.startswith("encoder.") else 0.3), name
    assert Counter(rates.values()).keys() == {0.02, 0.01, 0.005, 0.3}


def test_rates_that_are_not_given_go_by_the_strategy(begun):
    for strategy, rate in {"full": 1e-4, "lora": 1e-3}.items():
        network, recipe = begun(strategy=strategy, learning_rate=None, head_rate=None)
        assert recipe.learning_rate == rate
        assert recipe.learning_rate * network.rate_of("classifier.weight") == pytest.approx(1e-3)
    assert begun(strategy="frozen", epochs=None)[1].epochs == 15


def test_fresh_layers_are_the_top_ones(begun, tiny_encoder):
    network, _ = begun(fresh_layers=1)
    before = load_encoder(str(tiny_encoder)).network.state_dict()
    after = network.encoder.state_dict()
    found = {name for name in after if not torch.equal(after[name], before[name])}
    assert found
    assert all(re.match(UPPER, name) for name in found)
    assert same(begun(fresh_layers=1)[0].state_dict(), network.state_dict())
    assert not same(begun(fresh_layers=1, seed=5)[0].encoder.state_dict(), after)


@pytest.mark.parametrize(("rate", "expected"), [(None, 0.1), (0.0, 0.0), (0.35, 0.35)])
def test_dropout_of_the_encoder(begun, rate, expected):
    network, _ = begun(encoder_dropout=rate)
    assert {m.p for m in network.encoder.modules() if isinstance(m, InnerDropout)} == {expected}
    assert network.dropout.rate == 0.1


def test_mixout_changes_what_is_learned_and_leaves_plain_weights(fitted, tiny_encoder):
    before = load_encoder(str(tiny_encoder)).network.state_dict()
    plain, mixed = (fitted(mixout=rate, **STILL).network_.encoder.state_dict() for rate in (0.0, 0.7))
    assert mixed.keys() == before.keys()
    assert not same(plain, mixed)
    matrices = [name for name in before if name.endswith("dense.weight")]
    assert not [name for name in matrices if torch.equal(mixed[name], before[name])]


def one_batch_losses(model):
    return [epoch["loss"] for epoch in model.history_]


def test_mixout_leaves_the_loss_alone_until_weights_have_moved_and_then_slows_its_fall(fitted):
    settings = {"batch_size": len(TEXTS), "epochs": 8, "head_rate": 1e-6} | STILL
    plain, mixed = (one_batch_losses(fitted(mixout=rate, **settings)) for rate in (0.0, 0.9))
    assert mixed[0] == pytest.approx(plain[0], abs=1e-6)
    assert plain[0] - 0.02 > mixed[-1] > plain[-1] + 0.05


def test_fresh_layers_begin_with_the_loss_of_layers_drawn_anew(fitted, begun):
    settings = {"batch_size": len(TEXTS), "epochs": 1} | STILL
    model = fitted(fresh_layers=1, **settings)
    pretrained = one_batch_losses(fitted(**settings))[0]
    network, _ = begun(fresh_layers=1, **settings)
    classes = np.searchsorted(model.classes_, LABELS)
    batch = model.make_examples(model.prepare(TEXTS), classes, np.ones(12, np.float32), Run()).batch(np.arange(12))
    with torch.no_grad():
        logits = network.eval()(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    by_hand = torch.nn.functional.cross_entropy(logits, torch.from_numpy(classes)).item()
    assert one_batch_losses(model)[0] == pytest.approx(by_hand, abs=1e-5)
    assert abs(by_hand - pretrained) > 3e-4


@pytest.mark.parametrize("kind", ["tiny_encoder", "tiny_qwen"])
def test_the_mix_is_of_the_last_layers_by_the_softmax_of_its_weights(begun, request, kind):
    folder = request.getfixturevalue(kind)
    network, _ = begun(encoder=str(folder), mix=2, head="mean", **STILL)
    assert network.mix.tolist() == [0.0, 0.0]
    network.eval()
    ids = torch.randint(5, 60, (3, 6), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.mix.copy_(torch.tensor([0.4, -0.9]))
        found = network.vectors(ids)
        hidden = AutoModel.from_pretrained(folder).eval()(input_ids=ids, output_hidden_states=True).hidden_states
    assert len(hidden) == 3, "that of the embeddings, and of two layers"
    below, above = np.exp([0.4, -0.9]) / np.exp([0.4, -0.9]).sum()
    expected = (below * hidden[1] + above * hidden[2]).mean(1)
    torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=1e-4)


# what must not make a difference


def test_frozen_runs_the_encoder_once(fitted, monkeypatch):
    calls = []
    read = EncoderClassifierNetwork.read
    monkeypatch.setattr(EncoderClassifierNetwork, "read", lambda *args: calls.append(len(args[1])) or read(*args))
    fitted(strategy="frozen", epochs=9)
    assert calls == [len(TEXTS)]
    calls.clear()
    fitted(strategy="full", epochs=9)
    assert sum(calls) == 9 * len(TEXTS)


@pytest.mark.parametrize(("device", "expected"), [("auto", "cuda"), ("cpu", "cpu")])
def test_a_frozen_encoder_reads_where_training_runs(make, monkeypatch, device, expected):
    def encode(read, windows, pad_id, *, device, **how):
        assert read.__self__.placed == device.type == expected
        raise Begun

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(EncoderClassifierNetwork, "to", lambda self, place: setattr(self, "placed", place.type) or self)
    monkeypatch.setattr(family, "encode_states", encode)
    with pytest.raises(Begun):
        make(strategy="frozen", device=device).fit(TEXTS, LABELS)


@pytest.mark.parametrize("settings", [{}, {"head": "conv+rnn"}, {"long_text": "windows", "mix": 2}], ids=str)
def test_kept_states_teach_what_fresh_ones_would(fitted, settings, monkeypatch):
    settings = {"strategy": "frozen", "epochs": 6} | STILL | settings
    kept = fitted(**settings)
    monkeypatch.setattr(EncoderClassifier, "to_learn_from", lambda self, network, examples, run: examples)
    fresh = fitted(**settings)
    np.testing.assert_allclose(kept.predict_proba(TEXTS), fresh.predict_proba(TEXTS), atol=0.02)
    begin = fitted(**settings | {"epochs": 1, "head_rate": 1e-6})
    moved = max(abs(kept.predict_proba(TEXTS) - begin.predict_proba(TEXTS)).ravel())
    assert moved > 0.04, "they have learned more than they differ by"


@pytest.mark.parametrize("kind", ["tiny_encoder", "tiny_decoder"])
def test_states_computed_anew_backward_give_the_same_weights(fitted, request, kind):
    folder = str(request.getfixturevalue(kind))
    found = [weights(fitted(encoder=folder, encoder_dropout=0.3, checkpointing=how)) for how in (True, False)]
    assert same(*found)


@pytest.mark.parametrize(
    "settings", [{"strategy": "lora"}, {"strategy": "last", "last_layers": 1}, {"strategy": "bitfit"}]
)
def test_states_computed_anew_teach_a_part_of_the_weights_the_same(fitted, tiny_encoder, settings):
    settings = settings | {"encoder_dropout": 0.3}
    anew, kept = (fitted(checkpointing=how, **settings) for how in (True, False))
    for one, other in zip(weights(anew).values(), weights(kept).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=5e-4)  # what is far below a gradient is scaled up to it
    assert changed(anew, tiny_encoder) == changed(kept, tiny_encoder) != set()


def test_states_are_computed_anew_backward(fitted, monkeypatch):
    from transformers.models.bert.modeling_bert import BertIntermediate

    calls, forward = [], BertIntermediate.forward
    monkeypatch.setattr(BertIntermediate, "forward", lambda self, x: calls.append(1) or forward(self, x))
    counts = []
    for how in (False, True):
        calls.clear()
        fitted(checkpointing=how, epochs=1)
        counts.append(len(calls))
    assert counts == [6, 12]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"strategy": "frozen"}, {"strategy": "gradual", "epochs": 3}, {"mixout": 0.4}, {"strategy": "lora"},
        {"long_text": "windows", "window_pooling": "attention"}, {"strategy": "last", "last_layers": 1},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("step", [2, 4])
def test_killed_and_resumed_it_ends_at_the_same_weights(fitted, settings, step, tmp_path):
    def kill(progress):
        if progress.step == step and not progress.before:
            raise Killed

    whole = fitted(**settings)
    run = Run(tmp_path / "run", every_seconds=0)
    with pytest.raises(Killed):
        fitted(run=replace(run, progress=kill), **settings)
    steps = []
    resumed = fitted(run=replace(run, resume=True, progress=lambda p: p.before or steps.append(p.step)), **settings)
    assert steps[0] == step, "it went on where it was"
    assert same(weights(resumed), weights(whole))
    assert resumed.predict_proba(OTHERS).tobytes() == whole.predict_proba(OTHERS).tobytes()


def test_dropout_of_a_window_does_not_depend_on_the_texts_beside(begun):
    network, _ = begun(long_text="windows", encoder_dropout=0.4, dropout=0.4)
    network.train()
    ids = torch.randint(5, 60, (6, 7), generator=torch.Generator().manual_seed(0))
    keys, windows = torch.tensor([1 << 40, 2 << 40, 3 << 40]), torch.tensor([[0, 1, 2], [3, -1, -1], [4, 5, -1]])
    together = network(input_ids=ids, keys=keys, windows=windows).logits
    last = network(input_ids=ids[4:], keys=keys[2:], windows=torch.tensor([[0, 1]])).logits
    torch.testing.assert_close(last[0], together[2], atol=1e-5, rtol=1e-4)
    twice = network(input_ids=ids[[4, 4]], keys=keys[:2], windows=None).logits
    assert not torch.allclose(twice[0], twice[1])


def test_every_weight_takes_part_in_every_step(begun):
    """A training on several processes waits for the gradient of every weight."""
    network, _ = begun(long_text="windows", window_pooling="attention", mix=2, head="attention+conv+rnn")
    ids = torch.randint(5, 60, (2, 7), generator=torch.Generator().manual_seed(0))
    for windows in (None, torch.tensor([[0, 1]])):
        network.zero_grad()
        network.train()(input_ids=ids, windows=windows).logits.square().sum().backward()
        assert not [name for name, p in network.named_parameters() if p.grad is None]


def test_an_empty_text_of_a_decoder_is_learned_as_it_is_predicted(fitted, tiny_decoder):
    """Its tokenizer puts nothing around a text."""
    settings = {"head": "last", "strategy": "frozen", "epochs": 40, "head_rate": 0.1} | STILL
    model = fitted(["", "好", ""], ["a", "b", "a"], encoder=str(tiny_decoder), **settings)
    assert model.predict_proba([""])[0].tolist() == pytest.approx(model.predict_proba(["", "好好好"])[0], abs=1e-6)
    assert model.predict_proba([""])[0, 0] > 0.9


# texts and settings


def test_what_is_not_read_is_told(fitted):
    told = []
    fitted(run=Run(message=told.append), max_length=12)
    lengths = [len(row) for row in load_encoder(fitted().encoder).tokenizer.encode(TEXTS)]
    cut = [n - 10 for n in lengths if n > 10]
    assert len(cut) == 2
    assert [text for text in told if "max_length" in text] == [
        f"{len(cut)} of 12 texts are longer than max_length=12: {sum(cut)} of their tokens are not read "
        "(long_text=head)"
    ]
    told.clear()
    fitted(run=Run(message=told.append), max_length=12, long_text="windows")
    assert not [text for text in told if "max_length" in text]


@pytest.mark.parametrize("long_text", ["head", "tail", "windows"])
def test_what_is_not_read_is_told_when_scoring(fitted, long_text):
    model = fitted(max_length=12, long_text=long_text)
    with counted() as unread:
        model.predict_proba(OTHERS)
    cut = [len(row) - 10 for row in model.tokenizer_.encode(model.prepare(OTHERS)) if len(row) > 10]
    expected = (0, 0) if long_text == "windows" else (len(cut), sum(cut))
    assert cut and (unread.n, unread.n_texts, unread.n_ids) == (len(OTHERS), *expected)
    assert (unread.max_length, unread.long_text) == (12, long_text)
    reader = WindowReader(model.preparation_, model.tokenizer_, 12, long_text, "")
    with counted() as exported:
        reader.read(OTHERS)
    assert exported == unread


def test_what_is_read_of_long_texts(fitted):
    ending = ["很好，" * 20 + word for word in ("满意", "失望")] * 3
    labels = ["好", "差"] * 3
    settings = {"epochs": 1, "batch_size": 6, "max_length": 12}
    same_beginning = fitted(ending, labels, **settings).predict_proba(ending)
    assert np.ptp(same_beginning[:, 0]) == 0
    for how in ("tail", "head+tail", "windows"):
        assert np.ptp(fitted(ending, labels, long_text=how, **settings).predict_proba(ending)[:, 0]) > 0


def test_a_window_longer_than_the_encoder_reads_is_refused(fitted):
    assert fitted(max_length=64).max_length_ == 64
    assert fitted(max_length=None, epochs=1).max_length_ == 64
    with pytest.raises(SettingError, match=r"max_length=65 is more than the 64 tokens that .* reads"):
        fitted(max_length=65)


@pytest.mark.parametrize("kind", ["tiny_encoder", "tiny_decoder"])
@pytest.mark.parametrize("how", LONG_TEXTS)
def test_the_smallest_window_will_do(fitted, request, kind, how):
    model = fitted(encoder=str(request.getfixturevalue(kind)), max_length=4, long_text=how, epochs=1)
    assert np.isfinite(model.predict_proba(TEXTS)).all()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"max_length": 3}, "max_length"), ({"strategy": "none"}, "strategy"), ({"mix": 0}, "mix"),
        ({"mix": 3}, "mix=3, but the encoder has 2 layers"), ({"long_text": "middle"}, "long_text"),
        ({"window_pooling": "sum"}, "window_pooling"), ({"pooling": "min"}, "pooling"), ({"cell": "x"}, "cell"),
        ({"mixout": 1.0}, "mixout"), ({"layer_decay": 0.0}, "layer_decay"), ({"layer_decay": 1.1}, "layer_decay"),
        ({"lora_rank": 0}, "lora_rank"), ({"last_layers": 0}, "last_layers"), ({"head": "mean+mean"}, "twice"),
        ({"encoder_dropout": 1.5}, "encoder_dropout"), ({"encoder_dropout": "x"}, "encoder_dropout"),
        ({"head_rate": -1.0}, "head_rate"), ({"head_rate": 0}, "head_rate"), ({"widths": []}, "widths"),
        ({"prefix": 3}, "prefix"), ({"encoder": None}, "encoder"), ({"checkpointing": "yes"}, "checkpointing"),
        ({"fresh_layers": 3}, "fresh_layers=3, but the encoder has 2"), ({"fresh_layers": -1}, "fresh_layers"),
        ({"strategy": "frozen", "mixout": 0.5}, "frozen"), ({"strategy": "frozen", "fresh_layers": 1}, "frozen"),
        ({"strategy": "lora", "mixout": 0.5}, "lora"), ({"strategy": "lora", "fresh_layers": 1}, "lora"),
        ({"strategy": "lora", "layer_decay": 0.5}, "layer_decay"), ({"strategy": "bitfit", "mixout": 0.5}, "bitfit"),
        ({"strategy": "bitfit", "fresh_layers": 1}, "bitfit"),
        ({"strategy": "last", "last_layers": 1, "fresh_layers": 2}, "raise last_layers"),
        ({"checkpointing": True, "r_drop": 1.0}, "r_drop"),
        *(({"strategy": name, "adversarial": 1.0}, "leaves alone") for name in ("frozen", "last", "lora", "bitfit")),
    ],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_or_that_exclude_each_other_are_refused(fitted, wrong, match):
    with pytest.raises(SettingError, match=match):
        fitted(**wrong)


def test_a_head_that_is_none_is_refused_with_the_nearest(fitted):
    with pytest.raises(UnknownNameError, match="did you mean 'attention'"):
        fitted(head="mean+atention")


def test_a_prefix_is_read_before_each_text(fitted):
    model = fitted(prefix="很好 ")
    bare = EncoderClassifier(**model.get_params() | {"prefix": ""})
    for name, value in vars(model).items():
        if name.endswith("_"):
            setattr(bare, name, value)
    bare.prefix_ = ""
    expected = bare.predict_proba(["很好 " + text for text in OTHERS])
    np.testing.assert_allclose(model.predict_proba(OTHERS), expected, atol=1e-6)
    assert not np.allclose(model.predict_proba(OTHERS), bare.predict_proba(OTHERS), atol=1e-6)


def test_weights_of_classes_are_as_good_as_weights_of_their_texts(fitted, make):
    settings = {"batch_size": 12, "epochs": 3, "optimizer": "sgd", "max_grad_norm": 0.0, "learning_rate": 0.1}
    settings |= {"head_rate": 0.1} | STILL
    by_class = fitted(class_weight={"好": 1.5, "差": 0.5}, **settings)
    by_text = make(**settings).fit(TEXTS, LABELS, sample_weight=[1.5] * 6 + [0.5] * 6)
    np.testing.assert_allclose(by_class.predict_proba(OTHERS), by_text.predict_proba(OTHERS), atol=1e-5)
    plain = fitted(**settings)
    assert not np.allclose(by_class.predict_proba(OTHERS), plain.predict_proba(OTHERS), atol=1e-3)


@pytest.mark.parametrize("strategy", ["full", "frozen"])
def test_several_labels_a_text(fitted, strategy):
    labels = [["好", "英"] if i % 3 == 2 else (["好"] if i < 6 else []) for i in range(12)]
    model = fitted(labels=labels, strategy=strategy, epochs=1, long_text="windows")
    chances = model.predict_proba(OTHERS)
    assert model.multi_label_
    assert model.classes_.tolist() == ["好", "英"]
    with torch.no_grad():
        examples = model.make_examples(model.prepare(OTHERS), np.zeros(4), np.ones(4, np.float32), Run())
        batch = examples.batch(np.arange(4))
        logits = model.network_(**{name: batch[name] for name in batch if name not in ("targets", "weights")}).logits
    np.testing.assert_allclose(chances, logits.sigmoid().numpy(), atol=1e-5)


def test_files_that_do_not_fit_are_refused(fitted):
    model = fitted(epochs=1)
    files = model.to_files()
    broken = {name: value for name, value in load(files["weights.safetensors"]).items() if name != "classifier.bias"}
    nan = load(files["weights.safetensors"])
    nan["classifier.bias"] = nan["classifier.bias"] * torch.nan
    huge = files["learned.json"].replace(b'"intermediate_size":64', b'"intermediate_size":64000000000')
    assert huge != files["learned.json"]
    for other in (
        {"weights.safetensors": save(broken)}, {"weights.safetensors": save(nan)}, {"learned.json": huge},
        {"weights.safetensors": b"x"}, {"learned.json": b"{}"}, {"tokenizer.json": b"{}"},
    ):  # fmt: skip
        fresh = EncoderClassifier(**model.get_params())
        fresh.classes_, fresh.multi_label_ = model.classes_, model.multi_label_
        with pytest.raises(ModelFolderError):
            fresh.from_files(files | other)


def test_short_texts_come_in_larger_batches(tiny_encoder):
    labels = ["a", "b"] * 2
    settings = {"encoder": str(tiny_encoder), "epochs": 1, "precision": "float32"}
    short = EncoderClassifier(**settings).fit(["好 good"] * 4, labels)
    long = EncoderClassifier(**settings).fit(["好 good " * 20] * 4, labels)
    given = EncoderClassifier(**settings, batch_size=3).fit(["好 good"] * 4, labels)
    assert (short.batch_size_, long.batch_size_, given.batch_size_) == (64, 32, 3)


def test_scores_in_bfloat16_are_near_those_in_float32(tiny_encoder):
    texts, labels = ["很好 good", "很差 bad"] * 4, ["a", "b"] * 4
    model = EncoderClassifier(encoder=str(tiny_encoder), epochs=3, precision="float32").fit(texts, labels)
    exact = model.predict_proba(texts)
    rough = model.set_params(score_precision="bfloat16").predict_proba(texts)
    assert 0 < np.abs(exact - rough).max() < 0.02


class NoRoomError(RuntimeError):
    """As torch puts it."""

    def __init__(self, *args, **kwargs):
        super().__init__("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def no_room(*args, **kwargs):
    raise NoRoomError


@pytest.mark.parametrize(
    ("place", "settings"),
    [("train_network", {}), ("make_network", {}), ("encode_states", {"strategy": "frozen"})],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_out_of_memory_it_says_what_to_lower(fitted, monkeypatch, place, settings):
    owner = {"train_network": _gradient, "make_network": EncoderClassifier, "encode_states": family}[place]
    monkeypatch.setattr(owner, place, no_room)
    with pytest.raises(SettingError, match=r"does not fit into the memory; lower batch_size .* smaller encoder"):
        fitted(**settings)


def test_out_of_memory_is_no_fault_of_the_files(fitted, tiny_encoder, monkeypatch):
    files = fitted(epochs=1).to_files()
    model = EncoderClassifier()
    model.classes_, model.multi_label_ = np.array(["好", "差"]), False
    monkeypatch.setattr(EncoderClassifierNetwork, "load_state_dict", no_room)
    with pytest.raises(MemoryError):
        model.from_files(files)
    monkeypatch.setattr(BertModel, "from_pretrained", no_room)
    with pytest.raises(MemoryError):
        load_encoder(str(tiny_encoder))


# packing


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"mix": 2, "head": "conv+attention"}, {"long_text": "windows", "window_pooling": "attention"},
        {"strategy": "lora"}, {"strategy": "last", "last_layers": 1}, {"checkpointing": True},
    ],
)  # fmt: skip
def test_packing_does_not_change_what_is_learned(fitted, settings):
    apart, packed = (fitted(packing=how, **STILL | settings) for how in (False, True))
    for one, other in zip(apart.network_.state_dict().values(), packed.network_.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-4)
    np.testing.assert_allclose(apart.predict_proba(OTHERS), packed.predict_proba(OTHERS), atol=1e-4)


def test_packed_texts_are_dropped_from_each_for_itself(fitted):
    once, again = (fitted(packing=True, dropout=0.3, encoder_dropout=0.3) for _ in range(2))
    assert same(weights(once), weights(again))
    assert not same(weights(once), weights(fitted(packing=True, **STILL)))


def test_packing_with_a_frozen_encoder_is_refused(fitted):
    with pytest.raises(SettingError, match="packing has no use"):
        fitted(packing=True, strategy="frozen")


def test_packing_a_decoder_is_refused(fitted, tiny_decoder):
    with pytest.raises(SettingError, match=r"packing is not for .*leave it off"):
        fitted(packing=True, encoder=str(tiny_decoder))
