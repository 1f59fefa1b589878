"""Who has no key gets in nowhere but where there is nothing to protect."""

from __future__ import annotations

import pytest

from fenlei.exceptions import SettingError
from fenlei.serve.settings import read_keys

KEYS = ("0123456789abcdef", "fedcba9876543210")
BODY = {"input": "a"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": f"Bearer {KEYS[0]}"}, 200),
        ({"authorization": f"bearer {KEYS[1]}"}, 200),
        ({"x-api-key": KEYS[1]}, 200),
        ({"x-api-key": KEYS[1][:-1]}, 401),
        ({"x-api-key": KEYS[1] + "0"}, 401),
        ({"x-api-key": ""}, 401),
        ({"authorization": f"Basic {KEYS[0]}"}, 401),
        ({"authorization": KEYS[0]}, 401),
    ],
)
def test_a_key_opens(serving, toys, run, headers, status):
    async def work():
        async with serving(toys.ToyClassifier(), keys=KEYS) as one:
            answer = await one.post("/predict", BODY, headers=headers)
            assert answer.status_code == status
            if status == 401:
                assert answer.json()["error"]["code"] == "no_key"
                assert answer.headers["www-authenticate"] == "Bearer"

    run(work())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200), ("/ready", 200), ("/docs", 200), ("/openapi.json", 200), ("/v2/health/live", 200),
        ("/metrics", 401), ("/v1/models", 401), ("/v1/monitor", 401), ("/v2", 401), ("/nothing", 401),
        ("/page/../v1/models", 401), ("/page/%2e%2e/v1/models", 404),
    ],
)  # fmt: skip
def test_what_is_open(serving, toys, run, path, status):
    async def work():
        async with serving(toys.ToyClassifier(), keys=KEYS) as one:
            assert (await one.get(path)).status_code == status

    run(work())


def test_the_file_of_keys(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# ours\n\n{KEYS[0]}\n  {KEYS[1]}  \n")
    assert read_keys(file) == list(KEYS)
    for content in ("", "# none\n", "short\n", "密钥密钥密钥密钥密钥密钥密钥密钥密钥\n"):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(SettingError, match="key"):
            read_keys(file)
    with pytest.raises(SettingError, match="cannot be read"):
        read_keys(tmp_path / "none")
