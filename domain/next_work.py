"""The order in which a collector's work is served: nobody chooses, and each place is explained.

It ranks work by its duties, days and amounts. No person is ranked, and nothing is known here of who
somebody is: no age, sex, origin, place or language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.disputes import Matter
from domain.reasons import ReasonCode, Reasons, because


class WorkKind(StrEnum):
    """What is served."""

    CALL = "call"
    REPLY = "reply"  # a text from a borrower, to be read and answered
    DUTY = "duty"  # what is owed after a conversation


class Band(StrEnum):
    """Why work is served before other work. A whole band is served before the next one."""

    CALLBACK = "callback"  # the borrower named a moment, and it has come
    CLOCK = "clock"  # collectors owe something about the loan, and its deadline is near
    REPLY = "reply"  # somebody wrote and waits for an answer
    WAITED = "waited"  # it has waited longer than anything may
    BROKEN_PROMISE = "broken_promise"
    WINDOW = "window"  # its day or its lawful hours end soon
    FIRST_CONTACT = "first_contact"  # nobody has spoken with the borrower about these arrears
    VALUE = "value"  # the rest, by what a call is expected to bring


SERVED_FIRST = frozenset({Band.CALLBACK, Band.CLOCK})
"""Also before a first contact whose turn it is: these were promised for a moment."""


UNFINISHED = "unfinished"
"""Served before every band: its outcome is missing."""
TAKEN_OVER = "taken_over"
SERVED_AS = (*Band, UNFINISHED, TAKEN_OVER)


class LeaseEnd(StrEnum):
    """Why work that was served to a collector is theirs no longer."""

    DONE = "done"
    RELEASED = "released"  # given back
    LAPSED = "lapsed"  # no sign of life for too long, and somebody else was served it
    NOT_ALLOWED = "not_allowed"  # it may not be done any more, or not now
    TAKEN_OVER = "taken_over"


AGAIN_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class RightPartyTerms:
    """When somebody counts as the person: so many right answers, and how often they may be tried
    a day."""

    questions: tuple[str, ...] = ("name", "address_numbers", "postcode", "other_number")
    at_least: int = 2
    tries: int = 3


@dataclass(frozen=True, slots=True)
class WorkPolicy:
    """How the lender has its work served. `config/worklist/` says it; these are its defaults."""

    id: str = "worklist"
    version: int = 0
    effective_from: date = date.min
    bands: tuple[Band, ...] = tuple(Band)
    """Each once, the first served first."""
    first_contact_every: int = 4
    """One served piece of work in so many is a first contact, if one waits."""
    longest_wait: timedelta = timedelta(days=3)
    window_closes_within: timedelta = timedelta(hours=1)
    clock_within: timedelta = timedelta(hours=24)
    callback_to_team_after: timedelta = timedelta(minutes=15)
    """From then on any collector may be served a colleague's callback."""
    again_after: timedelta = AGAIN_AFTER
    """So long after a try, the same call is not served again, unless for a callback. So long after
    somebody gave work back, all their other work comes first."""
    lease: timedelta = timedelta(minutes=10)
    """Without a sign of life for so long, others may be served the work."""
    chances: tuple[Decimal, ...] = tuple(map(Decimal, ("0.5", "0.35", "0.25", "0.15", "0.1")))
    """That a call reaches the borrower, by how often it was tried; the last one for all after."""
    currency_values: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    """What one unit of a currency is worth, to compare amounts; 1 where there is none."""
    right_party: RightPartyTerms = RightPartyTerms()


def work_policy_on(policies: Iterable[WorkPolicy], on: date) -> WorkPolicy:
    """The newest policy in force on a business date; the defaults if there is none."""
    in_force = (policy for policy in policies if policy.effective_from <= on)
    return max(in_force, key=lambda policy: policy.effective_from, default=WorkPolicy())


@dataclass(frozen=True, slots=True)
class BrokenPromise:
    """The last promise, which nobody has spoken about since it broke."""

    broken_at: datetime
    part_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A piece of work that may be served. All moments are aware."""

    key: int
    kind: WorkKind = WorkKind.CALL
    since: datetime
    """Since when it waits for a collector."""
    barred: Reasons = ()
    """Why it may not be done now: the gate, a hold, capacity, or whom somebody must not handle."""
    given_back: bool = False
    """Whether whoever asks gave it back a short time ago: everything else comes first."""
    callback_at: datetime | None = None
    of_colleague: bool = False
    """Whether a colleague was to call back and did not."""
    clock_ends_at: datetime | None = None
    """By when something is owed about the loan, after a conversation."""
    owed_after: str | None = None
    """Of a duty: the outcome that asks for it; None: the notice of how an arrangement ends."""
    owed_by: str | None = None
    """Of a duty: who owes it."""
    to_take: tuple[Matter, str] | None = None
    """Of a duty: the dispute or the complaint, with its id, that somebody takes."""
    broken_promise: BrokenPromise | None = None
    open_until: datetime | None = None
    """When its lawful hours end, if that is soon."""
    last_day: bool = False
    """Whether its day on the ladder ends today."""
    spoken: bool = False
    """Whether the borrower was spoken with about these arrears."""
    tries: int = 0
    past_due: Decimal = Decimal(0)
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Work in its place, with the sentence that says why it is next."""

    candidate: Candidate
    band: Band
    why: Reasons


def in_order(
    candidates: Iterable[Candidate],
    policy: WorkPolicy,
    now: datetime,
    *,
    served_since_first_contact: int = 0,
) -> list[Ranked]:
    """What may be served now, the next one first; what is barred is left out.

    `served_since_first_contact` is how many pieces of work whoever asks was served today since the
    last first contact. The same candidates give the same order, however they come.
    """
    free = [candidate for candidate in candidates if not candidate.barred]
    places = {band: place for place, band in enumerate(policy.bands)}
    placed = [(candidate, _band(candidate, policy, now, places)) for candidate in free]
    turn = served_since_first_contact + 1 >= policy.first_contact_every

    def key(entry: tuple[Candidate, Band]) -> tuple[bool, int, int, tuple[Decimal, ...], int]:
        candidate, band = entry
        group = _group(candidate, band) if turn else 0
        within = _within(candidate, band, policy)
        return candidate.given_back, group, places[band], within, candidate.key

    ordered = sorted(placed, key=key)
    return [
        Ranked(candidate, band, _why(candidate, band, policy, now, turn=turn))
        for candidate, band in ordered
    ]


def _group(candidate: Candidate, band: Band) -> int:
    """Where it is the turn of a first contact: what was promised, then first contacts, then the
    rest."""
    if band in SERVED_FIRST:
        return 0
    return 1 if _is_first_contact(candidate) else 2


def _is_first_contact(candidate: Candidate) -> bool:
    return candidate.kind is WorkKind.CALL and not candidate.spoken


def expected_value(candidate: Candidate, policy: WorkPolicy) -> Decimal:
    """What is past due times the chance that this try reaches the borrower."""
    chance = policy.chances[min(candidate.tries, len(policy.chances) - 1)]
    worth = policy.currency_values.get(candidate.currency, Decimal(1))
    return candidate.past_due * worth * chance


def _band(
    candidate: Candidate, policy: WorkPolicy, now: datetime, places: Mapping[Band, int]
) -> Band:
    """The first band, in the order of the policy, to which it belongs."""
    return min(_bands(candidate, policy, now), key=places.__getitem__)


def _bands(candidate: Candidate, policy: WorkPolicy, now: datetime) -> Iterable[Band]:
    if candidate.callback_at is not None and candidate.callback_at <= now:
        yield Band.CALLBACK
    if candidate.kind is WorkKind.DUTY:
        yield Band.CLOCK
        return
    if candidate.clock_ends_at is not None and candidate.clock_ends_at - now <= policy.clock_within:
        yield Band.CLOCK
    if candidate.kind is WorkKind.REPLY:
        yield Band.REPLY
        return
    if now - candidate.since >= policy.longest_wait:
        yield Band.WAITED
    if candidate.broken_promise is not None:
        yield Band.BROKEN_PROMISE
    if candidate.last_day or candidate.open_until is not None:
        yield Band.WINDOW
    yield Band.VALUE if candidate.spoken else Band.FIRST_CONTACT


def _within(candidate: Candidate, band: Band, policy: WorkPolicy) -> tuple[Decimal, ...]:
    """The order within a band; the smaller first."""
    since, value = _seconds(candidate.since), -expected_value(candidate, policy)
    match band:
        case Band.CALLBACK:
            return (_seconds(candidate.callback_at), since)
        case Band.CLOCK:
            return (_seconds(candidate.clock_ends_at), since)
        case Band.BROKEN_PROMISE if candidate.broken_promise is not None:
            broken = candidate.broken_promise
            return (Decimal(not broken.part_kept), -_seconds(broken.broken_at), since)
        case Band.WINDOW | Band.FIRST_CONTACT:
            return (_seconds(candidate.open_until), value, since)
        case Band.VALUE:
            return (value, since)
    return (since,)


LATE = Decimal("Infinity")


def _seconds(moment: datetime | None) -> Decimal:
    return LATE if moment is None else Decimal(moment.timestamp())


def _in_zone(moment: datetime | None, now: datetime) -> datetime | None:
    return moment and moment.astimezone(now.tzinfo)


def _why(
    candidate: Candidate, band: Band, policy: WorkPolicy, now: datetime, *, turn: bool
) -> Reasons:
    if candidate.given_back:
        return because(ReasonCode.NEXT_GIVEN_BACK)
    if turn and band not in SERVED_FIRST and _is_first_contact(candidate):
        return because(ReasonCode.NEXT_FIRST_CONTACT_TURN, every=policy.first_contact_every)
    match band:
        case Band.CALLBACK:
            code = ReasonCode.NEXT_CALLBACK
            if candidate.of_colleague:
                code = ReasonCode.NEXT_CALLBACK_OF_TEAM
            return because(code, callback_at=_in_zone(candidate.callback_at, now))
        case Band.CLOCK:
            ends_at = _in_zone(candidate.clock_ends_at, now)
            if candidate.kind is not WorkKind.DUTY:
                return because(ReasonCode.NEXT_CLOCK, ends_at=ends_at)
            if candidate.owed_after is None:
                return because(ReasonCode.NEXT_NOTICE, ends_at=ends_at)
            if candidate.to_take is not None:
                matter, id = candidate.to_take
                return because(ReasonCode.NEXT_TO_TAKE, ends_at=ends_at, matter=matter, id=id)
            owed = {"outcome": candidate.owed_after, "owner": candidate.owed_by}
            return because(ReasonCode.NEXT_DUTY, ends_at=ends_at, **owed)
        case Band.REPLY:
            return because(ReasonCode.NEXT_REPLY, since=_in_zone(candidate.since, now))
        case Band.WAITED:
            return because(ReasonCode.NEXT_WAITED, days=(now - candidate.since).days)
        case Band.BROKEN_PROMISE if candidate.broken_promise is not None:
            broken = candidate.broken_promise
            code = ReasonCode.NEXT_PROMISE_BROKEN
            if broken.part_kept:
                code = ReasonCode.NEXT_PROMISE_PART_KEPT
            return because(code, on=broken.broken_at.astimezone(now.tzinfo).date())
        case Band.WINDOW if candidate.open_until is not None:
            return because(ReasonCode.NEXT_WINDOW_CLOSES, until=_in_zone(candidate.open_until, now))
        case Band.WINDOW:
            return because(ReasonCode.NEXT_LAST_DAY)
        case Band.FIRST_CONTACT:
            return because(ReasonCode.NEXT_FIRST_CONTACT)
    return because(ReasonCode.NEXT_VALUE, tries=candidate.tries)
