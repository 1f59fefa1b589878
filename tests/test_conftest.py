from __future__ import annotations

import socket

import pytest


def test_no_test_can_leave_this_machine() -> None:
    with socket.socket() as outside, pytest.raises(RuntimeError, match="without a network"):
        outside.connect(("192.0.2.1", 80))  # an address kept for documentation


def test_servers_on_this_machine_can_be_reached() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        client.connect(server.getsockname())
