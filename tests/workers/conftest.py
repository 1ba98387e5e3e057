"""The providers on this machine, and somebody who waits for their callbacks."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tencent
from tests.support.twilio import TOKEN, CallbackReceiver
from workers.simulator.providers.tencent import SimulatedTencent
from workers.simulator.providers.twilio import SimulatedTwilio


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
def simulated_twilio(log: Path) -> Iterator[SimulatedTwilio]:
    with SimulatedTwilio(log=log, auth_token=TOKEN) as twilio:
        yield twilio


@pytest.fixture
def simulated_tencent(log: Path, receiver: CallbackReceiver) -> Iterator[SimulatedTencent]:
    with SimulatedTencent(
        log=log,
        secret_key=tencent.KEY,
        templates=tencent.VALUES_OF,
        status_url=f"{receiver.base}/webhooks/tencent/word/status",
    ) as provider:
        yield provider


@pytest.fixture
def closed_port() -> Iterator[str]:
    # Bound but not listening: nobody else can take the port, and every connection is refused.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
