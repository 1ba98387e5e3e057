"""What whoever measures is told, and what is left when they break off."""

import json
import os
import signal
from pathlib import Path

import pytest

from domain.assignment import Assignment, assign
from domain.errors import ArrearsError
from tests.benchmarks.__main__ import main
from tests.benchmarks.assign import gap_percent
from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.plotting import draw, read_report
from tests.benchmarks.reporting import write_json
from tests.benchmarks.sizes import SIZES
from tests.support.a_day_of_calls import DAY, a_day_of_calls
from tests.support.commands import eventually, running
from tests.support.processes import alive, descendants


def test_a_question_that_is_none_is_answered_with_those_that_are() -> None:
    with pytest.raises(ArrearsError, match=r"^There is no question weather\. They are: .*payments"):
        main(["weather"])


def test_a_size_that_is_none_is_answered_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIZE", "huge")
    with pytest.raises(ArrearsError, match=r"^There is no size huge\. Set SIZE to small or full\."):
        main([])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "cannot be read"),
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "is not what the benchmark writes"),
        ('{"raw": {}}', "is not what the benchmark writes"),
        ('{"size": "small", "cores": 2, "raw": {"peers": [1]}}', "is not what the benchmark"),
    ],
)
def test_what_is_no_report_is_not_drawn(written: str | None, said: str, tmp_path: Path) -> None:
    report = tmp_path / "bench.json"
    if written is not None:
        report.write_text(written)
    with pytest.raises(ArrearsError, match=said):
        read_report(report)


def test_what_was_not_asked_is_there_as_null_and_can_be_drawn(tmp_path: Path) -> None:
    report, picture = tmp_path / "bench.json", tmp_path / "speed.svg"
    faster = Figure("faster", "×", (5.0, 3.0, 4.0), Target(3.5, True), key="publish_vs_delay")
    write_json({"publishing": [faster]}, SIZES["small"], report)

    draw(read_report(report), picture)

    written = json.loads(report.read_text())
    assert written["ratios"]["publish_vs_delay"] == 4.0
    assert written["ratios"]["book_growth"] is None
    assert written["payment_cancel_p99_ms"] is None
    assert "not asked" in picture.read_text()


def test_the_optimum_is_above_each_assignment_and_near_it() -> None:
    calls, callers = a_day_of_calls(600, 10, 5)
    found = assign(calls, callers, DAY)

    assert 0 <= gap_percent(calls, callers, found) <= 2
    fewer = Assignment(found.given[: len(found.given) // 2], (), ())
    assert gap_percent(calls, callers, fewer) > 10


def test_whoever_breaks_off_leaves_no_process_and_no_directory(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "SIZE": "small", "TMPDIR": str(temporary)}
    asked = ("-m", "tests.benchmarks", "one_loan_a_message")
    log = tmp_path / "bench.log"
    with running(environment=environment, log=log, program=asked) as bench:
        eventually("a worker decides", lambda: any(temporary.glob("*/escalate-*.log")))
        started = descendants(bench.pid)
        os.kill(bench.pid, signal.SIGTERM)

        assert bench.wait() == 130
        eventually("all that was started has ended", lambda: not alive(started), seconds=5)
    assert list(temporary.iterdir()) == []
    assert "Broken off" in log.read_text()
    assert "Traceback" not in log.read_text()
