"""A real PostgreSQL server keeps what SQLite keeps, and its loss is one plain line. Skipped where none is installed."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from fenlei.exceptions import DataError, SettingError, UnavailableError

pytest.importorskip("sqlalchemy")

from fenlei.cli.monitor import monitor_command
from fenlei.monitor.store import PredictionStore
from fenlei.monitor.summary import summarize

psycopg = pytest.importorskip("psycopg", reason="the driver of PostgreSQL")
pytestmark = pytest.mark.xdist_group("postgresql")  # one server for all

START, HOUR = 1_799_996_400.0, 3600.0
_TOOLS = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin"), Path("/usr/bin")]


class Server:
    """A server in a folder of its own, reached by a socket in it."""

    def __init__(self, tools):
        self.tools = tools
        self.folder = Path(tempfile.mkdtemp(prefix="fenlei-postgresql-"))
        self.user = "postgres" if os.getuid() == 0 else None  # root may not run it
        if self.user:
            shutil.chown(self.folder, self.user)
        self.run("initdb", "-A", "trust", "-U", "fenlei", "-E", "UTF8", "--no-sync")
        self.start()

    def run(self, tool, *arguments):
        command = [self.tools / tool, "-D", self.folder / "data", *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/", user=self.user)

    def start(self):
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        self.run("pg_ctl", "start", "-w", "-o", options, "-l", self.folder / "log")

    def stop(self):
        self.run("pg_ctl", "stop", "-w", "-m", "immediate")

    def database(self, name):
        with psycopg.connect(f"host={self.folder} user=fenlei dbname=postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://fenlei@/{name}?host={self.folder}"


@pytest.fixture(scope="module")
def server():
    tools = next((folder for folder in _TOOLS if (folder / "initdb").exists()), None)
    if tools is None:
        pytest.skip("there is no PostgreSQL to run")
    made = Server(tools)
    yield made
    made.stop()
    shutil.rmtree(made.folder)


@pytest.fixture
def url(server, request):
    return server.database(request.node.name[:60])


@pytest.fixture
def other(url):
    with PredictionStore(url) as opened:
        yield opened


def plain(summary):
    """Round as both databases can: they add the scores in another order."""
    return json.loads(json.dumps(summary.to_dict()), parse_float=lambda number: round(float(number), 9))


def test_it_answers_as_sqlite_does(store, other, records, reference):
    records = [replace(one, score=one.score if i % 7 else math.nan) for i, one in enumerate(records)]
    told = []
    for kept in (store, other):
        kept.add(records[:700])
        kept.add(records[600:])
        for i in range(0, 400, 3):
            assert kept.feedback(f"{i}", "差评" if i % 2 else ["好评"], time=START + i)
            assert kept.feedback(f"{i}", "好评", time=START + i + 1)
        assert not kept.feedback("x' OR '1'='1", "好评")
        asked = {"since": START, "until": START + 4 * HOUR, "window": HOUR}
        told.append([
            plain(summarize(kept, reference, **asked)),
            plain(summarize(kept, None, model="a", since=START + HOUR, until=START + 3 * HOUR, window=HOUR / 4)),
            kept.models(), kept.first("a"), kept.first("none"),
            kept.prune(before=START + 2 * HOUR), kept.models(), kept.prune(before=START), kept.first("b"),
            plain(summarize(kept, reference, **asked)),
        ])  # fmt: skip
    assert told[0] == told[1]
    assert told[0][5] == 600


def test_odd_values_are_kept(store, other, record):
    odd = [
        record("a", text="很\0好\ud800", label="\ud800", model="m" * 300),
        record("é\ud800", text="", score=float("inf")),
        record("c", label=json.dumps(["}", "\0"]), length=0, unknown=1.0),
    ]
    tables = {"predictions": "id, model, label, length", "texts": "*", "feedback": "id, label"}
    found = []
    for kept in (store, other):
        kept.add([*odd, *odd])
        assert kept.feedback("é\ud800", ["\0", "b"])
        with pytest.raises(SettingError, match="64 characters"):
            kept.add([record("x" * 65)])
        with kept.reading() as connection:
            found.append([
                sorted(map(tuple, connection.exec_driver_sql(f"SELECT {columns} FROM fenlei_{table}").fetchall()))
                for table, columns in tables.items()
            ])  # fmt: skip
    assert found[0] == found[1]
    assert len(found[0][0]) == 3


def test_many_open_a_new_database_and_write_at_once(url, record):
    errors = []

    def work(name):
        try:
            with PredictionStore(url) as kept:
                for i in range(10):
                    kept.add([record(f"{name}-{i}-{k}") for k in range(5)] + [record(f"shared-{i}")])
                    assert kept.feedback(f"{name}-{i}-0", "差评")
                    assert kept.feedback(f"shared-{i}", name)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with PredictionStore(url, create=False) as kept:
        assert kept.models()[0].n == 210
        assert summarize(kept, None).accuracy.n == 50


def test_it_may_hold_tables_of_others_and_must_be_of_this_layout(url):
    def run(words):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(words)

    run("CREATE TABLE orders (id int)")
    with pytest.raises(DataError, match="something else"):
        PredictionStore(url, create=False)
    PredictionStore(url).close()
    run("UPDATE fenlei_schema SET version = 99")
    with pytest.raises(DataError, match="layout version 99"):
        PredictionStore(url)
    run("DROP TABLE fenlei_schema")
    with pytest.raises(DataError, match="something else"):
        PredictionStore(url)


def test_the_command_reads_it(url, records):
    with PredictionStore(url) as kept:
        kept.add([replace(one, score=0.5) for one in records])
    told = CliRunner().invoke(monitor_command, [url, "--model", "a", "--since", "2027-01-01", "--json"])
    assert told.exit_code == 0, told.output
    (found,) = json.loads(told.stdout)["models"]
    assert (found["model"], found["n"]) == ("a", 600)
    assert CliRunner().invoke(monitor_command, [url, "--since", "2027-01-01"]).exit_code == 0


def test_a_server_that_is_away_and_comes_back(server, other, record):
    other.add([record("a", text="秘密")])
    server.stop()
    try:
        for work in (lambda: other.add([record("b", text="秘密")]), lambda: other.feedback("a", "秘密"), other.models):
            with pytest.raises(UnavailableError) as caught:
                work()
            assert "秘密" not in str(caught.value)
            assert "\n" not in str(caught.value)
        with pytest.raises(UnavailableError):
            PredictionStore(other._engine.url.render_as_string())
    finally:
        server.start()
    other.add([record("b")])
    assert [count.n for count in other.models()] == [2]


def test_no_such_database_or_user(server):
    with pytest.raises(UnavailableError, match="does not exist"):
        PredictionStore(f"postgresql+psycopg://fenlei:Secret1@/none?host={server.folder}")
    with pytest.raises(UnavailableError, match="does not exist") as caught:
        PredictionStore(f"postgresql+psycopg://stranger:Secret1@/postgres?host={server.folder}")
    assert "Secret1" not in str(caught.value)
