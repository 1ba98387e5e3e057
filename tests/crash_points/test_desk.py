"""A desk lost at any commit of any call leaves, once the call is repeated, what one call leaves."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.crash_points.desk_calls import Desk
from tests.crash_points.desk_day import ZONE, a_day, write_book
from tests.crash_points.ground import Ground, a_ground
from tests.crash_points.whole_state import WholeState, whole_state
from workers.http.permission_of import AT_THE_DESK, DESK
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.processes import ManagedProcess, ProcessGroup

OF_EVERY_CALL = ":access.authenticate.authenticate:"
"""In it the use of the token is noted. It is the same for all: one of them dies there."""


@dataclass(slots=True)
class Stage:
    """One desk and one database, for one day after another."""

    desk: ManagedProcess
    ground: Ground
    port: int
    begins_at: datetime

    def play(self, crash_at: list[str]) -> tuple[WholeState, set[str]]:
        """The day on a book of its own; the desk dies at each point that is named. Gives what is on
        record, and the paths that were called."""
        self.ground.begin(self.begins_at, crash_at)
        desk = Desk(self.port)
        a_day(desk, self.begins_at.date())
        engine = create_engine(self.ground.url, poolclass=NullPool)
        with engine.connect() as connection:
            return whole_state(connection), desk.asked


@pytest.fixture(scope="module")
def stage(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("crashing_desk")
    with ExitStack() as stack:
        ground = stack.enter_context(a_ground(postgres_server, migrated_template, folder))
        begins_at = ground.write(write_book)
        processes = stack.enter_context(ProcessGroup(folder, ground.environment(ZONE)))
        port = free_port()
        command = [sys.executable, "-m", "tests.crash_points.desk", LOOPBACK, str(port)]
        desk = processes.start("desk", command, port=port)
        processes.wait_until_ready(desk)
        yield Stage(desk, ground, port, begins_at)


def test_a_desk_lost_at_each_commit_of_each_call_leaves_what_one_call_leaves(stage: Stage) -> None:
    undisturbed, asked = stage.play([])

    posts = {each.replace(DESK, "") for each in AT_THE_DESK if each.startswith("POST")}
    assert asked == posts, "each path has its call in desk_day.py"
    passed = sorted(set(stage.ground.folder.passed.read_text().splitlines()))
    points = [point for point in passed if OF_EVERY_CALL not in point]
    written = {point.partition(":")[0] for point in points}
    assert {path for path in written if path.startswith("POST")} == posts, "all write something"
    points += [point for point in passed if OF_EVERY_CALL in point][:2]
    stage.desk.send_signal(signal.SIGINT)
    disturbed, _ = stage.play(points)
    died = stage.ground.folder.died.read_text().splitlines()
    assert sorted(died) == sorted(points)
    changed = {
        table: (
            [row for row in rows if row not in undisturbed[table]],
            [row for row in undisturbed[table] if row not in rows],
        )
        for table, rows in disturbed.items()
        if rows != undisturbed[table]
    }
    assert not changed
