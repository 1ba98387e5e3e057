"""The demo as anybody runs it: one day of a real loan book, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import alive, descendants, happens

pytestmark = pytest.mark.timeout(240)

DEMO = [sys.executable, "-c", "from workers.cli.main import main; main()", "demo"]
THE_DAY_HAS_BEGUN = "The morning's work is done."


class Demo:
    """A demo that runs, and what it said so far."""

    def __init__(self, temporary: Path, *arguments: str) -> None:
        own = ("DATABASE_URL", "REDIS_URL")
        environment = {name: value for name, value in os.environ.items() if name not in own}
        self.process = subprocess.Popen(
            [*DEMO, *arguments],
            cwd=Path(__file__).parents[4],
            env=environment | {"TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)

    def has_said(self, words: str) -> bool:
        return any(words in line for line in self.said)

    def output(self) -> str:
        """All of its stdout, when it has ended."""
        assert self.process.stdout is not None
        written = self.process.stdout.read()
        self.process.wait(timeout=60)
        return written


@pytest.fixture
def temporary() -> Iterator[Path]:
    # Not pytest's own: run by root, the servers use an account that could not get there.
    with tempfile.TemporaryDirectory(prefix="arrears-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def run(temporary: Path) -> Iterator[list[Demo]]:
    """Demos that a test has started; those it has not seen end are ended."""
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(timeout=60)
        for stream in (demo.process.stdout, demo.process.stderr):
            if stream is not None:
                stream.close()


def test_the_demo_takes_a_real_book_through_a_day(temporary: Path, run: list[Demo]) -> None:
    began = time.monotonic()
    demo = Demo(temporary, "--json")
    run.append(demo)
    assert happens(lambda: demo.has_said(THE_DAY_HAS_BEGUN), within=150), demo.said
    started = descendants(demo.process.pid)

    told = json.loads(demo.output())

    assert demo.process.returncode == 0, demo.said
    assert told["loans"] == 400
    assert told["decisions"] >= told["due"] >= 12 + 25 + 15 + 12
    assert told["sms_sent"] >= 12
    assert told["receipts"] == 2 * told["sms_sent"]
    assert told["calls_assigned"] >= 25
    assert told["visits_scheduled"] >= 15
    assert told["legal_files_opened"] >= 5
    assert told["deferred"] > told["waiting"] > 0  # the west's texts had to wait, and then went out
    assert told["barred"] == 1  # the number that has opted out
    assert told["cancelled"] >= 1  # what the payment made needless
    assert told["skipped"] > told["due"]  # most loans came in beyond the first steps of the ladder
    assert told["agreement"] == 1.0
    assert 1 < told["seconds"] < time.monotonic() - began
    assert (told["failed"], told["unexplained"], told["duplicates"]) == (0, 0, 0)
    done = [
        told_value["statuses"].get("done", 0)
        for told_value in told["steps"]
        if told_value["action_type"] == "send_sms"
    ]
    assert sum(done) == told["sms_sent"]
    skipped = [
        told_value["actions"] for told_value in told["reasons"] if told_value["status"] == "skipped"
    ]
    assert sum(skipped) == told["skipped"]
    assert demo.has_said("Where to look next")
    assert len(started) >= 14  # seven servers and processes, each under its watchdog
    assert happens(lambda: not alive(started))
    assert list(temporary.iterdir()) == []


def test_a_demo_that_is_stopped_half_way_leaves_nothing(temporary: Path, run: list[Demo]) -> None:
    demo = Demo(temporary)
    run.append(demo)
    assert happens(lambda: demo.has_said(THE_DAY_HAS_BEGUN), within=150), demo.said
    started = descendants(demo.process.pid)

    demo.process.send_signal(signal.SIGTERM)

    assert demo.output() == ""
    assert demo.process.returncode == 128 + signal.SIGTERM
    assert len(started) >= 14
    assert happens(lambda: not alive(started))
    assert list(temporary.iterdir()) == []
