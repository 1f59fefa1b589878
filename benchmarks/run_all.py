"""All benchmarks, one after another; prints every number that the README and the docs quote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = (
    ("linear_accuracy.py", "--peers"),
    ("linear_speed.py",),
    ("command_line.py",),
    ("segmenters.py",),
    ("linear_choices.py",),
)


def main() -> int:
    failed = 0
    for script, *options in SCRIPTS:
        print(f"\n## {script} {' '.join(options)}\n", flush=True)
        failed += (
            subprocess.run([sys.executable, Path(__file__).parent / script, *options], check=False).returncode != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
