"""Imports point one way, down the flow, and are light: each is made in a fresh interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fenlei

ROOT = Path(fenlei.__file__).parent
STAGES = (
    "data", "clean", "segment", "features", "vectors", "layers", "engine", "encoders", "pretrain", "models", "train",
    "evaluation", "compress", "explain", "scoring", "monitor", "serve", "cli",
)  # fmt: skip
FILES = sorted(ROOT.rglob("*.py"))
HEAVY = {
    "scipy",
    "sklearn",
    "torch",
    "transformers",
    "rich",
    "matplotlib",
    "openpyxl",
    "pyarrow",
    "rjieba",
    "opencc",
    "gensim",
    "onnx",
    "onnxruntime",
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "prometheus_client",
}
ALWAYS_HEAVY = {"numba"}  # allowed at the top of private modules, which hold compiled functions
TORCH = {"torch", "transformers", "safetensors.torch"}  # allowed where a file is of no use without them
SERVER = {"fastapi", "uvicorn", "prometheus_client", "sqlalchemy"}  # likewise, in the stages that serve and watch
IN_USE = {"scoring", "monitor", "serve", "cli"}
ABOVE = {"models", "train", "evaluation", "compress", "explain"} | IN_USE
NETWORKS = {"layers", "engine", "encoders", "pretrain"}
NOT_BELOW = {  # what a stage must not import, even inside a function
    "data": {"clean", "segment", "features", "vectors"} | NETWORKS | ABOVE,
    "clean": {"data", "segment", "features", "vectors"} | NETWORKS | ABOVE,
    "segment": {"features", "vectors"} | NETWORKS | ABOVE,
    "features": {"vectors"} | NETWORKS | ABOVE,
    "vectors": NETWORKS | ABOVE,
    "layers": {"data", "vectors", "engine", "encoders", "pretrain"} | ABOVE,
    "engine": {"encoders", "pretrain"} | ABOVE,
    "encoders": {"data", "vectors", "pretrain"} | ABOVE,
    "pretrain": {"vectors"} | ABOVE,
    "models": {"pretrain"} | ABOVE - {"models"},
    "evaluation": {"train", "compress"} | IN_USE,
    "compress": {"train", "explain"} | IN_USE,
    "train": {"scoring", "serve", "cli"},
    "explain": {"train"} | IN_USE,
    "scoring": {"train", "compress", "explain", "monitor", "serve", "cli"},
    "monitor": {"train", "compress", "explain", "scoring", "serve", "cli"},
    "serve": {"train", "compress", "cli"},
}


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_stages_import_downwards_only(path):
    stage = path.relative_to(ROOT).parts[0]
    above = {f"fenlei.{name}" for name in NOT_BELOW.get(stage, ())}
    names = {".".join(name.split(".")[:2]) for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    assert not names & above


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_heavy_packages_are_not_imported_at_the_top(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    names = {".".join(name.split(".")[:n]) for name in imported(top) for n in (1, 2)}
    heavy = HEAVY | TORCH | (set() if path.name.startswith("_") else ALWAYS_HEAVY)
    assert not names & (heavy - needed(path))


def needed(path):
    """Heavy packages without which a file is of no use."""
    if path.relative_to(ROOT).parts[0] in ("monitor", "serve"):
        return SERVER
    return TORCH if needs_torch(path) else set()


def needs_torch(path):
    """Whether a file is part of a network: of the engine, of the layers that are not mere loops, or a family."""
    stage = path.relative_to(ROOT).parts[0]
    if stage in NETWORKS:
        return not path.name.startswith("_")
    shared = {"_encoder.py", "_filters.py", "_gradient.py", "_network.py", "_neural.py"}
    below = {name.removesuffix(".py") for name in shared}
    return stage == "models" and (path.name in shared or bool(_modules(path) & below))


def _modules(path):
    """Modules of fenlei.models that a file imports."""
    names = imported(ast.parse(path.read_text(encoding="utf-8")))
    return {name.split(".")[2] for name in names if name.startswith("fenlei.models.")}


def test_the_package_itself_imports_nothing():
    assert not run("import sys, fenlei; print(*sys.modules)") & (HEAVY | {"numba", "numpy", "click"})


def test_the_public_names_import_nothing_heavy():
    code = "import sys, fenlei; [getattr(fenlei, name) for name in fenlei.__all__]; print(*sys.modules)"
    assert not run(code) & (HEAVY | {"numba"})


def test_every_module_can_be_imported_first():
    """A circle of imports shows only when its other end comes first."""
    for stage in STAGES:
        if (ROOT / stage).is_dir():
            run(f"import fenlei.{stage}")
    run("import fenlei.persistence")
    run("import fenlei.preparation")


def test_nothing_loads_pickles_or_runs_code():
    banned = {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not {name.partition(".")[0] for name in imported(tree)} & banned, path
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
        assert not {node.func.id for node in calls} & {"eval", "exec"}, path
