"""Arrears itself, with borrowers who promise, ask for plans and complain, and how they are called.

The oracle is shown what the provider sent, whom collectors called, and what came in. Of Arrears it
reads, when a day is over, where each promise, plan, call and complaint stands on record.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Engine, insert, update

from config.readers.policy import Policy
from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.loans import Instalment
from tests.oracle.accounts import Account
from tests.oracle.agreeing_world import Judged, World
from tests.oracle.days import falls_due, ladder_file
from tests.oracle.happened import Made
from tests.oracle.incoming import Decks
from tests.oracle.items import item_of_template
from tests.oracle.on_record import wrong_on_record
from tests.oracle.verdict import template_of
from tests.oracle.what_comes_in import note_complaint, something_happens
from tests.support.acting import acting
from tests.support.callbacks import agreed_callback
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import Book, only, shipped_policy
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import use_case
from workers.calls.start import start_call
from workers.db.schema import loan, shift
from workers.escalation.escalate import escalate_loans
from workers.escalation.reassess import close_paid_cases
from workers.escalation.scan import Envelope, scan_portfolio
from workers.hardship.answer_clock import watch_answers
from workers.hardship.arrangement_review import settle_arrangements
from workers.hardship.promise_judgement import break_overdue_promises
from workers.inbox.submit import submit
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work
from workers.workforce.hand_on import hand_on_work

FIRST_DAY = date(2026, 3, 2)
MOMENTS = ("10:10", "12:30", "14:00", "17:10", "18:30")
"""By the lender's clock. All are lawful in China; in India, two and a half hours behind, the first
one is too early."""
AGREED = MOMENTS[1:]
"""The moments on which collectors agree: at no other than a lawful one."""
CALLERS = ("c-1", "c-2", "c-3")
COUNTRIES = {
    "CN": ("consumer_loan_cn", "Asia/Shanghai", "+8613800138{:03}"),
    "IN": ("consumer_loan_us", "Asia/Kolkata", "+919820012{:03}"),
}
OUTCOMES = {
    **{"no_answer": 6, "voicemail": 3, "busy": 2, "spoke_with_other": 3, "spoke": 3},
    **{"cannot_talk": 1, "refuses": 1, "callback_requested": 1, "says_paid": 3, "complains": 2},
}
TELLS_WHY = frozenset({"spoke", "refuses"})
MAY_TELL_WHY = frozenset({"says_paid", "complains"})


def live_with_agreements(
    engine: Engine,
    seed: int,
    borrowers: int,
    days: int,
    *,
    progress: Callable[[str], None] = lambda said: None,
) -> Judged:
    """Let so many borrowers live for so many days, and judge all that is done and on record."""
    world = _new_world(engine, seed, borrowers)
    for n in range(days):
        day = FIRST_DAY + timedelta(days=n)
        for moment in sorted(world.chance.sample(MOMENTS, world.chance.choice((1, 2)))):
            world.book.at(f"{day} {moment}")
            _work(world)
            for account in world.accounts.values():
                something_happens(world, account)
            _call(world)
        for account in world.accounts.values():
            account.day_ends(world.now)
            world.judged.seen["paused"] += world.today in account.held
        if n % 10 == 9:
            progress(f"with agreements: day {n + 1}, {world.judged.wrong} wrong so far")
    world.judged.borrower_days = borrowers * days
    return world.judged


def _new_world(engine: Engine, seed: int, borrowers: int) -> World:
    chance = random.Random(seed)
    book = Book(engine, now=f"{FIRST_DAY} 08:00", policy=_policy())
    texts = FakeSmsGateway()
    # An agency of the lender: where the law says so, a complaint stops everybody.
    settings = book.ctx.settings.model_copy(update={"collects_as": frozenset({"third_party"})})
    book.ctx = replace(book.ctx, sms=only(texts), settings=settings)
    world = World(book, chance, Decks(chance), {}, {}, Judged(), texts)
    for who in CALLERS:
        staff_id = book.staff(who, "caller", capacity=100)
        shifts = [
            {
                "staff_id": staff_id,
                "starts_at": book.moment(f"{FIRST_DAY + timedelta(days=n)} 09:00"),
                "ends_at": book.moment(f"{FIRST_DAY + timedelta(days=n)} 21:00"),
            }
            for n in range(250)
        ]
        with engine.begin() as connection:
            connection.execute(insert(shift), shifts)
    book.staff("s-1", "supervisor")
    for n in range(borrowers):
        _new_account(world, f"L-{n + 1:06}", "IN" if n % 4 == 3 else "CN")
    values = {"annual_rate_percent": Decimal("14.6"), "disbursed_on": date(2025, 6, 1)}
    with engine.begin() as connection:
        connection.execute(update(loan).values(values))
    return world


def _policy() -> Policy:
    """The shipped one, with the American ladders for India, which has rules and no ladder."""
    shipped = shipped_policy()
    indian = tuple(
        replace(
            american,
            id="consumer_loan_in",
            currency="INR",
            applies_to=replace(american.applies_to, jurisdictions=("IN",)),
        )
        for american in shipped.ladders
        if "US" in american.applies_to.jurisdictions
    )
    return replace(shipped, ladders=shipped.ladders + indian)


def _new_account(world: World, id: str, country: str) -> None:
    ladder, zone, numbers = COUNTRIES[country]
    first = FIRST_DAY - timedelta(days=world.chance.choice((1, 2, 7, 12, 28)))
    due = [first + timedelta(days=30 * n) for n in range(8)]
    number = numbers.format(len(world.accounts))
    world.book.loan(
        id,
        jurisdiction=country,
        currency={"CN": "CNY", "IN": "INR"}[country],
        product={"CN": "consumer_loan", "IN": "personal_loan"}[country],
        zones=[zone],
        locale={"CN": "zh-Hans", "IN": "en"}[country],
        phone=number,
        instalments=[
            Instalment(
                day,
                Decimal(900),
                Decimal(20),
                counts_from=falls_due(ladder_file(ladder), day),
            )
            for day in due
        ],
    )
    schedule = tuple((day, 920_00) for day in due)
    world.by_number[number] = id
    world.accounts[id] = Account(id, ladder, zone, world.book.zone, [(world.now, schedule)])


def _work(world: World) -> None:
    """What beat and the workers do in an hour, some of it twice."""
    ctx = world.book.ctx
    for _ in range(world.chance.choice((1, 1, 1, 2))):
        break_overdue_promises(ctx)
        settle_arrangements(ctx)
        close_paid_cases(ctx)
        watch_answers(ctx)
    hand_on_work(ctx)
    for account in world.accounts.values():
        account.look(world.now)
    announced: list[Envelope] = []
    scan_portfolio(ctx, announced.extend)
    for envelope in announced * 2:
        escalate_loans(ctx, envelope.loan_ids)
    for action_type in (SEND_SMS, ASSIGN_CALL):
        due: list[int] = []
        dispatch_due_actions(ctx, action_type, due.extend, waiting=0)
        for id in due * 2:
            use_case(action_type)(ctx, id)
    world.judged.not_due += wrong_on_record(world.book, world.accounts, world.now)
    _hear_texts(world)


def _hear_texts(world: World) -> None:
    for sent in world.texts.sent[world.heard :]:
        account = world.accounts[world.by_number[sent.text.to]]
        item = item_of_template(account.ladder, template_of(sent.text.body)[0])
        _judge(world, account, Made(world.now, "sms", item))
    world.heard = len(world.texts.sent)


def _call(world: World) -> None:
    ctx = world.book.ctx
    with ctx.engine.connect() as connection:
        calls = read_work(connection, ctx, ctx.today(), [Kind.CALLS]).calls
    for call in calls:
        account = world.accounts[call.loan]
        barred = [who for who in CALLERS if any(c.bars(who, world.now) for c in account.complained)]
        if world.chance.random() < 0.8:
            # Who was complained of tries, too.
            for who in (*barred, call.staff):
                if _dial(world, account, call.item, who):
                    break


def _dial(world: World, account: Account, item: str, who: str) -> bool:
    ctx = world.book.ctx
    try:
        started = start_call(acting(ctx, Actor(who)), account.id, item=item)
    except ArrearsError:
        return False
    outcome = world.decks.draw("outcome", OUTCOMES)
    again_at = None
    if outcome == "callback_requested":
        later = world.today + timedelta(days=world.chance.choice((1, 2)))
        wished = world.book.moment(f"{later} {world.chance.choice(AGREED)}")
        again_at = agreed_callback(world.book, str(started.attempt), who, wished)
        outcome = outcome if again_at else "spoke"
    # One call is about all that there is to ask. Each of its items was tried by it.
    why = outcome in TELLS_WHY or (outcome in MAY_TELL_WHY and world.chance.random() < 0.5)
    made = [
        Made(world.now, "call", about.item, who, outcome, again_at=again_at, told_reason=why)
        for about in started.loans
    ]
    for each in made:
        _judge(world, account, each)
    world.book.clock.at += timedelta(seconds=1)
    told = {"attempt": started.attempt, "outcome": outcome, "actor": who}
    told["reason"] = "unemployed" if why else None
    told["callback_at"] = again_at.isoformat() if again_at else None
    about = None
    if outcome == "complains":
        about, words = _complained_of(world, account, who, str(started.attempt))
        told |= words
    done = submit(ctx, f"outcome:{started.attempt}", "contact_outcome", told)
    assert done.status == "applied", done.reason
    world.judged.seen["one call about several"] += len(made) > 1
    for each in made:
        each.reported_at = world.now
    if outcome == "says_paid":
        said = account.says_paid(str(started.attempt), world.now)
        world.judged.seen["says paid" if said.until else "says paid, and is not left alone"] += 1
    if outcome == "complains":
        note_complaint(world, account, f"complains:{started.attempt}", about)
        world.judged.seen["complains in a call"] += 1
    return True


def _complained_of(
    world: World, account: Account, who: str, attempt: str
) -> tuple[str | None, dict[str, str]]:
    """Of whom they complain in a call, and how the outcome says so: of who calls, by name or by the
    contact in question; of who called before; or of the loan, which is about nobody."""
    kinds = {"who calls": 2, "this call": 2, "who called before": 1, "the loan": 1}
    match world.decks.draw("complained of", kinds):
        case "who calls":
            return who, {"complaint_kind": "conduct", "about_staff": who}
        case "this call":
            return who, {"complaint_kind": "harassment", "about_attempt": attempt}
        case "who called before":
            before = next((each.by for each in account.made if each.by not in ("", who)), who)
            return before, {"complaint_kind": "conduct", "about_staff": before}
        case _:
            return None, {"complaint_kind": "product", "about_attempt": attempt}


def _judge(world: World, account: Account, made: Made) -> None:
    made.since = account.stands(made.at).ladder_since
    world.judged.contacts[made.item] += 1
    if broken := account.against(made):
        world.judged.unlawful.append(f"{made}: {broken}")
    account.made.append(made)
