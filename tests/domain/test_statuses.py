"""The moves between statuses, and the ones that must not exist."""

from collections.abc import Collection, Mapping
from enum import StrEnum

import pytest

from domain.actions import ACTION_MOVES, CLAIMABLE, INITIAL, TRIED, WAITING, ActionStatus
from domain.messages import MESSAGE_MOVES, UNSENT, MessageStatus
from domain.moves import sources
from domain.promises import PROMISE_MOVES, PromiseStatus

S = ActionStatus
M = MessageStatus


@pytest.mark.parametrize(
    ("moves", "statuses"),
    [
        (ACTION_MOVES, ActionStatus),
        (MESSAGE_MOVES, MessageStatus),
        (PROMISE_MOVES, PromiseStatus),
    ],
)
def test_every_status_has_its_line_in_the_table(
    moves: Mapping[StrEnum, Collection[StrEnum]], statuses: type[StrEnum]
) -> None:
    assert set(moves) == set(statuses)


def test_every_status_but_the_first_ones_can_be_reached() -> None:
    written_first = {S.PLANNED, S.AWAITING_APPROVAL, S.SKIPPED}
    assert {status for status in S if not sources(ACTION_MOVES, status)} <= written_first


def test_what_is_over_stays_over() -> None:
    assert not ACTION_MOVES[S.DISCARDED]
    assert all(S.DISCARDED not in sources(ACTION_MOVES, status) for status in S)


def test_what_is_done_is_undone_only_by_a_text_that_did_not_arrive() -> None:
    assert ACTION_MOVES[S.DONE] == {S.UNDELIVERED, S.DEAD}


def test_a_text_that_did_not_arrive_is_planned_as_anything_is_or_arrived_after_all() -> None:
    assert ACTION_MOVES[S.UNDELIVERED] == INITIAL | {S.DONE}


def test_what_is_barred_is_at_most_looked_at_again() -> None:
    assert ACTION_MOVES[S.BARRED] == {S.DEFERRED}


def test_what_was_called_off_comes_back_only_to_wait_again() -> None:
    begins = {S.PLANNED, S.AWAITING_APPROVAL, S.DEFERRED, S.BARRED}
    assert ACTION_MOVES[S.CANCELLED] == begins | {S.SKIPPED, S.UNDELIVERED}


def test_what_people_have_is_made_or_assigned_anew_or_called_off_or_ends_with_its_step() -> None:
    assert ACTION_MOVES[S.ASSIGNED] == {S.DONE, S.PLANNED, S.CANCELLED, S.SKIPPED}


def test_only_a_claim_can_lead_to_an_effect() -> None:
    assert sources(ACTION_MOVES, S.DONE) == {S.CLAIMED, S.UNKNOWN, S.ASSIGNED, S.UNDELIVERED}
    assert sources(ACTION_MOVES, S.UNKNOWN) == sources(ACTION_MOVES, S.ASSIGNED) == {S.CLAIMED}


def test_what_may_have_had_its_effect_is_never_claimed_again() -> None:
    assert S.UNKNOWN not in sources(ACTION_MOVES, S.CLAIMED)
    assert S.UNKNOWN not in CLAIMABLE


def test_what_awaits_approval_cannot_be_claimed() -> None:
    assert S.AWAITING_APPROVAL not in CLAIMABLE
    assert sources(ACTION_MOVES, S.CLAIMED) == CLAIMABLE


@pytest.mark.parametrize("status", sorted(WAITING))
def test_what_waits_can_be_called_off_and_can_be_skipped(status: ActionStatus) -> None:
    assert {S.CANCELLED, S.SKIPPED} <= ACTION_MOVES[status]


def test_a_claim_cannot_be_skipped_because_it_may_be_having_its_effect() -> None:
    assert S.SKIPPED not in ACTION_MOVES[S.CLAIMED]


def test_what_was_skipped_or_called_off_was_not_tried() -> None:
    assert not TRIED & ({S.SKIPPED, S.CANCELLED, S.UNDELIVERED, S.UNKNOWN} | WAITING)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (M.RESERVED, M.UNKNOWN),
        (M.UNKNOWN, M.ACCEPTED),
        (M.ACCEPTED, M.SENT),
        (M.SENT, M.DELIVERED),
        (M.UNDELIVERED, M.DELIVERED),
    ],
)
def test_a_receipt_only_ever_raises_what_is_known(
    earlier: MessageStatus, later: MessageStatus
) -> None:
    assert later in MESSAGE_MOVES[earlier]
    assert earlier not in MESSAGE_MOVES[later]


def test_a_repeated_receipt_changes_nothing() -> None:
    assert all(status not in MESSAGE_MOVES[status] for status in M)


def test_a_text_that_never_went_out_stays_so() -> None:
    assert all(not MESSAGE_MOVES[status] for status in UNSENT)
