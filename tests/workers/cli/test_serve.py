"""What a server cannot be started with is said before it is started."""

import os
import runpy
import socket
import sys

import pytest

from tests.support.commands import arrears
from tests.support.environment import an_environment
from workers.cli import serve


def refusal(*command: str) -> str:
    done = arrears(an_environment() | {"COLUMNS": "200"}, *command)
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize("command", ["webhook", "flower"])
def test_a_port_that_another_program_has_is_named(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 is in use" in refusal(command, f"--port={port}")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "192.0.2.1"])
def test_a_host_that_this_machine_is_not_is_refused(host: str) -> None:
    assert f"{host} is no address of this machine" in refusal("webhook", f"--host={host}")


@pytest.mark.parametrize(
    "command",
    [
        ("webhook", "--port=99999"),
        ("flower", "--port=0"),
        ("worker", "--concurrency=0"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(command: tuple[str, ...]) -> None:
    option = command[1].partition("=")[0]
    assert f"Invalid value for '{option}'" in refusal(*command)


@pytest.mark.parametrize("name", ["", "two words", "a@b", "100%q"])
def test_a_worker_s_name_is_a_word(name: str) -> None:
    assert "A worker's name is letters, digits" in refusal("worker", f"--name={name}")


@pytest.mark.parametrize("given", [None, "60"])
def test_flower_forgets_a_worker_that_is_gone_for_ten_minutes_or_as_long_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    variable = "FLOWER_PURGE_OFFLINE_WORKERS"
    found: list[str] = []
    known = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    monkeypatch.setattr(os, "environ", known | ({variable: given} if given else {}))
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(serve, "assert_broker_reachable", lambda url: None)
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: found.append(os.environ[variable]))
    serve.flower()
    assert found == [given or "600"]
