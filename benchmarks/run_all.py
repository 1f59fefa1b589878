"""All benchmarks, one after another; prints every number that the README and the docs quote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = (
    ("linear_accuracy.py", "--peers"),
    ("linear_speed.py",),
    ("network_accuracy.py",),
    ("network_speed.py",),
    ("folded_speed.py",),
    ("attention_speed.py",),
    ("trimmed_vocabulary.py",),
    ("few_texts.py",),
    ("encoder_accuracy.py",),
    ("encoder_speed.py",),
    ("from_zero.py", "--out", "from-zero"),
    ("onnx_speed.py",),
    ("distilled.py",),
    ("scoring.py",),
    ("serving.py",),
    ("monitoring.py",),
    ("command_line.py",),
    ("segmenters.py",),
    ("linear_choices.py",),
)


def main() -> int:
    failed = 0
    for script, *given in SCRIPTS:
        options = [*given, *sys.argv[1:]]  # such as --data DIR
        print(f"\n## {script} {' '.join(options)}\n", flush=True)
        failed += (
            subprocess.run([sys.executable, Path(__file__).parent / script, *options], check=False).returncode != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
