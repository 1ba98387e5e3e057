"""The demo as a user runs it: two days of 400 loans, and nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import alive, descendants, ending_with_us, happens

pytestmark = pytest.mark.timeout(400)

DEMO = [sys.executable, "-c", "from workers.cli.main import main; main()", "demo"]
MORNING_DONE = "The morning's work is done."
ROOT = Path(__file__).parents[4]
PROCESSES = 16
"""Eight servers and processes, each under its watchdog."""


class Demo:
    """A running demo, and what it has printed so far."""

    def __init__(self, temporary: Path, *arguments: str) -> None:
        servers = ("DATABASE_URL", "REDIS_URL")
        environment = {k: v for k, v in os.environ.items() if k not in servers}
        self.process = subprocess.Popen(
            ending_with_us(*DEMO, *arguments),
            cwd=ROOT,
            env=environment | {"TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.stderr_lines: list[str] = []
        threading.Thread(target=self._read_stderr, daemon=True).start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        self.stderr_lines.extend(self.process.stderr)

    def has_printed(self, words: str) -> bool:
        return any(words in line for line in self.stderr_lines)

    def output(self) -> str:
        """All of its stdout, when it has ended."""
        assert self.process.stdout is not None
        output = self.process.stdout.read()
        self.process.wait(timeout=60)
        return output


@pytest.fixture
def temporary() -> Iterator[Path]:
    # Not pytest's own: if root runs the test, the user of the servers cannot enter that directory.
    with tempfile.TemporaryDirectory(prefix="arrears-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def run(temporary: Path) -> Iterator[list[Demo]]:
    """The demos that a test has started; those still running are ended afterwards."""
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(timeout=60)
        for stream in (demo.process.stdout, demo.process.stderr):
            if stream is not None:
                stream.close()


def test_the_demo_takes_a_real_book_through_its_days(temporary: Path, run: list[Demo]) -> None:
    started_at = time.monotonic()
    demo = Demo(temporary, "--json")
    run.append(demo)
    assert happens(lambda: demo.has_printed(MORNING_DONE), within=150), demo.stderr_lines
    started = descendants(demo.process.pid)

    summary = json.loads(demo.output())

    assert demo.process.returncode == 0, demo.stderr_lines
    assert summary["loans"] == 400
    assert summary["decisions"] >= summary["due"] >= 12 + 25 + 15 + 12
    assert summary["sms_sent"] >= 12
    assert summary["receipts"] == 2 * summary["sms_sent"]
    assert summary["calls_assigned"] >= 25
    assert summary["visits_scheduled"] >= 15
    assert summary["legal_files_opened"] >= 5
    # Alex keeps what was promised, somebody else does not, and a plan is paid for the first time.
    assert (summary["promises_kept"], summary["promises_broken"]) == (1, 1)
    assert summary["plans_active"] == 1
    assert summary["reasons_learnt"] == 2
    for shown in ("the promise is broken", "is kept", "hears REC-", "makes the first payment"):
        assert demo.has_printed(shown), demo.stderr_lines
    # Texts to the west had to wait, and were then sent.
    assert summary["deferred"] > summary["waiting"] > 0
    # Texts to the number that has opted out. Whether the second is still due then depends on what
    # its owner says in a call: a promise or a plan may come before it or after it.
    assert summary["barred"] in (1, 2)
    assert summary["cancelled"] >= 1  # the text of the loan that paid
    assert summary["skipped"] > summary["due"]  # most loans were already past the first steps
    assert summary["agreement"] == 1.0
    assert 1 < summary["seconds"] < time.monotonic() - started_at
    assert (summary["failed"], summary["unexplained"], summary["duplicates"]) == (0, 0, 0)
    texts = [step for step in summary["steps"] if step["action_type"] == "send_sms"]
    arrived = sum(step["statuses"].get("done", 0) for step in texts)
    assert arrived + summary["undelivered"] == summary["sms_sent"]
    assert summary["undelivered"] == 1  # to the number that cannot be reached
    skipped = [row["actions"] for row in summary["reasons"] if row["status"] == "skipped"]
    assert sum(skipped) == summary["skipped"]
    assert demo.has_printed("Where to look next")
    assert len(started) >= PROCESSES
    assert happens(lambda: not alive(started))
    assert list(temporary.iterdir()) == []


def test_the_chinese_book_does_what_the_chinese_page_shows(
    temporary: Path, run: list[Demo]
) -> None:
    demo = Demo(temporary, "--book", "cn")
    run.append(demo)

    report = demo.output()

    assert demo.process.returncode == 0, demo.stderr_lines
    assert "失败0个（未送达的短信见上，不计在内），无法解释0个，重复执行0个。" in report
    page = (ROOT / "docs" / "zh" / "README.md").read_text(encoding="utf-8")
    progress, tables, history = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert lines_of("".join(demo.stderr_lines)) >= lines_of(progress) > set()
    assert lines_of(report) >= lines_of(tables) | lines_of(history)
    [people] = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    assert told_of_anybody("".join(demo.stderr_lines)) >= told_of_anybody(people) > set()
    assert list(temporary.iterdir()) == []


def lines_of(shown: str) -> set[str]:
    """The lines, without what differs from day to day: the minute, and who of the staff it was."""
    alike = re.sub(r"\b(\d\d):\d\d  |(?<=（版本)\w{12}|(?:caller|visitor)-\d\d", r"\1", shown)
    # Which of the two comes first, the provider's answer or its receipt, is not promised.
    alike = alike.replace("回执证明短信已发出。", "服务商已受理。")
    return {line.rstrip() for line in alike.splitlines() if line.strip()}


def told_of_anybody(shown: str) -> set[str]:
    """The lines, without whom they are about: who is served which call is not promised."""
    somebody = r".某[甲乙丙丁戊己庚辛壬癸]|HT\d{4}|¥[\d,.]*\d"
    return {re.sub(somebody, "", line) for line in lines_of(shown)}


def test_a_demo_that_is_stopped_half_way_leaves_nothing(temporary: Path, run: list[Demo]) -> None:
    demo = Demo(temporary, "--stay")
    run.append(demo)
    assert happens(lambda: len(descendants(demo.process.pid)) >= PROCESSES, within=150), (
        demo.stderr_lines
    )
    started = descendants(demo.process.pid)

    demo.process.send_signal(signal.SIGTERM)

    assert demo.output() == ""
    assert demo.process.returncode == 128 + signal.SIGTERM
    assert happens(lambda: not alive(started))
    assert list(temporary.iterdir()) == []
