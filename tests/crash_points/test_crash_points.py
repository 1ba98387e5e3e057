"""A worker lost at any commit of any task changes nothing about where things end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash_points.ends import End
from tests.crash_points.stage import Stage, a_stage
from workers import queues

PLACES = {
    "calls.assign_call": ("calling.assign_call:1",),
    "escalate.escalate_loans": ("escalation.escalate_loans:1",),
    "events.apply_events": (
        "inbox._apply_together:1",
        "inbox.apply_event:1",
    ),
    "legal.open_legal_file": ("litigating.open_legal_file:1",),
    "outbox.deliver_events": ("delivering.deliver_events:1", "delivering.deliver_events:2"),
    "repair.assign_replies": ("reply_work.assign_replies:1",),
    "repair.break_overdue_promises": ("promising.break_overdue_promises:1",),
    "repair.chain_evidence": ("chaining.chain_evidence:1",),
    "repair.close_paid_cases": ("reassessing.close_paid_cases:1",),
    "repair.erase_what_need_not_be_kept": ("daily.begins_today:1",),
    "repair.mark_lost_claims": ("repairing.mark_lost_claims:1",),
    "repair.prune_settled_events": ("daily.begins_today:1",),
    "repair.reconcile_texts": (
        "reconciling.settle_known:1",
        "reconciling.ask_providers:1",
        "reconciling.ask_providers:2",
        "reconciling.park_old:1",
    ),
    "repair.wake_due_actions": ("repairing.wake_due_actions:1",),
    "repair.wake_events": ("inbox.wake_events:1",),
    "repair.wake_outbox": ("delivering.wake_outbox:1",),
    "scan.scan_portfolio": tuple(f"scanning.scan_portfolio:{n}" for n in range(1, 5)),
    "sms.send_sms": ("texting.send_sms:1", "texting.send_sms:2"),
    "visits.schedule_visit": ("visiting.schedule_visit:1",),
}
"""Every transaction that a task may commit. One more is one more way to be lost in the middle."""

IN_PIECES = {"repair.seal_with_the_first_key"}
"""What goes over the whole book in pieces, each one transaction that finds its own place again, and
finds nothing to do here: test_keys.py kills it half-way. What is erased and pruned goes in pieces
too, beyond the day that is begun here."""

POINTS = [
    f"{task}:{side}_commit:{place}"
    for task, places in PLACES.items()
    for place in places
    for side in ("before", "after")
]


@pytest.fixture(scope="module")
def stage(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("crashing")
    with a_stage(postgres_server, migrated_template, folder) as stage:
        yield stage


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> tuple[End, dict[str, int], set[str]]:
    """The end when no worker is lost, the texts that went out, and the points passed."""
    end = stage.play()
    return end, dict(stage.texts), set(stage.folder.passed.read_text().splitlines())


def test_every_commit_of_every_task_has_its_crash_points_here(
    undisturbed: tuple[End, dict[str, int], set[str]],
) -> None:
    _, _, passed = undisturbed
    assert passed == set(POINTS)


def test_every_task_there_is_has_its_crash_points_here() -> None:
    own = {name for name in vars(queues).values() if str(name).startswith("arrears.")}
    own |= {queues.task_name(queue, work) for work, queue in queues.QUEUE_FOR.items()}
    assert {f"arrears.{task}" for task in PLACES.keys() | IN_PIECES} == own


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_lost_there_leaves_everything_as_if_it_had_not_been(
    point: str, stage: Stage, undisturbed: tuple[End, dict[str, int], set[str]]
) -> None:
    end, texts, _ = undisturbed
    assert stage.play(crash_at=point) == end
    assert stage.texts == texts
    assert stage.folder.died.read_text() == point
