"""Open a monitor database: SQLite as a file that many may write to, or any other that SQLAlchemy knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from fenlei.exceptions import DataError, MissingExtraError, SettingError, UnavailableError
from fenlei.monitor._tables import METADATA, SCHEMA, SCHEMAS

_BUSY_SECONDS = 10
_OF_THE_FILE = "PRAGMA journal_mode = WAL"  # readers do not wait for the writer
_OF_A_CONNECTION = (
    "PRAGMA synchronous = NORMAL",  # a crash of the machine may lose the last moments, and damages nothing
    "PRAGMA secure_delete = ON",  # what is forgotten is overwritten
    "PRAGMA cache_size = -65536",  # KiB
    "PRAGMA temp_store = MEMORY",
)


def open_engine(url: str, *, create: bool) -> tuple[Engine, str]:
    """Connect and check that the database is ours; give the engine, and its name for messages, without a password.

    Raises
    ------
    SettingError
        When the URL is none.
    DataError
        When it is a database of another program, or of another version, or none at all.
    MissingExtraError
        When the driver is not installed.
    UnavailableError
        When it cannot be reached.
    """
    place = _as_url(url)
    is_file = place.get_backend_name() == "sqlite" and _is_on_disk(place)
    name = str(place.database) if is_file else place.render_as_string(hide_password=True)
    if is_file:
        _check_file(Path(str(place.database)), create=create)
    engine = _make_engine(place, name)
    try:
        with plain_errors(name):
            _prepare(engine, name, create=create)
    except BaseException:
        engine.dispose()
        raise
    return engine, name


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """Turn the database's errors into ours, one line without SQL and values: those may hold what users wrote.

    A database that is locked, full, away or read-only is unavailable; other errors stay, however often one asks. That
    a row is there already is for the caller to handle.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (OperationalError, InterfaceError, InternalError, PoolTimeoutError) as error:
        raise UnavailableError(f"{name}: {_reason(error)}") from error
    except DatabaseError as error:
        raise DataError(_reason(error), source=name) from error
    except SQLAlchemyError as error:
        raise DataError(f"the database does not take this: {type(error).__name__}", source=name) from error


def _reason(error: SQLAlchemyError) -> str:
    """Say what the driver says: its first line."""
    cause = getattr(error, "orig", None) or error
    if "not a database" in str(cause):
        return "is not a database; give one that `fenlei serve --monitor` wrote"
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]


def _as_url(url: str) -> URL:
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        return make_url(url)
    except ArgumentError as error:
        raise SettingError("not a database: give a file, or a URL such as postgresql://user@host/name") from error


def _is_on_disk(place: URL) -> bool:
    database = place.database
    return database not in (None, "", ":memory:") and not str(database).startswith("file:")


def _check_file(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise DataError("is a folder; give the file of the database", source=str(path))
    if not create and not path.exists():
        raise DataError("no such database; give the one that `fenlei serve --monitor` writes", source=str(path))
    if not path.parent.is_dir():
        raise DataError(f"the folder {path.parent} does not exist", source=str(path))


def _make_engine(place: URL, name: str) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True}
    is_sqlite = place.get_backend_name() == "sqlite"
    if is_sqlite:
        options |= {"connect_args": {"timeout": _BUSY_SECONDS, "check_same_thread": False}}
        if not _is_on_disk(place):  # one connection, which is the database, for all threads in turn
            options |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": _BUSY_SECONDS}
    else:
        options["pool_pre_ping"] = True
    try:
        engine = create_engine(place, **options)
    except NoSuchModuleError as error:
        raise SettingError(f"{name}: SQLAlchemy knows no database of this kind") from error
    except ImportError as error:
        raise MissingExtraError(f"{name}: needs the Python package {error.name!r}, the driver; install it") from error
    if is_sqlite:
        event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    try:
        for pragma in _OF_A_CONNECTION:
            cursor.execute(pragma)
    finally:
        cursor.close()


def _prepare(engine: Engine, name: str, *, create: bool) -> None:
    with engine.connect() as connection:
        found = set(inspect(connection).get_table_names())
    if SCHEMAS.name not in found:
        _check_empty(engine, found, name, create=create)
        _create(engine)
    with engine.connect() as connection:
        _check_version(connection, name)
        if engine.dialect.name == "sqlite":  # only now, lest a file that is refused has been changed
            connection.exec_driver_sql(_OF_THE_FILE)


def _check_empty(engine: Engine, found: set[str], name: str, *, create: bool) -> None:
    """Refuse a file with other tables; a server's database may hold those of others, beside ours."""
    if not create or found & METADATA.tables.keys() or (found and engine.dialect.name == "sqlite"):
        raise DataError(
            "is a database of something else; give one that `fenlei serve --monitor` wrote, or a new one", source=name
        )


def _create(engine: Engine) -> None:
    """Make the tables, all or none; of processes that start at once, those that come second find them there."""
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":  # whose driver puts no transaction around tables by itself
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            METADATA.create_all(connection)
            if connection.execute(select(SCHEMAS.c.version)).first() is None:
                connection.execute(SCHEMAS.insert().values(number=1, version=SCHEMA))
    except (IntegrityError, ProgrammingError):
        if SCHEMAS.name not in inspect(engine).get_table_names():
            raise


def _check_version(connection: Connection, name: str) -> None:
    version = connection.execute(select(SCHEMAS.c.version)).scalar()
    if version != SCHEMA:
        raise DataError(
            f"the database has the layout version {version}, this fenlei reads {SCHEMA}; "
            "use the fenlei that wrote it, or give a new file",
            source=name,
        )
