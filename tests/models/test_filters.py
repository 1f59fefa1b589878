"""What excites the filters of a textcnn: hand-made networks, and the plain way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import fenlei
from fenlei.engine.batches import TokenExamples
from fenlei.exceptions import ModelFolderError, NotFittedError, SettingError
from fenlei.features.sequences import Sequences
from fenlei.models._filters import find_excited
from fenlei.models.textcnn import TextCnn, TextCnnClassifier, TextCnnConfig

TINY = {"dim": 8, "filters": 4, "epochs": 3, "precision": "float32", "parts": 0}


def spell(ids):
    return " ".join(str(i) for i in ids)


def made(rows, targets, **settings):
    """A network with random weights, and examples."""
    torch.manual_seed(0)
    config = {"vocab_size": 12, "dim": 5, "widths": [1, 3], "filters": [4, 6], "num_labels": 3}
    network = TextCnn(TextCnnConfig(**(config | settings))).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    channels = tuple(Sequences.of(channel) for channel in rows)
    return network, TokenExamples(channels, np.array(targets), np.ones(len(targets), np.float32))


def hand_made():
    """One filter of width 2 for "2 3", one for "4"; the first speaks for class 1, the second for class 0."""
    rows = [[5, 2, 3, 5], [2, 5, 3], [4, 5], [5, 5, 4], [5, 3]]
    network, examples = made([rows], [1, 1, 0, 0, 0], vocab_size=6, dim=6, widths=[1, 2], filters=[1, 1], num_labels=2)
    with torch.no_grad():
        network.embedding.weight.copy_(torch.eye(6))
        network.convolution.weight.zero_()
        network.convolution.bias.zero_()
        network.convolution.weight[4, 0] = 1.0  # the filter of width 1
        network.convolution.weight[2, 1] = 1.0  # first tap of the other
        network.convolution.weight[3, 2] = 2.0  # second
        network.head.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
    return network, examples


def test_a_filter_made_for_an_ngram_finds_it():
    network, examples = hand_made()
    first, second = find_excited(network, examples, spell, seed=0)
    assert [(f.number, f.width, f.ngrams) for f in first] == [(0, 1, (("4", 1.0),))]
    assert [(f.number, f.width) for f in second] == [(1, 2)]
    assert second[0].ngrams == (("2 3", 3.0), ("5 3", 2.0))
    assert first[0].speaks == pytest.approx(2 / 3)  # weight 1; a mean answer of 2/3 against none
    assert second[0].speaks == pytest.approx(2.5 - 2 / 3)


def test_nothing_is_spelled_for_places_outside_the_text():
    network, examples = hand_made()
    examples = TokenExamples((Sequences.of([[3], [], [2], [4]]),), np.array([1, 1, 1, 0]), examples.weights[:4])
    (filter_of_two,) = find_excited(network, examples, spell, seed=0)[1]
    assert filter_of_two.ngrams == (("3", 2.0), ("2", 1.0))


def plainly(network, examples):
    """Score every place of every text with numpy; of each text the best one counts."""
    config, weight = network.config, network.convolution.weight.detach().numpy()
    vectors, bias = network.embedding.weight.detach().numpy(), network.convolution.bias.detach().numpy()
    found, column, number = {}, 0, 0
    for width, n in zip(config.widths, config.filters, strict=True):
        for f in range(n):
            best = {}
            for text in zip(*examples.channels, strict=True):
                x = sum(vectors[channel] for channel in text)
                tokens = len(text[0])
                answers = []
                for place in range(1 - width, max(tokens, 1), config.stride):
                    taps = [(k, place + k) for k in range(width) if 0 <= place + k < tokens]
                    total = bias[number] + sum(x[at] @ weight[:, column + k * n + f] for k, at in taps)
                    answers.append((float(total), spell(text[0][[at for _, at in taps]])))
                answer, ngram = max(answers, key=lambda pair: pair[0])
                if ngram and answer > 0:
                    best[ngram] = max(answer, best.get(ngram, 0))
            found[number] = (width, sorted(best.items(), key=lambda pair: -pair[1])[:5])
            number += 1
        column += width * n
    return found


@pytest.mark.parametrize(
    "settings", [{}, {"pooling": "average"}, {"pooling": "kmax", "k": 2}, {"activation": "tanh"}, {"stride": 2}]
)
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("multi_label", [False, True])
def test_it_finds_what_the_plain_way_finds(settings, n_channels, multi_label):
    random = np.random.default_rng(3)
    lengths = random.integers(0, 8, 30)
    rows = [[random.integers(2, 12, n).tolist() for n in lengths] for _ in range(n_channels)]
    targets = (random.random((30, 3)) < 0.4).astype(np.float32) if multi_label else random.integers(0, 3, 30)
    network, examples = made(rows, targets, **settings)
    plain = plainly(network, examples)
    found = find_excited(network, examples, spell, seed=0)
    assert any(found)
    for of_class in found:
        for one in of_class:
            width, ngrams = plain[one.number]
            assert one.width == width
            assert [ngram for ngram, _ in one.ngrams] == [ngram for ngram, _ in ngrams]
            assert [answer for _, answer in one.ngrams] == pytest.approx([a for _, a in ngrams], abs=1e-4)
        assert [one.speaks for one in of_class] == sorted((one.speaks for one in of_class), reverse=True)


def test_the_parts_of_all_filters_make_the_difference_of_the_scores():
    """What speaks for a label speaks against its contrary, if both have the same weights."""
    random = np.random.default_rng(1)
    own = random.random(40) < 0.5
    rows = [random.integers(2, 12, 6).tolist() for _ in range(40)]
    targets = np.stack([own, ~own], 1).astype(np.float32)
    network, examples = made([rows], targets, filters=[2, 3], pooling="kmax", k=2, num_labels=2)
    with torch.no_grad():
        network.head.weight.copy_(network.head.weight[0].abs().repeat(2, 1))
        logits = network(examples.padded(np.arange(40))).logits[:, 0].numpy()
    label, contrary = find_excited(network, examples, spell, seed=0)
    parts = sum(one.speaks for one in label) - sum(one.speaks for one in contrary)
    assert parts == pytest.approx(logits[own].mean() - logits[~own].mean(), abs=1e-4)


@pytest.mark.parametrize("settings", [{}, {"unit": "both"}, {"unit": "bpe"}, {"pooling": "kmax", "k": 2}])
def test_it_is_kept_with_the_model(tmp_path, chinese, settings):
    model = TextCnnClassifier(**TINY, **settings).fit(chinese.texts, chinese.labels)
    shown = model.exciting_ngrams()
    assert list(shown) == ["好评", "差评"]
    assert any(one.ngrams for filters in shown.values() for one in filters)
    assert fenlei.load(fenlei.save(model, tmp_path / "m")).exciting_ngrams() == shown
    assert all(len(filters) <= 1 for filters in model.exciting_ngrams(1).values())


def test_telling_words_excite_the_filters(chinese):
    model = TextCnnClassifier(dim=16, filters=8, epochs=40, dropout=0.0, learning_rate=0.02, segmenter="jieba")
    shown = model.fit(chinese.texts, chinese.labels).exciting_ngrams(3)
    for label, word in (("好评", "干净满意热情还来"), ("差评", "脏失望冷淡不会")):
        ngrams = "".join(ngram for one in shown[label] for ngram, _ in one.ngrams[:2])
        assert set(ngrams) & set(word)


def test_several_labels(topics):
    labels = [[label, "english"] if text.isascii() else [label] for text, label in zip(*topics[:2], strict=True)]
    assert set(TextCnnClassifier(**TINY).fit(topics.texts, labels).exciting_ngrams()) == {
        "sport", "finance", "tech", "english",
    }  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"{}", b"[]", b"[[],[1]]", b"[[],[],[]]", b'[[],[{"number":1}]]',
        b'[[],[{"number":1,"width":1,"speaks":1.5,"ngrams":[["a","b"]]}]]',
        b'[[],[{"number":"1","width":1,"speaks":1.5,"ngrams":[]}]]',
        b'[[],[{"number":1,"width":1,"speaks":1.5,"ngrams":[3]}]]',
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused(damage, chinese):
    model = TextCnnClassifier(**TINY).fit(chinese.texts, chinese.labels)
    files = model.to_files()
    with pytest.raises(ModelFolderError, match=r"filters\.json"):
        model.from_files({**files, "filters.json": damage})
    del files["filters.json"]
    with pytest.raises(ModelFolderError, match=r"filters\.json"):
        model.from_files(files)


def test_misuse_is_refused(chinese):
    with pytest.raises(NotFittedError):
        TextCnnClassifier().exciting_ngrams()
    with pytest.raises(SettingError, match="top_filters"):
        TextCnnClassifier(**TINY).fit(chinese.texts, chinese.labels).exciting_ngrams(0)
