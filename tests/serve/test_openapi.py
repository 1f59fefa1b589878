"""Requests drawn from the service's own description, right and wrong ones: none is answered with 5xx or undescribed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

schemathesis = pytest.importorskip("schemathesis", reason="draws the requests")

from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import (  # noqa: E402
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 15


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    pytest.importorskip("sqlalchemy", reason="the monitor needs sqlalchemy")
    database = tmp_path_factory.mktemp("monitor") / "monitor.db"
    command = [sys.executable, str(Path(__file__).with_name("toys.py")), "0", "5", str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        base = process.stdout.readline().strip()
        yield schemathesis.openapi.from_url(f"{base}/openapi.json", wait_for_schema=20)
        process.kill()


@pytest.fixture(scope="module")
def prediction(schema):
    """The id of a prediction that the monitor knows."""
    case = schema["/predict"]["POST"].Case(body={"input": "a"}, media_type="application/json")
    return case.call(timeout=10).json()["id"]


def operations(schema):
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name)
def test_every_answer_is_as_described(schema, prediction, mode):
    checked = operations(schema)
    assert len(checked) == 19
    for operation in checked:
        if operation.body or operation.query or mode is GenerationMode.POSITIVE:  # nothing else can be wrong
            check(operation, mode, prediction)


def check(operation, mode, prediction):
    """Half of the requests name what there is: else nearly all would end at an unknown name."""
    known = {"name": "toy", "version": "v1"}
    asked = {"/v1/table": {"name": "a.csv"}, "/v1/monitor": {"model": "toy"}}.get(operation.path, {})
    told = {"/feedback": {"id": prediction}}.get(operation.path, {})
    statuses = set()

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def one(case, is_known):
        if is_known:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
            case.query = {**(case.query or {}), **asked}
            case.body = {**case.body, **told} if isinstance(case.body, dict) else case.body
        answer = case.call(timeout=10)
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    one()
    if mode is GenerationMode.POSITIVE and (asked or told):
        assert 200 in statuses


def test_every_request_has_an_example_that_works(schema):
    for operation in operations(schema):
        for media in operation.definition.raw.get("requestBody", {}).get("content", {}).values():
            if "$ref" not in media["schema"]:
                continue
            name = media["schema"]["$ref"].rpartition("/")[2]
            examples = schema.raw_schema["components"]["schemas"][name]["examples"]
            assert examples
            for example in examples:
                model = {"name": "toy"} if "{name}" in operation.path else {}
                version = {"version": "v1"} if "{version}" in operation.path else {}
                case = operation.Case(body=example, path_parameters=model | version, media_type="application/json")
                answer = case.call(timeout=10)
                assert answer.status_code == (404 if operation.path == "/feedback" else 200)  # of no prediction here
