"""What pretraining from zero is worth: an encoder trained on unlabelled texts, fine-tuned, beside itself untrained.

The corpus is the Chinese one of the data folder and the training texts of the labelled sets, without their labels. The
other network has the same tokenizer and shape, and weights as they were drawn. Both are fine-tuned with each of the
rates, since what begins at random may want a higher one; the rate is chosen by the dev set with the first seed, and
the other seeds are trained with it. The test set is read once a model.

python benchmarks/from_zero.py --out FOLDER [--minutes 60] [--architecture bert] [--sets waimai] [--rates 1e-4,3e-4]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel

from _common import CHINESE, load, machine, parser, print_table, spread
from fenlei import read
from fenlei.pretrain.run import pretrain


def main() -> None:
    chosen = _options()
    made, drawn = chosen.out / "pretrained", chosen.out / "drawn"
    print(f"{machine()}\n", flush=True)
    if not made.exists():
        _pretrain(chosen, made)
    if not drawn.exists():
        _draw(made, drawn)
    told = json.loads((made / "pretraining.json").read_text())
    print_table(
        ["step", "minutes", "loss", "perplexity", "masked accuracy, %"],
        [
            [f"{at['step']:,}", f"{at['seconds'] / 60:.1f}", f"{at['loss']:.3f}", f"{at['perplexity']:,.1f}",
             f"{100 * at['accuracy']:.1f}"]
            for at in told["history"]
        ],
    )  # fmt: skip
    rows = []
    for name in chosen.sets.split(","):
        for what, encoder in (("drawn", drawn), ("pretrained", made)):
            rows.append([name, what, *_fine_tuned(chosen, encoder, name)])
    print()
    print_table(["data", "encoder", "rate", "test, %", "unseen texts, %", "dev, %", "seconds"], rows)


def _options() -> argparse.Namespace:
    options = parser(str(__doc__).partition("\n")[0])
    options.add_argument("--out", type=Path, required=True, help="where the encoders are to lie")
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--architecture", help="of the encoder, by default that of `fenlei pretrain`")
    options.add_argument("--sets", default="waimai,chnsenticorp")
    options.add_argument("--rates", default="1e-4,3e-4,1e-3")
    options.add_argument("--seeds", default="1,2,3")
    return options.parse_args()


def _pretrain(chosen: argparse.Namespace, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    size = {"architecture": chosen.architecture, "layers": 4, "hidden": 256, "heads": 4}
    pretrain(_texts(chosen.data), out, minutes=chosen.minutes, message=_tell, **size)


def _tell(what: str) -> None:
    print(f"  {what}", flush=True)


def _texts(data: Path) -> Iterator[str]:
    for path in sorted((data / "corpus_zh").glob("*.txt.gz")):
        yield from read(str(path)).texts
    for name in sorted(CHINESE):
        yield from load(data, name, "train").texts


def _draw(made: Path, out: Path) -> None:
    """Make the same network with weights as they are drawn at first."""
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.from_pretrained(made)).save_pretrained(out)
    for path in made.glob("*token*"):
        shutil.copy(path, out)


def _fine_tuned(chosen: argparse.Namespace, encoder: Path, name: str) -> list[str]:
    first, *others = chosen.seeds.split(",")
    tried = {rate: _trained(chosen, encoder, name, rate, first) for rate in chosen.rates.split(",")}
    rate = max(tried, key=lambda rate: tried[rate]["valid"])
    found = [tried[rate], *(_trained(chosen, encoder, name, rate, seed) for seed in others)]
    seconds = sorted(one["seconds"] for one in found)[len(found) // 2]
    return [rate, *(spread([one[part] for one in found]) for part in ("test", "unseen", "valid")), f"{seconds:,.0f}"]


def _trained(chosen: argparse.Namespace, encoder: Path, name: str, rate: str, seed: str) -> dict[str, Any]:
    settings = {"encoder": str(encoder), "max_length": 128, "learning_rate": float(rate)}
    task = {"name": name, "family": "encoder", "settings": settings, "seed": int(seed), "rows": None}
    script = Path(__file__).with_name("encoder_accuracy.py")
    command = [sys.executable, str(script), "--data", str(chosen.data), "--one", json.dumps(task)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(" ", encoder.name, name, rate, seed, found, flush=True)
    return found


if __name__ == "__main__":
    main()
