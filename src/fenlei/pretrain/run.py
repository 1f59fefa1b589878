"""Pretraining in one call: texts in, a checkpoint out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fenlei._memory import memory_explained
from fenlei._processes import refuse_several_processes
from fenlei.data.corpus import Texts
from fenlei.encoders.find import find_encoder
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.exceptions import SettingError
from fenlei.pretrain.corpus import PackedCorpus, has_corpus, open_corpus, write_corpus
from fenlei.pretrain.examples import Task
from fenlei.pretrain.learning import Learning
from fenlei.pretrain.networks import PlacedLanguageModel, known_network, new_network, published_config
from fenlei.pretrain.result import Pretrained, copied_tokenizer, write_result
from fenlei.pretrain.samples import show_fillings
from fenlei.pretrain.settings import PretrainSettings
from fenlei.pretrain.texts import Sample, Spool
from fenlei.pretrain.tokenizer import tokenizer_files, train_tokenizer
from fenlei.pretrain.workplace import Workplace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Tell = Callable[[str], None]

_SAMPLE_TEXTS = 1_000_000
_SAMPLE_CHARACTERS = {"wordpiece": 20_000_000, "bpe": 20_000_000, "unigram": 2_000_000}  # some half a minute each


def pretrain(
    texts: Texts,
    out: str | Path,
    *,
    resume: bool = False,
    checkpoint_every: float = 120.0,
    progress: Tell = lambda what: None,
    message: Tell = lambda what: None,
    **settings: Any,
) -> Pretrained:
    """Pretrain an encoder or a decoder on unlabelled texts, from nothing or from a checkpoint.

    The texts are gone through once and kept as numbers in a folder beside `out`, with the checkpoints; the folder is
    removed when the result is written. In memory is the order of the sequences alone: 4 bytes for each, and some 8 for
    each time that it is seen.

    Parameters
    ----------
    texts : iterable of str, Path or list of Path
        Texts, or files of any format that `fenlei.data.readers.stream` reads, labels ignored.
    out : path
        Folder of the result; must not be there yet.
    resume : bool, default=False
        Go on with an interrupted pretraining; texts and settings must be those of the first time. The weights come out
        as those of one that was not interrupted. Where there is nothing to go on with, begin.
    checkpoint_every : float, default=120.0
        Seconds between checkpoints.
    progress, message : callable
        Told in words what is being done, and what is worth keeping: each round's figures, the number of steps.
    **settings
        Those of `PretrainSettings`: `objective`, `encoder`, `tokenizer`, `layers`, `minutes`, `seed` ...

    Returns
    -------
    Pretrained

    Raises
    ------
    DataError
        When the texts cannot be read or are too few.
    SettingError, UnknownNameError
        When a setting is unknown, out of its range or does not fit the encoder, there is something at `out`, or the
        memory is not enough.
    ModelFolderError, UnavailableError
        When the encoder to go on from cannot be loaded.
    """
    begun = time.monotonic()
    wanted = PretrainSettings.of(settings)
    refuse_several_processes("pretraining")
    work = Workplace(Path(out))
    continued = work.enter(asdict(wanted), resume=resume)
    with memory_explained(asdict(wanted)), _kept_if_worthwhile(work, continued=continued):
        known = None if wanted.encoder is None else _Known.load(wanted.resolved(), message)
        tokenizer, corpus = _read(texts, work, wanted, known, continued=continued, progress=progress)
        network = new_network(wanted.resolved(), tokenizer) if known is None else known.network
        placed = PlacedLanguageModel(network)
        task = Task.of(tokenizer, is_masked=wanted.is_masked, next_sentence=wanted.next_sentence)
        learning = Learning(placed, corpus, task, wanted.resolved(), work, progress=progress, message=message)
        steps = (work.steps() if continued else None) or learning.plan(begun)
        work.plan(steps)
        message(
            f"{len(corpus):,} sequences of {corpus.length} tokens, {len(learning.held_out):,} held out; {steps:,} steps"
        )
        learning.run(steps, resume=continued, every_seconds=checkpoint_every)
        progress("filling gaps")
        shown = show_fillings(placed, corpus, learning.parts.held_out, tokenizer, task, wanted.seed)
        made = Pretrained(
            folder=Path(out), settings=wanted.resolved(), counts=corpus.counts, parameters=placed.num_parameters(),
            steps=steps, seconds=round(time.monotonic() - begun, 2), history=learning.history, samples=shown,
        )  # fmt: skip
        progress("writing")
        published_config(network, is_new=known is None)
        write_result(made, network, _tokenizer_files(work, wanted, known))
    work.remove()
    return made


class _Known(NamedTuple):
    """The checkpoint to go on from."""

    folder: Path
    network: PreTrainedModel
    tokenizer: EncoderTokenizer

    @classmethod
    def load(cls, settings: PretrainSettings, message: Tell) -> _Known:
        name = settings.encoder or ""
        network, tokenizer = known_network(name, settings, message)
        return cls(find_encoder(name), network, tokenizer)


@contextmanager
def _kept_if_worthwhile(work: Workplace, *, continued: bool) -> Iterator[None]:
    """Remove the traces of a new pretraining that fails before its first checkpoint, or is stopped while it reads."""
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt) and has_corpus(work.folder)
        if not (continued or stopped or work.has_checkpoints):
            work.remove()
        raise


def _read(
    texts: Texts, work: Workplace, settings: PretrainSettings, known: _Known | None, *, continued: bool, progress: Tell
) -> tuple[EncoderTokenizer, PackedCorpus]:
    """Read the corpus, train its tokenizer, and turn it into sequences; or find what an interrupted run has made."""
    if continued and has_corpus(work.folder):
        spool = Spool(None)
        spool.fill(texts, progress)
        corpus = open_corpus(work.folder)
        data = work.tokenizer()
        if corpus.digest != _digest(spool, data, settings):
            raise SettingError(
                f"{work.folder}: was begun with other texts; give the same to resume it, or remove the folder to begin "
                "anew"
            )
        return EncoderTokenizer.from_bytes(data), corpus
    sample = Sample(
        most_characters=_SAMPLE_CHARACTERS[settings.tokenizer], most_texts=_SAMPLE_TEXTS, seed=settings.seed
    )
    spool = Spool(work.spool, sample if known is None else None)
    spool.fill(texts, progress)
    data = known.tokenizer.to_bytes() if known is not None else _trained(sample.texts, settings, progress)
    work.keep_tokenizer(data)
    tokenizer = EncoderTokenizer.from_bytes(data)
    corpus = write_corpus(
        spool.batches(), tokenizer, work.folder, length=settings.length,
        whole_words=settings.is_masked and settings.whole_words, digest=_digest(spool, data, settings),
        progress=progress,
    )  # fmt: skip
    work.spool.unlink()
    return tokenizer, corpus


def _trained(texts: list[str], settings: PretrainSettings, progress: Tell) -> bytes:
    progress(f"training the tokenizer on {len(texts):,} texts")
    tokenizer = train_tokenizer(
        texts, settings.tokenizer, size=settings.vocabulary, lowercase=settings.lowercase, words=settings.words
    )
    return tokenizer.to_str().encode()


def _digest(spool: Spool, tokenizer: bytes, settings: PretrainSettings) -> str:
    parts = (spool.digest, hashlib.sha256(tokenizer).hexdigest(), settings.length, settings.whole_words)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _tokenizer_files(work: Workplace, settings: PretrainSettings, known: _Known | None) -> dict[str, bytes]:
    if known is not None:
        return copied_tokenizer(known.folder, work.tokenizer())
    return tokenizer_files(work.tokenizer(), settings.length, is_masked=settings.is_masked)
