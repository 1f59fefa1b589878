"""The docs are complete, agree with the program and with one another, and every link leads somewhere."""

from __future__ import annotations

import importlib.util
import inspect
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fenlei.cli.main import cli
from fenlei.families import family_names, find_family

ROOT = Path(__file__).parents[2]
READMES = (ROOT / "README.md", ROOT / "README.zh.md")
PAGES = sorted([*READMES, ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")])
COMMANDS = cli.list_commands(click.Context(cli))
SHARED = {"--text", "--label", "--separator", "--encoding", "--format", "--delimiter"}  # explained in read.md
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def command_of(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def settings() -> Iterator[tuple[str, str]]:
    for family in family_names():
        for name in inspect.signature(find_family(family)).parameters:
            yield family, name


@pytest.fixture(scope="module")
def pages():
    """What docs/generate.py would write, by file name."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: make() for name, make in module.PAGES.items()}


@pytest.mark.parametrize("name", ["cli.md", "settings.md"])
def test_generated_pages_are_current(pages, name):
    """White space aside, since versions of click wrap lines differently; if this fails, run `make docs`."""
    assert text_of(f"docs/{name}").split() == pages[name].split()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_guide_that_is_linked(name):
    assert f"fenlei {name}" in text_of(f"docs/{name}.md")
    assert f"({name}.md)" in text_of("docs/index.md")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_in_its_guide(name):
    guide, read = text_of(f"docs/{name}.md"), text_of("docs/read.md")
    for parameter in command_of(name).params:
        if not isinstance(parameter, click.Option):
            continue
        for option in (*parameter.opts, *parameter.secondary_opts):
            positive = parameter.secondary_opts and option in parameter.opts  # --audit is told by --no-audit
            explained = option in guide or (option in SHARED and f"{option[2:]}=" in read)
            assert explained or positive, f"docs/{name}.md does not tell of {option}"


def test_every_option_of_the_guides_exists():
    known = {
        option for name in COMMANDS for parameter in command_of(name).params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }  # fmt: skip
    known |= {"--help", "--version"}
    for script in (ROOT / "benchmarks").glob("*.py"):
        known |= set(re.findall(r'add_argument\(\s*"(--[a-z-]+)"', script.read_text(encoding="utf-8")))
    foreign = {"--index-url", "--nproc-per-node", "--build", "--build-arg"}  # of pip, torchrun and docker
    for page in PAGES:
        told = set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", page.read_text(encoding="utf-8")))
        assert told <= known | foreign, (page.name, told - known - foreign)


@pytest.mark.parametrize(("family", "setting"), list(settings()))
def test_every_setting_is_in_the_table_of_its_family(family, setting):
    table = text_of("docs/settings.md").split(f"\n## {family}\n")[1].split("\n## ")[0]
    assert f"\n| `{setting}` | " in table


@pytest.mark.parametrize("family", family_names())
def test_every_family_is_in_the_readmes_and_the_index(family):
    assert all(f"[{family}](docs/{family}.md)" in readme.read_text(encoding="utf-8") for readme in READMES)
    assert f"({family}.md)" in text_of("docs/index.md")


def test_every_guide_is_linked_from_the_index():
    reached = set(_LINK.findall(text_of("docs/index.md")))
    linked = {target.partition("#")[0] for target in reached}
    assert {page.name for page in ROOT.glob("docs/*.md")} - {"index.md"} <= linked


def test_every_dependency_is_justified():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    page = text_of("docs/dependencies.md")
    for requirement in (*project["dependencies"], *(one for extra in extras.values() for one in extra)):
        name = re.match(r"[\w-]+", requirement)[0]
        assert name == "fenlei" or name in page, f"docs/dependencies.md does not justify {name}"
    assert all(f"`{extra}`" in page for extra in extras)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page):
    for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.is_file(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(aim), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_no_path_of_a_machine(page):
    told = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])(/work|/tmp|/root|/home|/Users)/|\.\./shared|[A-Z]:\\\\", told)


def test_readmes_run_the_same_commands():
    english, chinese = (commands(readme) for readme in READMES)
    assert english and english == chinese


def commands(page: Path) -> list[str]:
    blocks = [block for _, block in _FENCE.findall(page.read_text(encoding="utf-8"))]
    lines = (re.sub(r"\s+#.*| {2}# .*", "", line) for block in blocks for line in block.splitlines())
    return [re.sub(r"\s+", " ", line).strip() for line in lines if line.strip()]


def test_readmes_quote_the_same_numbers():
    english, chinese = (numbers(readme) for readme in READMES)
    assert english == chinese


def numbers(page: Path) -> Counter[str]:
    """Count figures with a decimal point, a comma or a per cent sign, wherever they stand."""
    told = page.read_text(encoding="utf-8")
    return Counter(re.findall(r"\d+[.,][\d.,]*\d|\d+(?= ?%)", told))


def test_pictures_are_small_enough():
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert {"report.png", "report.zh.png"} <= {picture.name for picture in pictures}
    assert all(picture.stat().st_size < 400_000 for picture in pictures)
