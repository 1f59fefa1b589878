"""A network begins with the rows of an encoder's input embedding."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.torch import load_file

from fenlei.exceptions import FenleiError, SettingError
from fenlei.models._encoder_words import encoder_words
from fenlei.models.textcnn import TextCnnClassifier
from fenlei.models.transformer import TransformerClassifier

TEXTS, LABELS = ["房间干净 good film", "服务冷淡 dull film"] * 4, ["好", "差"] * 4
SMALL = {"filters": 4, "widths": (1, 2), "epochs": 1, "parts": 0}


@pytest.fixture(scope="module", params=["masked", "next-token"])
def pretrained(request, tmp_path_factory):
    """What ``pretrain`` made of a few texts: of characters and words, or of pieces with marks for spaces."""
    from fenlei.pretrain.run import pretrain

    how = {"tokenizer": "wordpiece"} if request.param == "masked" else {"tokenizer": "bpe"}
    out = tmp_path_factory.mktemp("pretrained") / "encoder"
    size = {"layers": 1, "hidden": 16, "heads": 2, "length": 16, "vocabulary": 500}
    return pretrain(TEXTS * 10, out, objective=request.param, steps=1, **size, **how).folder


def rows_of(folder):
    """Rows of the embedding as the file has them, by token as the tokenizer's file has it."""
    from tokenizers import Tokenizer

    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith(("tok_embeddings.weight", "embed_tokens.weight")))
    tokens = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    return {token: weights[name][i].numpy() for token, i in tokens.items()}


def begun(model, monkeypatch):
    """Give the network of a model as it is before it learns."""
    monkeypatch.setattr("fenlei.models._gradient.train_network", lambda network, *rest: _Nothing())
    return model.fit(TEXTS, LABELS)


class _Nothing:
    history: list[dict[str, float]] = []  # noqa: RUF012
    best_epoch = 0


@pytest.mark.parametrize("family", [TextCnnClassifier, TransformerClassifier])
def test_known_tokens_have_the_rows_of_the_encoder(family, pretrained, monkeypatch):
    settings = SMALL if family is TextCnnClassifier else {"heads": 2, "epochs": 1, "parts": 0}
    model = begun(family(vectors=str(pretrained), **settings), monkeypatch)
    rows, tokens = rows_of(pretrained), model.inputs_.tokens_
    weight = model.network_.embedding.weight.detach().numpy()
    known = [token for token in tokens if token in rows or f"▁{token}" in rows]
    assert {"房", "film", "good"} <= set(known) and weight.shape[1] == 16
    for token in set(known) - {"[PAD]", "[UNK]"}:
        marked = f"▁{token}" in rows and (token.isascii() or token not in rows)
        assert np.array_equal(weight[tokens.index(token)], rows[f"▁{token}" if marked else token]), token


def test_it_learns_from_there_and_needs_no_folder_to_score(pretrained, tmp_path):
    import fenlei

    model = TextCnnClassifier(vectors=str(pretrained), **SMALL).fit(TEXTS, LABELS)
    fenlei.save(model, tmp_path / "model")
    pretrained.rename(tmp_path / "elsewhere")
    try:
        again = fenlei.load(tmp_path / "model")
        assert np.array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    finally:
        (tmp_path / "elsewhere").rename(pretrained)


def test_no_special_token_and_no_rest_of_a_word_is_a_word(tiny_encoder, tiny_decoder):
    found = encoder_words(str(tiny_encoder))
    assert {"很", "film", "。"} <= set(found.tokens) and found.dim == 32
    assert not any(token.startswith("##") for token in found.tokens)
    assert not {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"} & set(found.tokens)
    assert "<|endoftext|>" not in encoder_words(str(tiny_decoder)).tokens


def test_the_size_must_be_that_of_the_encoder(tiny_encoder):
    with pytest.raises(SettingError, match="holds vectors of 32 values, but dim=8; leave dim out"):
        TextCnnClassifier(vectors=str(tiny_encoder), dim=8, **SMALL).fit(TEXTS, LABELS)


def test_a_folder_that_is_no_encoder_is_refused(tmp_path):
    with pytest.raises(FenleiError, match=r"has no config.json; give the folder of a checkpoint"):
        TextCnnClassifier(vectors=str(tmp_path), **SMALL).fit(TEXTS, LABELS)
    with pytest.raises(FenleiError, match="no such file"):
        TextCnnClassifier(vectors=str(tmp_path / "none"), **SMALL).fit(TEXTS, LABELS)
