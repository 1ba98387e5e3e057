"""A Twilio on this machine, and somebody who waits for its callbacks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.twilio import TOKEN, CallbackReceiver
from workers.local.twilio_stand_in import TwilioStandIn


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    receiver = CallbackReceiver()
    thread = threading.Thread(target=receiver.serve)
    thread.start()
    yield receiver
    receiver.stop()
    thread.join()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "texts.jsonl"


@pytest.fixture
def stand_in(log: Path) -> Iterator[TwilioStandIn]:
    with TwilioStandIn(log=log, auth_token=TOKEN) as stand_in:
        yield stand_in
