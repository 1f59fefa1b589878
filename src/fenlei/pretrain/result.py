"""What a pretraining comes to: a checkpoint that every library reads, with the facts of how it was made."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fenlei import __version__
from fenlei._atomic import write_folder
from fenlei._strict_json import dump
from fenlei.encoders.bare import quiet
from fenlei.encoders.files import PRETRAINING, SPECIAL_TOKENS, TOKENIZER, TOKENIZER_SETTINGS, VOCABULARIES
from fenlei.encoders.packaged import wanted_prefix
from fenlei.pretrain.corpus import Counts
from fenlei.pretrain.picture import draw_history
from fenlei.pretrain.settings import PretrainSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PICTURE = "accuracy.svg"
_TOKENIZER_FILES = (TOKENIZER, TOKENIZER_SETTINGS, SPECIAL_TOKENS, *VOCABULARIES, "merges.txt", "added_tokens.json")


@dataclass(frozen=True)
class Pretrained:
    """A pretrained network and how it came about.

    Attributes
    ----------
    folder : Path
        A checkpoint in Hugging Face layout.
    settings : PretrainSettings
        With all defaults filled in.
    counts : Counts
        What the corpus came to.
    parameters : int
        Weights of the network, its head included.
    steps : int
    seconds : float
        Of the whole work; of a resumed one, since it was resumed.
    history : list of dict
        ``step``, ``seconds``, ``loss``, ``perplexity`` and ``accuracy`` on held-out text, from step 0 on; with
        sentence pairs ``next_sentence_accuracy``.
    samples : list of dict
        See `fenlei.pretrain.samples.show_fillings`.
    """

    folder: Path
    settings: PretrainSettings
    counts: Counts
    parameters: int
    steps: int
    seconds: float
    history: list[dict[str, float]]
    samples: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        last = self.history[-1]
        return {
            "encoder": str(self.folder),
            "objective": self.settings.objective,
            "steps": self.steps,
            "seconds": self.seconds,
            **{name: last[name] for name in ("loss", "perplexity", "accuracy")},
            "parameters": self.parameters,
            "corpus": asdict(self.counts),
            "samples": self.samples,
            "history": self.history,
            "settings": asdict(self.settings),
        }


def write_result(made: Pretrained, network: PreTrainedModel, tokenizer: dict[str, bytes]) -> None:
    """Write the folder, whole or not at all."""
    facts = {name: value for name, value in made.to_dict().items() if name != "encoder"} | {"fenlei": __version__}
    if made.settings.encoder is not None:
        facts["prefix"] = wanted_prefix(made.settings.encoder)
    files = {
        **_network_files(network),
        **tokenizer,
        PRETRAINING: dump(facts, indent=2),
        PICTURE: draw_history(made.history, is_masked=made.settings.is_masked).encode(),
    }
    write_folder(made.folder, files)


def copied_tokenizer(folder: Path, settings: bytes) -> dict[str, bytes]:
    """Copy the files of a checkpoint's tokenizer.

    Parameters
    ----------
    folder : Path
    settings : bytes
        What ``tokenizer.json`` is to hold when the checkpoint has none.
    """
    found = {name: (folder / name).read_bytes() for name in _TOKENIZER_FILES if (folder / name).is_file()}
    return {TOKENIZER: settings} | found


def _network_files(network: PreTrainedModel) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="fenlei-") as folder, quiet():
        network.save_pretrained(folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}
