"""What all tests share: fixed seeds, no network, two small data sets that any classifier must learn."""

from __future__ import annotations

import gc
import importlib.util
import random
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("fenlei", deadline=None, derandomize=True)  # a first call may compile for seconds
settings.load_profile("fenlei")


class Examples(NamedTuple):
    """Texts, their labels, and texts to predict with what must come out."""

    texts: list[str]
    labels: list[str]
    new_texts: list[str]
    new_labels: list[str]


def pytest_configure() -> None:
    """Let programs under test be interrupted, also where a shell began the tests behind and so ignores the signal."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported: accelerate asks for a whole collection after every training."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def chinese() -> Examples:
    texts = [
        "房间很干净，下次还来", "服务热情，房间干净", "早餐好吃，很满意", "位置方便，服务热情", "很满意，干净舒服",
        "房间很脏，不会再来", "服务冷淡，房间又脏", "早餐难吃，很失望", "位置偏僻，服务冷淡", "很失望，又脏又吵",
    ]  # fmt: skip
    new_texts = ["房间干净，很满意", "服务热情", "又脏又难吃", "服务冷淡，很失望"]
    return Examples(texts, ["好评"] * 5 + ["差评"] * 5, new_texts, ["好评"] * 2 + ["差评"] * 2)


@pytest.fixture
def english() -> Examples:
    texts = [
        "A warm, funny film with a great cast.", "Great acting and a moving story", "I loved it: funny and moving!",
        "One of the year's great films", "Wonderful, warm and wise",
        "A dull, boring film with a weak cast.", "Awful acting and a boring story", "I hated it: dull and weak!",
        "One of the year's awful films", "Terrible, boring and weak",
    ]  # fmt: skip
    new_texts = ["a great and moving cast", "warm and wonderful", "boring and awful", "so dull, so weak"]
    return Examples(texts, ["pos"] * 5 + ["neg"] * 5, new_texts, ["pos"] * 2 + ["neg"] * 2)


@pytest.fixture
def topics() -> Examples:
    """Three classes, both languages."""
    texts = [
        "国足比赛进球了", "The team won the match", "球队赢得比赛冠军", "a late goal in the match",
        "股票大涨，基金上涨", "Stocks and funds rise", "央行降息，股票市场", "the bank cut its interest rate",
        "新款手机发布", "A new phone with a better chip", "芯片与手机系统", "the chip runs a new operating system",
    ]  # fmt: skip
    labels = ["sport"] * 4 + ["finance"] * 4 + ["tech"] * 4
    return Examples(texts, labels, ["足球比赛", "股票基金", "a phone chip"], ["sport", "finance", "tech"])


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002  (for code under test that draws from the global state)


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _only_local(getattr(socket.socket, name)))
        yield


def _only_local(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1"):
            raise RuntimeError(f"a test tried to reach {address!r}; tests run without a network")
        return connect(self, address)

    return guarded


@pytest.fixture(scope="session")
def tiny_encoders() -> ModuleType:
    """The functions of tiny_encoders.py."""
    spec = importlib.util.spec_from_file_location("tiny_encoders", Path(__file__).with_name("tiny_encoders.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny_encoder(tiny_encoders: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a pretrained encoder, with random weights."""
    folder: Path = tiny_encoders.make_encoder(tmp_path_factory.mktemp("encoders") / "bert")
    return folder


@pytest.fixture(scope="session")
def tiny_decoder(tiny_encoders: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a pretrained decoder, with random weights and without a padding token."""
    folder: Path = tiny_encoders.make_decoder(tmp_path_factory.mktemp("encoders") / "gpt2")
    return folder


@pytest.fixture(scope="session")
def tiny_qwen(tiny_encoders: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a pretrained decoder of today's kind, with random weights."""
    folder: Path = tiny_encoders.make_decoder(tmp_path_factory.mktemp("encoders") / "qwen2", tiny_encoders.qwen)
    return folder
