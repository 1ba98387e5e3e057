"""A worker lost at any commit of any task changes nothing about where things end."""

from collections.abc import Iterator

import pytest

from domain.actions import ACTION_TYPES
from tests.crash_points.ends import End
from tests.crash_points.stage import Stage, a_stage
from workers import queues

PLACES = {
    "calls.assign_call": ("calls.plan.plan_calls:1", "calls.assign._assign_planned:1"),
    "escalate.escalate_loans": ("escalation.escalate.escalate_loans:1",),
    "events.apply_events": (
        "inbox.apply._apply_batch:1",
        "inbox.apply.apply_event:1",
    ),
    "legal.open_legal_file": ("legal.legal_files.open_legal_file:1",),
    "outbox.deliver_events": ("outbox.deliver.deliver_events:1", "outbox.deliver.deliver_events:2"),
    "maintenance.assign_replies": ("borrowers.reply_queue.assign_replies:1",),
    "maintenance.watch_answers": (
        "hardship.answer_clock.watch_answers:1",
        "hardship.answer_clock.watch_answers:2",
    ),
    "maintenance.hand_on_late_callbacks": ("escalation.quarantine.for_each_loan:1",),
    "maintenance.flag_unreported_visits": ("escalation.quarantine.for_each_loan:1",),
    "maintenance.hand_on_work": ("workforce.hand_on.hand_on_work:1",),
    "maintenance.break_overdue_promises": ("escalation.quarantine.for_each_loan:1",),
    "maintenance.settle_arrangements": ("escalation.quarantine.for_each_loan:1",),
    "maintenance.chain_evidence": ("evidence.chain.chain_evidence:1",),
    "maintenance.close_days": ("daily.close_days.close_next:1",),
    "maintenance.close_paid_cases": ("escalation.quarantine.for_each_loan:1",),
    "maintenance.erase_expired_data": ("db.daily_runs.start_today:1",),
    "maintenance.mark_lost_claims": ("sms.reconcile.mark_lost_claims:1",),
    "maintenance.prune_completed_events": ("db.daily_runs.start_today:1",),
    "maintenance.reencrypt_with_current_key": ("db.daily_runs.start_today:1",),
    "maintenance.reconcile_texts": (
        "sms.reconcile.resolve_confirmed:1",
        "sms.reconcile.ask_providers:1",
        "sms.reconcile._ask_about:1",
        "sms.reconcile.park_old:1",
        "sms.missing_receipts.ask_about_receipts:1",
        "sms.missing_receipts.ask_about_receipts:2",
    ),
    "dispatch.dispatch_due_actions": ("actions.dispatch.dispatch_due_actions:1",),
    "dispatch.dispatch_events": ("inbox.apply.dispatch_events:1",),
    "dispatch.dispatch_outbox": ("outbox.deliver.dispatch_outbox:1",),
    "dispatch.watch_sending": ("sending.volume.check_volume:1",),
    "scan.scan_portfolio": tuple(f"escalation.scan.scan_portfolio:{n}" for n in range(1, 5)),
    "sms.send_sms": ("sms.send.send_sms:1", "sms.send.send_sms:2"),
    "visits.schedule_visit": ("visits.schedule.schedule_visit:1",),
}
"""Every transaction that a task may commit. One more is one more way to be lost in the middle."""

IN_PIECES = {"maintenance.reencrypt_with_current_key"}
"""What goes over the whole book in pieces, each one transaction that finds its own place again, and
finds nothing to do here: test_keys.py kills it half-way. What is erased and pruned goes in pieces
too, beyond the day that is begun here."""

POINTS = {
    (task, place): (f"{task}:before_commit:{place}", f"{task}:after_commit:{place}")
    for task, places in PLACES.items()
    for place in places
}


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
    assert passed == {point for points in POINTS.values() for point in points}


def test_every_task_there_is_has_its_crash_points_here() -> None:
    own = {name for name in vars(queues).values() if str(name).startswith("arrears.")}
    own |= {queues.task_name(work.queue, work) for work in ACTION_TYPES.values()}
    assert {f"arrears.{task}" for task in PLACES.keys() | IN_PIECES} == own


ALONE = "sms.send_sms"
"""What cannot be undone: each place of it has scenarios of its own. The other places share theirs.
"""

SCENARIOS = 2
"""Of the other places. The places of one task are spread over them."""

_shared = [points for (task, _), points in POINTS.items() if task != ALONE]
TOGETHER = {
    **{place: points for (task, place), points in POINTS.items() if task == ALONE},
    **{f"others-{n}": sum(_shared[n::SCENARIOS], ()) for n in range(SCENARIOS)},
}


@pytest.mark.parametrize("points", TOGETHER.values(), ids=TOGETHER)
def test_workers_lost_before_a_commit_and_after_it_leave_everything_as_if_they_had_not_been(
    points: tuple[str, ...], stage: Stage, undisturbed: tuple[End, dict[str, int], set[str]]
) -> None:
    end, texts, _ = undisturbed
    left = list(points)
    while left:
        assert stage.play(crash_at=left) == end, left
        assert stage.texts == texts, left
        died = stage.folder.died.read_text().splitlines()
        assert died, f"nobody was lost at {left}"
        # What is done once in a scenario comes to its second point in a second one.
        left = [point for point in left if point not in died]
