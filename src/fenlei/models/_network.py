"""What the networks of all families share: an embedding before, dropout and a linear layer behind."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from fenlei.engine.losses import plain_loss
from fenlei.layers.dropout import KeyedDropout
from fenlei.layers.embedding import Embedded, TokenEmbedding
from fenlei.layers.ngrams import HashedNgrams


class TextNetworkConfig(PreTrainedConfig):
    """Settings of a network that begins with an embedding; a family adds its own.

    Parameters
    ----------
    vocab_size : int
        Number of token ids of all channels together; id 0 is padding.
    dim : int
        Size of the token vectors.
    embedding : {"random", "static", "nonstatic", "multichannel"}
    embedding_dropout, dropout : float
        Of the token vectors, and before the last layer.
    embedding_std : float
        Spread of random vectors.
    parts, part_entries : int
        Buckets for the character n-grams of words, and how many of these the words have together.
    """

    model_type = "fenlei"
    vocab_size: int = 2
    dim: int = 128
    embedding: str = "random"
    embedding_dropout: float = 0.0
    embedding_std: float = 0.1
    parts: int = 0
    part_entries: int = 0
    dropout: float = 0.5
    pad_token_id: int | None = 0


class TextNetwork(PreTrainedModel):
    """A classifier of texts; a family supplies `build` and `encode`."""

    config_class = TextNetworkConfig
    main_input_name = "input_ids"
    takes_channels = True
    """Whether a place may hold several tokens, as with ``unit="both"``."""
    _no_split_modules: list[str] = []  # noqa: RUF012  (as transformers wants it)

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.embedding = TokenEmbedding(
            self.embedding_size(config),
            config.dim,
            mode=config.embedding,
            dropout=config.embedding_dropout,
            parts=config.parts,
            part_entries=config.part_entries,
        )
        features = self.build(config)
        self.dropout = KeyedDropout(config.dropout, salt=2)
        self.head = nn.Linear(features, config.num_labels)
        self.post_init()

    def embedding_size(self, config: Any) -> int:
        """How many vectors there are; a family may have more than tokens."""
        return int(config.vocab_size)

    @property
    def ngrams(self) -> HashedNgrams | None:
        """How n-grams of the tokens get vectors of their own; a family may have some."""
        return None

    def tokens(self, input_ids: Tensor) -> Tensor:
        """Turn the ids that come in into those of vectors: the n-grams' appended, where there are any."""
        if self.ngrams is None:
            return input_ids
        return torch.from_numpy(self.ngrams.rows(input_ids.cpu().numpy())).to(input_ids.device)

    @abstractmethod
    def build(self, config: Any) -> int:
        """Make the layers between embedding and head; return how many values come out."""

    @abstractmethod
    def encode(self, embedded: Embedded, keys: Tensor | None) -> Tensor:
        """Turn the vectors of the tokens into one vector a text, shape (n_texts, n_features)."""

    def forward(
        self, input_ids: Tensor, labels: Tensor | None = None, keys: Tensor | None = None,
        batch_key: Tensor | None = None, **kwargs: Any,
    ) -> SequenceClassifierOutput:  # fmt: skip
        """Score a padded batch.

        Parameters
        ----------
        input_ids : tensor of int64, shape (n_texts, longest) or (n_texts, longest, n_channels)
            0 from each text's end on.
        labels : tensor, optional
            Of int64, shape (n_texts,): the class, for cross-entropy. Of float, shape (n_texts, n_labels): for binary
            cross-entropy.
        keys, batch_key : tensors of int64, shape (n_texts,) and (1,), optional
            What the dropout of each text, and of the tokens of the batch, depends on; drawn when not given.

        Returns
        -------
        SequenceClassifierOutput
            ``logits`` of shape (n_texts, n_labels), and ``loss`` when there are labels.
        """
        encoded = self.encode(self.embedding(self.tokens(input_ids), batch_key), keys)
        logits = self.head(self.dropout(encoded, keys)).float()
        return SequenceClassifierOutput(loss=plain_loss(logits, labels), logits=logits)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, TokenEmbedding):
            init.normal_(module.weight, std=self.config.embedding_std)
            if not getattr(module.weight, "_is_hf_initialized", False):  # a part of a loaded weight does not know it
                init.zeros_(module.weight[0])
            if module.part_weight is not None:
                init.normal_(module.part_weight, std=self.config.embedding_std)
            if module.fixed is not None:
                init.zeros_(module.fixed)
        elif callable(reset := getattr(module, "reset", None)):  # our layers draw their own weights
            reset()
        elif module is self.head:
            init.normal_(module.weight, std=0.01)
            init.zeros_(module.bias)
        else:
            super()._init_weights(module)
