"""Names of encoders and what they lead to; the hubs are played by stand-ins."""

from __future__ import annotations

import errno
import shutil
import sys
from fnmatch import fnmatch
from types import ModuleType, SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import errors

from fenlei.encoders.files import is_complete
from fenlei.encoders.find import find_encoder
from fenlei.encoders.listing import list_encoders
from fenlei.exceptions import (
    FenleiError,
    MissingExtraError,
    ModelFolderError,
    SettingError,
    UnavailableError,
    UnknownNameError,
)

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """Empty caches of the user, and no settings of a hub."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "FENLEI_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("MODELSCOPE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def cached(caches, tiny_encoder):
    """Put the tiny encoder into the Hub's cache under a name."""

    def put(name, revision="main"):
        folder = caches / "huggingface" / "hub" / f"models--{name.replace('/', '--')}"
        (folder / "refs" / revision).parent.mkdir(parents=True, exist_ok=True)
        (folder / "refs" / revision).write_text(COMMIT, "ascii")
        return shutil.copytree(tiny_encoder, folder / "snapshots" / COMMIT)

    return put


@pytest.fixture
def hub(monkeypatch, cached):
    """A hub that answers with `files`, or with `error`."""
    asked = SimpleNamespace(
        files=["config.json", "tokenizer.json", "model.safetensors", "README.md"], error=None, full=None, calls=[]
    )

    class Api:
        def __init__(self, endpoint):
            asked.endpoint = endpoint

        def model_info(self, repository, **options):
            if asked.error:
                raise asked.error
            files = [SimpleNamespace(rfilename=name, size=2_000_000) for name in asked.files]
            return SimpleNamespace(siblings=files)

    def download(repository, **options):
        asked.calls.append((repository, options))
        if asked.full:
            raise asked.full
        folder = cached(repository)
        if any(fnmatch("README.md", form) for form in options["allow_patterns"]):
            (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n", "utf-8")
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return asked


def response_error(kind, message="no"):
    """An error of the Hub without the response that it usually carries."""
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    return error


def test_a_folder_is_taken_as_it_is(tiny_encoder):
    assert find_encoder(str(tiny_encoder)) == tiny_encoder


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_a_name_is_a_text(name):
    with pytest.raises(SettingError):
        find_encoder(name)


@pytest.mark.parametrize("name", ["./no", "/no/such/folder", "a/b/c", "~nobody-at-all/x"])
def test_a_missing_folder_is_told_so(name):
    with pytest.raises(ModelFolderError, match="no such folder"):
        find_encoder(name)


def test_a_file_and_an_empty_folder_are_told_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match="is a file"):
        find_encoder(str(tmp_path / "file"))
    with pytest.raises(ModelFolderError, match=r"has no config\.json"):
        find_encoder(str(tmp_path))


@pytest.mark.parametrize("name", ["two words", "a\0b", "好", "-x", "x" * 300 + "!"])
def test_what_no_name_can_be_is_unknown(name):
    with pytest.raises(UnknownNameError, match="e5-small, minilm"):
        find_encoder(name)


def test_the_cache_is_asked_before_the_hub(cached, hub):
    folder = cached("hfl/chinese-macbert-base")
    hub.error = AssertionError("the hub was asked")
    assert find_encoder("hfl/chinese-macbert-base") == folder
    assert find_encoder(f"hfl/chinese-macbert-base@{COMMIT}") == folder


def test_a_version_is_looked_up_in_the_cache(cached, hub):
    folder = cached("a/b", "refs/pr/2")
    assert find_encoder("a/b@refs/pr/2") == folder


def test_half_a_download_does_not_count(cached, hub):
    folder = cached("bert-base-chinese")
    (folder / "model.safetensors").unlink()
    assert not is_complete(folder)
    hub.error = ConnectionError("no route")
    with pytest.raises(UnavailableError):
        find_encoder("bert-base-chinese")


def test_only_safe_files_are_fetched_from_the_mirror(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    told = []
    assert is_complete(find_encoder("bert-base-chinese", message=told.append))
    ((repository, options),) = hub.calls
    assert repository == "bert-base-chinese" and hub.endpoint == options["endpoint"] == "https://mirror.example"
    assert not [form for form in options["allow_patterns"] if form.endswith((".bin", ".py", "*", ".h5"))]
    assert told == ["bert-base-chinese: is fetched from https://mirror.example, some 2 MB"]


def test_pickles_alone_are_refused_before_the_download(hub):
    hub.files = ["config.json", "vocab.txt", "pytorch_model.bin", "onnx/model.safetensors"]
    with pytest.raises(ModelFolderError, match=r"pytorch_model\.bin only.*hfl/roberta@refs/pr/1"):
        find_encoder("hfl/roberta")
    assert not hub.calls


@pytest.mark.parametrize("missing", ["tokenizer.json", "config.json"])
def test_a_repository_without_tokenizer_or_settings_is_refused_before_the_download(hub, missing):
    hub.files.remove(missing)
    with pytest.raises(ModelFolderError, match=r"a/b: has no config\.json or no tokenizer"):
        find_encoder("a/b")
    assert not hub.calls


def test_what_is_fetched_is_listed_with_its_licence(hub):
    find_encoder("a/b")
    assert {one.name: one.licence for one in list_encoders()}["a/b"] == "apache-2.0"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Data error: No space left on device (os error 28)"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_full_disk_is_no_unreachable_hub(hub, caches, error):
    hub.full = error
    with pytest.raises(OSError, match="No space left on device; free some, or let HF_HUB_CACHE name") as caught:
        find_encoder("a/b")
    assert not isinstance(caught.value, UnavailableError)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(caches / "huggingface" / "hub"))


def test_an_unreachable_hub_is_one_line_with_a_way_out(hub):
    hub.error = ConnectionError("name or service not known\nand more")
    with pytest.raises(UnavailableError) as caught:
        find_encoder("bert-base-chinese")
    line = str(caught.value)
    assert "\n" not in line and "and more" not in line
    assert all(
        part in line for part in ("cannot be reached", "HF_ENDPOINT", "e5-small (Chinese and English)", "minilm")
    )


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_nothing_is_asked(hub, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    hub.error = AssertionError("the hub was asked")
    with pytest.raises(UnavailableError, match=f"neither a folder nor in the cache, and {variable} is set"):
        find_encoder("bert-base-chinese")
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(UnavailableError, match=f"a/b is not in the cache of ModelScope, and {variable} is set"):
        find_encoder("modelscope:a/b")


def test_a_mistyped_short_name_is_guessed(hub):
    hub.error = response_error(errors.RepositoryNotFoundError)
    with pytest.raises(UnknownNameError, match="did you mean 'e5-small'"):
        find_encoder("e5-smal")
    hub.error = ConnectionError()
    with pytest.raises(UnavailableError, match="did you mean 'minilm'"):
        find_encoder("mini-lm")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (errors.RepositoryNotFoundError, "has no encoder 'a/b'"),
        (errors.GatedRepoError, "terms"),
        (errors.RevisionNotFoundError, "no such version"),
        (errors.HfHubHTTPError, "cannot be reached"),
    ],
)
def test_refusals_of_the_hub_are_told_apart(hub, kind, reason):
    hub.error = response_error(kind)
    with pytest.raises(FenleiError, match=reason):
        find_encoder("a/b")


def test_modelscope_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(MissingExtraError, match=r"fenlei\[modelscope\]"):
        find_encoder("modelscope:tiansz/bert-base-chinese")
    with pytest.raises(UnknownNameError, match="modelscope:OWNER/NAME"):
        find_encoder("modelscope:bert")


def test_modelscope_fetches_safe_files(monkeypatch, tiny_encoder):
    calls = []

    def download(repository, allow_patterns):
        calls.append((repository, allow_patterns))
        if repository == "a/none":
            raise OSError("no such model")
        if repository == "a/large":
            raise OSError(errno.ENOSPC, "No space left on device")
        return str(tiny_encoder)

    stand_in = ModuleType("modelscope")
    stand_in.snapshot_download = download
    monkeypatch.setitem(sys.modules, "modelscope", stand_in)
    assert find_encoder("modelscope:a/b") == tiny_encoder
    assert "*.bin" not in calls[0][1] and "config.json" in calls[0][1]
    with pytest.raises(UnavailableError, match="no such model; take one that needs no hub: e5-small") as caught:
        find_encoder("modelscope:a/none")
    assert "HF_ENDPOINT" not in str(caught.value)
    with pytest.raises(OSError, match="let MODELSCOPE_CACHE name"):
        find_encoder("modelscope:a/large")


def test_the_cache_of_modelscope_needs_no_package(monkeypatch, caches, tiny_encoder):
    monkeypatch.setitem(sys.modules, "modelscope", None)
    folder = shutil.copytree(tiny_encoder, caches / "modelscope" / "hub" / "models" / "Qwen" / "Qwen2___5-tiny")
    assert find_encoder("modelscope:Qwen/Qwen2.5-tiny") == folder
