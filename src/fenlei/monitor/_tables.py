"""The tables of a monitor database.

Times are whole milliseconds and latencies whole microseconds, so that every database divides and compares them alike.
Texts have a table of their own: where they are kept, counting must not wade through them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

SCHEMA = 1
LONGEST_ID, LONGEST_NAME = 64, 255

METADATA = MetaData()
SCHEMAS = Table(
    "fenlei_schema", METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)  # fmt: skip
PREDICTIONS = Table(
    "fenlei_predictions", METADATA,
    Column("id", String(LONGEST_ID), primary_key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("model", String(LONGEST_NAME), nullable=False),
    Column("version", String(LONGEST_NAME), nullable=False),
    Column("length", Integer, nullable=False),
    Column("language", String(16), nullable=False),
    Column("label", Text, nullable=False),
    Column("score", Float(53)),
    Column("latency_us", BigInteger, nullable=False),
    Column("unknown", Float(53)),
    Column("abstained", Boolean),
    Index("fenlei_predictions_time", "time_ms"),
    Index("fenlei_predictions_model", "model", "version", "time_ms"),
)  # fmt: skip
FEEDBACK = Table(
    "fenlei_feedback", METADATA,
    Column("id", String(LONGEST_ID), primary_key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
)  # fmt: skip
TEXTS = Table(
    "fenlei_texts", METADATA,
    Column("id", String(LONGEST_ID), primary_key=True),
    Column("text", Text, nullable=False),
)  # fmt: skip
