"""What is written comes back; strangers' databases are refused; writers do not get in each other's way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fenlei.exceptions import DataError, FenleiError, MissingExtraError, SettingError, UnavailableError
from fenlei.monitor.records import PredictionRecord

pytest.importorskip("sqlalchemy")

from fenlei.monitor import _database
from fenlei.monitor.store import PredictionStore


def rows(store, table):
    with closing(sqlite3.connect(store.name)) as connection, connection:
        return connection.execute(f"SELECT * FROM fenlei_{table} ORDER BY id").fetchall()


def test_a_prediction_is_kept_as_facts_without_its_text(store, record):
    store.add([record("a", abstained=True, unknown=0.25, milliseconds=1.5, score=0.75)])
    assert rows(store, "predictions") == [
        ("a", 1_800_000_000_000, "shop", "v1", 5, "zh", "好评", 0.75, 1500, 0.25, 1)
    ]  # fmt: skip
    assert rows(store, "texts") == []


def test_a_text_is_kept_where_it_is_given(store, record):
    store.add([record("a", text="很\x00好\ud800"), record("b", text=""), record("c\ud800", text="好")])
    assert rows(store, "texts") == [("a", "很\ufffd好\ufffd"), ("b", ""), ("c\ufffd", "好")]


def test_an_id_that_is_there_stays_as_it_is(store, record):
    store.add([record("a"), record("b")])
    store.add([record("a", label="差评"), record("c", text="c"), record("c", text="later")])
    assert [(row[0], row[6]) for row in rows(store, "predictions")] == [(x, "好评") for x in "abc"]
    assert rows(store, "texts") == [("c", "later")]


def test_feedback_the_last_word_counts(store, record):
    store.add([record("a")])
    assert store.feedback("a", "好评", time=1.0)
    assert store.feedback("a", ["b", "a"], time=2.5)
    assert not store.feedback("nobody", "好评")
    assert not store.feedback("a' OR '1'='1", "好评")
    assert rows(store, "feedback") == [("a", 2500, '["a", "b"]')]


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_ids_have_1_to_64_characters(store, record, name):
    with pytest.raises(SettingError, match="64 characters"):
        store.add([record(name)])


def test_odd_values_are_kept(store, record):
    store.add([record("a", score=float("nan"), model="m" * 300, label="\ud800"), record("é\ud800")])
    assert store.feedback("é\ud800", "x")
    assert rows(store, "predictions")[0][7] is None
    assert {one.model for one in store.models()} == {"m" * 255, "shop"}


def test_models_are_listed_latest_first(store, record):
    store.add([record("a"), record("b", time=1_800_000_005.5), record("c", version="v2", time=1_800_000_009)])
    assert [tuple(one) for one in store.models()] == [
        ("shop", "v2", 1, 1_800_000_009.0, 1_800_000_009.0),
        ("shop", "v1", 2, 1_800_000_000.0, 1_800_000_005.5),
    ]


def test_the_first_prediction_of_a_model(store, record):
    assert store.first("shop") is None
    store.add([record("a", time=1.8e9 + 5), record("b", time=1.8e9 + 2), record("c", time=1.8e9, model="other")])
    assert store.first("shop") == 1.8e9 + 2


def test_pruning_forgets_texts_and_feedback_too_in_parts(store, record, monkeypatch):
    monkeypatch.setattr("fenlei.monitor.store._ROWS_AT_ONCE", 3)
    store.add([record(f"{i:02}", time=1000.0 + i // 2, text="t") for i in range(20)])
    for i in range(20):
        store.feedback(f"{i:02}", "x")
    assert store.prune(before=1008.0) == 16
    assert all([row[0] for row in rows(store, name)] == ["16", "17", "18", "19"] for name in TABLES)
    assert store.prune(before=1008.0) == 0


TABLES = ("predictions", "feedback", "texts")


def test_forgotten_texts_are_overwritten(store, record):
    store.add([record(f"{i}", text=f"Geheimnis Nr. {i}") for i in range(500)])
    store.prune(before=2e9)
    store.close()
    with closing(sqlite3.connect(store.name)) as connection, connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Geheimnis" not in Path(store.name).read_bytes()


def make_foreign(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")


def make_half(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE fenlei_predictions (id INTEGER)")


def make_newer(path):
    PredictionStore(str(path)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE fenlei_schema SET version = 7")


def make_damaged(path):
    path.write_bytes(b"no database, but long enough to look like something else " * 100)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_foreign, "is a database of something else"),
        (make_half, "is a database of something else"),
        (make_newer, "layout version 7, this fenlei reads 1"),
        (make_damaged, "is not a database"),
        (lambda path: path.mkdir(), "is a folder"),
    ],
    ids=["foreign", "half", "newer", "damaged", "folder"],
)
@pytest.mark.parametrize("create", [True, False])
def test_what_is_not_ours_is_refused_in_one_line(tmp_path, make, words, create):
    path = tmp_path / "some.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(DataError, match=words) as error:
        PredictionStore(str(path), create=create)
    assert before is None or path.read_bytes() == before
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_reading_makes_no_file(tmp_path):
    with pytest.raises(DataError, match="no such database"):
        PredictionStore(str(tmp_path / "none.db"), create=False)
    (tmp_path / "empty.db").touch()
    with pytest.raises(DataError, match="something else"):
        PredictionStore(str(tmp_path / "empty.db"), create=False)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
    with pytest.raises(DataError, match="does not exist"):
        PredictionStore(str(tmp_path / "none" / "some.db"))


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("://x", SettingError, "not a database"),
        ("nosuch://x/y", SettingError, "no database of this kind"),
        ("postgresql+psycopg://me:Secret1@h/d", MissingExtraError, "psycopg"),
    ],
)
def test_bad_urls(url, error, words, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(error, match=words) as caught:
        PredictionStore(url)
    assert "Secret1" not in str(caught.value)


def test_a_database_in_memory_is_one_for_all_threads(record):
    with PredictionStore("sqlite://") as store:
        run_together([lambda i=i: store.add([record(f"{i}")]) for i in range(8)])
        assert store.models()[0].n == 8


def test_a_url_is_as_good_as_a_file(tmp_path, record):
    with PredictionStore(f"sqlite:///{tmp_path}/a.db") as store:
        store.add([record("a")])
    with PredictionStore(str(tmp_path / "a.db"), create=False) as store:
        assert store.models()[0].n == 1


def run_together(works):
    errors = []

    def run(work):
        try:
            work()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_threads_write_at_once(store, record):
    def work(name):
        for i in range(10):
            store.add([record(f"{name}-{i}-{k}") for k in range(5)])
            assert store.feedback(f"{name}-{i}-0", "差评")

    run_together([lambda name=name: work(name) for name in "abcd"])
    assert store.models()[0].n == 200
    assert len(rows(store, "feedback")) == 40


WRITER = """
import sys
from fenlei.monitor.store import PredictionStore
from fenlei.monitor.records import PredictionRecord
with PredictionStore(sys.argv[1]) as store:
    for i in range(30):
        store.add([PredictionRecord(f"{sys.argv[2]}-{i}", 1.8e9, "m", "v", 1, "zh", "x", 0.5, 1.0)])
"""


def test_processes_open_a_new_file_and_write_at_once(tmp_path):
    path = str(tmp_path / "new.db")
    running = [subprocess.Popen([sys.executable, "-c", WRITER, path, name], stderr=subprocess.PIPE) for name in "abc"]
    for process in running:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()
    with PredictionStore(path) as store:
        assert store.models()[0].n == 90


def test_a_locked_database_is_unavailable(tmp_path, record, monkeypatch):
    monkeypatch.setattr(_database, "_BUSY_SECONDS", 0.05)
    with PredictionStore(str(tmp_path / "a.db")) as store:
        other = sqlite3.connect(store.name)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="locked"):
            store.add([record("a")])
        with pytest.raises(UnavailableError, match="locked"):
            store.feedback("a", "x")
        assert store.models() == []  # reading goes on
        other.close()
        store.add([record("a")])
        assert store.models()[0].n == 1


def test_a_full_disk_is_unavailable_and_values_stay_out_of_the_message(store, record):
    with store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    from sqlalchemy import event

    store._engine.dispose()
    event.listen(store._engine, "connect", lambda made, _: made.execute(f"PRAGMA max_page_count = {pages}").close())
    with pytest.raises(UnavailableError, match="full") as error:
        store.add([record(f"{i}", text="秘密" * 1000) for i in range(50)])
    assert "秘密" not in str(error.value)
    assert store.models() == []


def test_an_error_of_the_database_is_ours(store, record):
    with closing(sqlite3.connect(store.name)) as connection, connection:
        connection.execute("DROP TABLE fenlei_feedback")
    store.add([record("a")])
    with pytest.raises(FenleiError, match="fenlei_feedback") as error:
        store.feedback("a", "秘密")
    assert "秘密" not in str(error.value)


def test_records_are_plain_and_frozen():
    record = PredictionRecord("a", 1.0, "m", "v", 1, "zh", "x", 0.5, 1.0)
    with pytest.raises(AttributeError):
        record.label = "y"
    assert replace(record, label="y").label == "y"
