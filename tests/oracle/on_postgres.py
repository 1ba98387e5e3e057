"""Arrears itself under judgement: the real store, workers that race and are lost, and its laws.

The oracle is shown what the outside saw: the provider's log, the calls that dialers dialled and the
doors at which visitors stood. Of Arrears it reads only the rules that each contact names.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy import Engine, select

from domain.actions import ACTION_TYPES
from domain.actors import Actor
from domain.errors import ArrearsError
from tests.oracle.happenings import A_DAY, somebody_new, something_comes
from tests.oracle.incoming import CONNECTED, hear
from tests.oracle.law import NOT_THE_BORROWER
from tests.oracle.lender import COUNTRIES, Tape, import_rows, learn
from tests.oracle.log import Life, Reached
from tests.oracle.receipts import receipts_come
from tests.oracle.simulated_borrowers import (
    FIRST_DAY,
    Simulation,
    new_simulation,
    submit_event,
)
from tests.oracle.simulation import Found
from tests.oracle.verdict import (
    Lived,
    check_all,
    customers_by_loan,
    note_situations,
    who_is_reached,
)
from tests.support.acting import acting
from tests.support.callbacks import agreed_callback
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import use_case
from workers.calls.locate import start_location_call
from workers.calls.start import start_call
from workers.db.schema import action, contact, document, loan, visit, visit_staff
from workers.db.schema import staff as staff_table
from workers.escalation.escalate import escalate_loans
from workers.escalation.scan import Envelope, scan_portfolio
from workers.inbox.apply import apply_events, dispatch_events
from workers.sms.missing_receipts import ask_about_receipts
from workers.sms.reconcile import mark_lost_claims, reconcile_texts
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work
from workers.visits.letters import open_letter
from workers.visits.start import start_visit

OUTCOMES = {
    **{"spoke": 8, "no_answer": 8, "voicemail": 6, "busy": 4, "spoke_with_other": 6, "refused": 2},
    **{"number_invalid": 1, "wrong_person": 1, "third_party_refused": 1, "callback_requested": 2},
}
"""What comes of calls, and how often against the others."""

RARELY = 0.003
"""How many calls end with the news that the borrower has died."""


def live_in_the_store(
    engine: Engine,
    seed: int,
    borrowers: int,
    days: int,
    *,
    losses: float = 0.02,
    events_a_day: float = A_DAY,
    progress: Callable[[str], None] = lambda said: None,
) -> Lived:
    """Let so many borrowers live in an installation on `engine` for so many days, and judge it."""
    simulation = new_simulation(engine, seed, borrowers, losses)
    started = time.monotonic()
    found = Found(borrower_days=borrowers * days)
    for n in range(days):
        day = FIRST_DAY + timedelta(days=n)
        _new_tape(simulation, day, first=n == 0)
        moments = _moments_of(simulation, day)
        for at in moments:
            simulation.book.clock.at = at
            _tapes_arrive(simulation, day)
            receipts_come(simulation)
            something_comes(simulation, events_a_day, 1 / len(moments))
            _an_hour(simulation)
        somebody_new(simulation)
        note_situations(simulation, found)
        if n % 10 == 9:
            took = time.monotonic() - started
            progress(
                f"{took:7.1f} s  in the store: day {n + 1}, {len(simulation.provider.log)} texts"
            )
    return check_all(simulation, found)


def _moments_of(simulation: Simulation, day: date) -> list[datetime]:
    """A few hours of the day and of the night, and every moment at which a visit begins."""
    zone = simulation.book.zone
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    chance = simulation.chance
    moments = {midnight + timedelta(minutes=chance.randrange(24 * 60)) for _ in range(4)}
    visits = simulation.book.rows(select(visit.c.starts_at).where(visit.c.cancelled_at.is_(None)))
    moments |= {
        planned.starts_at.astimezone(zone)
        for planned in visits
        if planned.starts_at.astimezone(zone).date() == day
    }
    return sorted(moments)


def _new_tape(simulation: Simulation, day: date, *, first: bool) -> None:
    """The lender cuts a tape; most arrive at once, some days later, and some come twice."""
    tape = simulation.lender.cut_tape(day)
    late = 0 if first else simulation.decks.draw("tape is late", {0: 5, 1: 1, 2: 1, 3: 1})
    simulation.tapes.append((day + timedelta(days=late), tape))
    if simulation.decks.draw("tape comes twice", {True: 1, False: 7}):
        again = late + simulation.chance.choice((0, 1, 2))
        simulation.tapes.append((day + timedelta(days=again), tape))
        simulation.events["tape: twice"] += 1
    simulation.events["tape: late" if late else "tape: at once"] += 1


def _tapes_arrive(simulation: Simulation, day: date) -> None:
    """Those that are there by now, in any order: yesterday's may come after today's."""
    arrived = [tape for on, tape in simulation.tapes if on <= day]
    simulation.tapes = [(on, tape) for on, tape in simulation.tapes if on > day]
    simulation.chance.shuffle(arrived)
    for tape in arrived:
        if any(row.loan.as_of > tape.as_of for row in tape.rows):
            simulation.events["tape: older than the newest"] += 1
        _import(simulation, tape)
        learn(tape, simulation.now)


def _import(simulation: Simulation, tape: Tape) -> None:
    """Its worker may be lost, before or after the commit. Then the tape is imported again."""
    kept = False
    with simulation.losing.a_worker():
        import_rows(simulation.book.ctx, tape)
        kept = True
    if not kept:
        simulation.events["tape: worker lost"] += 1
        import_rows(simulation.book.ctx, tape)


def _an_hour(simulation: Simulation) -> None:
    book, ctx = simulation.book, simulation.book.ctx
    announced: list[Envelope] = []
    with simulation.losing.a_worker():
        scan_portfolio(ctx, announced.extend)
    jobs: list[Callable[[], object]] = []
    for envelope in announced:
        jobs += [partial(escalate_loans, ctx, envelope.loan_ids)] * simulation.chance.choice((1, 2))
    _race(simulation, jobs)
    jobs = []
    # What is only stored is applied while texts go out, or in a later hour.
    if simulation.chance.random() < 0.4:
        with simulation.losing.a_worker():
            if events := dispatch_events(ctx):
                jobs += [partial(apply_events, ctx, events)] * 2
    for action_type in ACTION_TYPES.values():
        due: list[int] = []
        with simulation.losing.a_worker():
            dispatch_due_actions(ctx, action_type, due.extend, waiting=0)
        for id in due:
            jobs += [partial(use_case(action_type), ctx, id)] * simulation.chance.choice((1, 2))
    _race(simulation, jobs)
    _collectors(simulation)
    _ask_where(simulation)
    _print_notices(simulation)
    _visitors(simulation)
    for repair in (mark_lost_claims, reconcile_texts, ask_about_receipts):
        with simulation.losing.a_worker():
            repair(ctx)
    for waits in read_waiting(simulation):
        with suppress(ArrearsError):
            book.approve(waits)


def read_waiting(simulation: Simulation) -> list[str]:
    """The loans for which something waits for a yes."""
    ctx = simulation.book.ctx
    with ctx.engine.connect() as connection:
        found = read_work(connection, ctx, ctx.today(), [Kind.APPROVALS])
    return [approval.loan for approval in found.approvals]


def _race(simulation: Simulation, jobs: list[Callable[[], object]]) -> None:
    """Every message once or twice, in any order, on workers that may be lost."""
    if not jobs:
        return
    simulation.chance.shuffle(jobs)

    def run(job: Callable[[], object]) -> None:
        with simulation.losing.a_worker():
            job()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result(timeout=60)


def _collectors(simulation: Simulation) -> None:
    ctx, chance = simulation.book.ctx, simulation.chance
    with ctx.engine.connect() as connection:
        calls = read_work(connection, ctx, ctx.today(), [Kind.CALLS]).calls
    known = customers_by_loan(simulation)
    reported: list[tuple[str, Life, Reached]] = []

    def dial(loan_id: str, item: str, actor: str) -> None:
        try:
            started = start_call(acting(ctx, Actor(actor)), loan_id, item=item)
        except ArrearsError:
            return
        outcome = simulation.decks.draw("outcome", OUTCOMES)
        if chance.random() < RARELY:
            outcome = "deceased"
        customer, key = known[loan_id]
        others = {known[each.loan][1] for each in started.loans} - {key}
        of_party = item in ("co_borrower_call", "guarantor_call")
        roles = (item.removesuffix("_call") if of_party else "borrower",)
        number = str(started.reach)
        reached = Reached(
            at=simulation.now,
            channel="call",
            loan=key,
            connected=outcome in CONNECTED,
            number=number,
            outcome=outcome,
            also_about=frozenset(others),
        )
        reached.party, life = who_is_reached(customer.life, reached, roles)
        simulation.calls.append((life, reached))
        reported.append((str(started.attempt), life, reached))

    # Two collectors race for each call, and each of them has one person on the line at a time.
    waiting = [
        (call, chance.sample([f"c-{n}" for n in range(6)], 2))
        for call in calls
        if call.started_as is None and chance.random() < 0.7
    ]
    while waiting:
        busy = set[str]()
        jobs: list[Callable[[], object]] = []
        for call, actors in list(waiting):
            if busy.isdisjoint(actors):
                busy |= set(actors)
                waiting.remove((call, actors))
                jobs += [partial(dial, call.loan, call.item, actor) for actor in actors]
        _race(simulation, jobs)
        # What came of the calls is known after them, and before whatever is done next.
        simulation.book.clock.at += timedelta(seconds=1)
        for attempt, life, reached in reported:
            agreed = partial(_agreed, simulation, attempt)
            if reached.outcome == "callback_requested" and agreed(simulation.now + A_WHILE) is None:
                reached.outcome = "spoke"  # nobody may call them again, whenever it is
            callback_at = hear(chance, life, reached, simulation.now, agreed)
            _report(simulation, attempt, reached.outcome, callback_at)
        reported.clear()
    for call in calls:
        # Of a call that was begun when its collector was lost, somebody says so later.
        if call.started_as is not None:
            _report(simulation, call.started_as, "no_answer", None)


A_WHILE = timedelta(hours=2)


def _agreed(simulation: Simulation, attempt: str, wished: datetime) -> datetime | None:
    """The collector agrees on the next possible moment, because no other is taken."""
    return agreed_callback(simulation.book, attempt, _caller_of(simulation, attempt), wished)


def _ask_where(simulation: Simulation) -> None:
    """Collectors ask others where the borrower is, mostly where no number reaches the borrower."""
    ctx, chance, lender = simulation.book.ctx, simulation.chance, simulation.lender
    for customer in lender.customers:
        for each in customer.known:
            life, now = customer.life, simulation.now
            lost = all(
                any(lender.numbers.knows(number, what, now) for what in NOT_THE_BORROWER)
                for number in life.numbers_at(each.key, now)
            )
            if chance.random() > (0.3 if lost else 0.01):
                continue
            number = f"{COUNTRIES[life.jurisdiction][-1]}{90_000 + chance.randrange(20)}"
            try:
                started = start_location_call(acting(ctx, Actor("c-0")), each.id, number)
            except ArrearsError:
                continue
            outcome = simulation.decks.draw("location", ASKED)
            asked = Reached(now, "call", each.key, outcome in CONNECTED, number=number)
            asked.party, asked.purpose, asked.outcome = "third_party", "locate", outcome
            simulation.calls.append((life, asked))
            simulation.events["location call"] += 1
            simulation.book.clock.at += timedelta(seconds=1)
            hear(chance, life, asked, simulation.now)
            _report(simulation, str(started.attempt), outcome, None)


ASKED = {"spoke_with_other": 4, "no_answer": 3, "busy": 1, "third_party_refused": 1, "refused": 1}
"""What comes of a question to somebody else, and how often against the others."""


def _report(
    simulation: Simulation,
    attempt: str,
    outcome: str,
    callback_at: datetime | None,
    actor: str | None = None,
) -> None:
    payload = {
        "attempt": attempt,
        "outcome": outcome,
        "reason": "other" if outcome == "spoke" else None,
        "callback_at": callback_at.isoformat() if callback_at else None,
        # Whoever made it reports it; a visit is reported by one of its visitors.
        "actor": actor or _caller_of(simulation, attempt),
    }
    submit_event(simulation, "contact_outcome", payload, at_once=True)


def _caller_of(simulation: Simulation, attempt: str) -> str:
    made = select(contact.c.actor).where(contact.c.attempt == attempt)
    return str(simulation.book.one(made).actor)


def _print_notices(simulation: Simulation) -> None:
    """The office prints the notice of each visit to come, in time."""
    ctx, now = simulation.book.ctx, simulation.book.ctx.now()
    to_print = simulation.book.rows(
        select(loan.c.external_id, action.c.item)
        .distinct()
        .select_from(document)
        .join(action, action.c.id == document.c.action_id)
        .join(visit, visit.c.action_id == action.c.id)
        .join(loan, loan.c.id == visit.c.loan_id)
        .where(document.c.printed_at.is_(None), visit.c.starts_at > now + timedelta(days=1))
    )
    for row in to_print:
        with suppress(ArrearsError):
            open_letter(acting(ctx, Actor("office")), row.external_id, row.item)


def _visitors(simulation: Simulation) -> None:
    ctx, now = simulation.book.ctx, simulation.book.ctx.now()
    due = simulation.book.rows(
        select(visit.c.id, loan.c.external_id, staff_table.c.external_id.label("who"))
        .join(loan, loan.c.id == visit.c.loan_id)
        .join(visit_staff, visit_staff.c.visit_id == visit.c.id)
        .join(staff_table, staff_table.c.id == visit_staff.c.staff_id)
        .where(
            visit.c.starts_at <= now,
            visit.c.ends_at > now,
            visit.c.started_at.is_(None),
            visit.c.cancelled_at.is_(None),
        )
    )
    if not due:
        return
    known = customers_by_loan(simulation)
    noticed = {record.id: record.scheduled_at for record in simulation.book.rows(select(visit))}
    for id, row in {row.id: row for row in due}.items():
        try:
            started = start_visit(acting(ctx, Actor(row.who)), row.external_id)
        except ArrearsError:
            continue
        customer, key = known[row.external_id]
        stood = Reached(
            at=now.astimezone(UTC), channel="visit", loan=key, staff=2, noticed_at=noticed[id]
        )
        simulation.calls.append((customer.life, stood))
        _report(simulation, str(started.attempt), "no_answer", None, row.who)
