"""Watched processes: checked while they run, and never left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import ArrearsError
from tests.support.compose import ROOT
from tests.support.processes import alive, descendants, happens
from workers.simulator.servers import processes
from workers.simulator.servers.environment import free_port
from workers.simulator.servers.processes import ProcessGroup

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("ready", os.getpid(), helper.pid, flush=True)
time.sleep(60)
"""


def process_group(directory: Path) -> ProcessGroup:
    return ProcessGroup(directory, {"PATH": os.environ["PATH"]})


def test_a_process_that_ends_by_itself_is_found_out_with_its_last_words(tmp_path: Path) -> None:
    with process_group(tmp_path) as group:
        group.start("sad", [sys.executable, "-c", "print('no more'); raise SystemExit(3)"])

        def found_out() -> bool:
            try:
                group.check_running()
            except ArrearsError as error:
                return "The process sad ended by itself" in str(error) and "no more" in str(error)
            return False

        assert happens(found_out)


def test_a_server_is_waited_for_until_it_answers(tmp_path: Path) -> None:
    port = free_port()
    serve = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with process_group(tmp_path) as group:
        server = group.start("server", serve, port=port)
        group.wait_until_ready(server)
        assert server.is_ready()


def test_a_server_that_dies_instead_of_answering_is_not_waited_for(tmp_path: Path) -> None:
    with process_group(tmp_path) as group:
        server = group.start("server", [sys.executable, "-c", "pass"], port=free_port())
        with pytest.raises(ArrearsError, match="ended by itself"):
            group.wait_until_ready(server)


def test_a_process_that_will_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_TIMEOUT", 0.5)
    with process_group(tmp_path) as group:
        stubborn = group.start("stubborn", [sys.executable, "-c", STUBBORN])
        assert happens(lambda: "ready" in stubborn.log_tail())
        _, itself, helper = stubborn.log_tail().split()
        assert alive({int(itself), int(helper)}) == {int(itself), int(helper)}
    assert happens(lambda: not alive({int(itself), int(helper)}), within=5)


CALLER = """
import subprocess, sys, time
from pathlib import Path
from tests.support.processes import ending_with_us
from workers.simulator.servers.processes import ProcessGroup
with ProcessGroup(Path(sys.argv[1]), {}) as group:
    group.start("watched", [sys.executable, "-c", sys.argv[2]])
    subprocess.Popen(ending_with_us(sys.executable, "-c", "import time; time.sleep(60)"))
    time.sleep(60)
"""


def test_a_caller_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    """Neither one under a watchdog, with all that it started, nor one that ends with its caller."""
    folder = tmp_path / "watched"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", CALLER, folder, STUBBORN], cwd=ROOT) as caller:
        log = folder / "watched.log"
        assert happens(lambda: log.exists() and "ready" in log.read_text())
        assert happens(lambda: len(descendants(caller.pid)) == 4)
        started = descendants(caller.pid)
        caller.kill()
    assert happens(lambda: not alive(started))
