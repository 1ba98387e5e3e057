"""The simulated providers as processes of their own."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.support import tencent
from tests.support.processes import ending_with_us
from tests.support.twilio import TOKEN, CallbackReceiver, a_text, gateway_to
from workers.sms.providers.port import SendOutcome

ROOT = Path(__file__).parents[4]


def command(
    log: Path, *options: str, provider: str = "twilio", **environment: str
) -> subprocess.Popen[str]:
    module = f"workers.simulator.providers.{provider}"
    return subprocess.Popen(
        ending_with_us(sys.executable, "-m", module, "--port", "0", "--log", str(log), *options),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def url_of(process: subprocess.Popen[str]) -> str:
    """The address on which the simulated provider says that it listens."""
    assert process.stdout is not None
    found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
    assert found is not None
    return found[0]


def test_it_serves_until_it_gets_sigterm(log: Path, receiver: CallbackReceiver) -> None:
    with command(log, ARREARS_SIMULATOR_TOKEN=TOKEN) as process:
        url = url_of(process)
        assert gateway_to(url, receiver).send(a_text()).outcome is SendOutcome.ACCEPTED
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=10)
    assert (process.returncode, stderr) == (0, "")
    assert len([json.loads(line) for line in log.read_text().splitlines()]) == 1


def test_without_a_token_it_says_what_to_do(log: Path) -> None:
    with command(log) as process:
        _, stderr = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "ARREARS_SIMULATOR_TOKEN is not set." in stderr


def test_what_was_accepted_outlives_a_killed_provider(
    log: Path, receiver: CallbackReceiver
) -> None:
    started_at = datetime.now(UTC)
    text = a_text()
    with command(log, ARREARS_SIMULATOR_TOKEN=TOKEN) as process:
        sent = gateway_to(url_of(process), receiver).send(text)
        process.kill()
    assert [json.loads(line)["sid"] for line in log.read_text().splitlines()] == [sent.sid]
    with command(log, ARREARS_SIMULATOR_TOKEN=TOKEN) as process:
        assert gateway_to(url_of(process), receiver).find(text, since=started_at) == (sent.sid,)
        process.send_signal(signal.SIGTERM)


def test_faults_are_an_option(log: Path, receiver: CallbackReceiver) -> None:
    with command(log, "--faults=too_many_requests=1", ARREARS_SIMULATOR_TOKEN=TOKEN) as process:
        result = gateway_to(url_of(process), receiver).send(a_text())
        process.send_signal(signal.SIGTERM)
    assert result.outcome is SendOutcome.NOT_SENT


def test_a_fault_that_does_not_exist_is_refused(log: Path) -> None:
    with command(log, "--faults=sillence=1", ARREARS_SIMULATOR_TOKEN=TOKEN) as process:
        _, stderr = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "sillence is not a fault" in stderr


def test_tencent_cloud_is_simulated_too(log: Path) -> None:
    template = f"--template={tencent.TEMPLATE_ID}:1"
    with command(log, template, provider="tencent", ARREARS_SIMULATOR_TOKEN=tencent.KEY) as process:
        result = tencent.gateway_to(url_of(process)).send(a_text())
        process.send_signal(signal.SIGTERM)
    assert result.outcome is SendOutcome.ACCEPTED
    assert json.loads(log.read_text())["body"] == f"{tencent.TEMPLATE_ID}|Please call us."
