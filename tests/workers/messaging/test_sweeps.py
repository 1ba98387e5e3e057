"""Flower shows a sweep only if it failed, or if it is one that shows what it found."""

from types import SimpleNamespace

import pytest

from workers.messaging.sweeps import Sweep, SweepRequest


@pytest.mark.parametrize(
    ("event", "fields", "shows_what_it_found", "shown"),
    [
        ("task-started", {}, True, False),
        ("task-succeeded", {"result": "'40 loans in 40 messages'"}, False, False),
        ("task-succeeded", {"result": "'40 loans in 40 messages'"}, True, True),
        ("task-succeeded", {"result": "'0 loans in 0 messages'"}, True, False),
        ("task-failed", {"exception": "OperationalError()"}, False, True),
        ("task-revoked", {"expired": True}, True, False),
    ],
)
def test_flower_shows_a_sweep_only_with_reason(
    event: str, fields: dict[str, object], shows_what_it_found: bool, shown: bool
) -> None:
    sent: list[str] = []
    sweep = Sweep()
    sweep.shows_what_it_found = shows_what_it_found
    request = SweepRequest.__new__(SweepRequest)
    request._task, request.id, request.name = sweep, "id", "arrears.scan.scan_portfolio"
    request._argsrepr = request._kwargsrepr = ""
    request._eventer = SimpleNamespace(enabled=True, send=lambda type, **_: sent.append(type))

    request.send_event(event, **fields)

    assert sent == (["task-received", event] if shown else [])
