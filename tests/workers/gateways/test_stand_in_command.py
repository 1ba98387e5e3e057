"""The stand-in as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.twilio import TOKEN, CallbackReceiver, a_text, gateway_to
from workers.gateways.sms import SendOutcome

ROOT = Path(__file__).parents[3]


def command(log: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workers.local.twilio_stand_in", "--port", "0", "--log", str(log)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_serves_until_it_is_told_to_stop(log: Path, receiver: CallbackReceiver) -> None:
    with command(log, ARREARS_STAND_IN_TOKEN=TOKEN) as process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None
        assert gateway_to(found[0], receiver).send(a_text()).outcome is SendOutcome.ACCEPTED
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=10)
    assert (process.returncode, complaints) == (0, "")
    assert len([json.loads(line) for line in log.read_text().splitlines()]) == 1


def test_without_a_token_it_says_what_to_do(log: Path) -> None:
    with command(log) as process:
        _, complaints = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "ARREARS_STAND_IN_TOKEN is not set." in complaints
