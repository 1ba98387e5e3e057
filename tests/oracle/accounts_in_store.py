"""Arrears itself, with borrowers who promise, ask for plans and complain, and how they are called.

The oracle is shown what the provider sent, whom collectors called, and what came in. Of Arrears it
reads, when a day is over, where each promise, plan, call and complaint stands on record.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Engine, insert, update

from config.readers.policy import Policy
from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.actors import Actor
from domain.arranged import Wish
from domain.arrangements import AcceptanceProof, AskedBy
from domain.disputes import Matter
from domain.errors import ArrearsError
from domain.loans import Instalment
from tests.oracle.accounts import Account
from tests.oracle.agreements import Pledge, arrangement_terms, cents_of, promise_terms
from tests.oracle.days import falls_due, ladder_file
from tests.oracle.happened import Complained, Disputed, Made, Paid, Plan, Promised
from tests.oracle.incoming import Decks
from tests.oracle.items import item_of_template
from tests.oracle.on_record import wrong_on_record
from tests.oracle.verdict import template_of
from tests.support.acting import acting
from tests.support.callbacks import agreed_callback
from tests.support.events import reverse, tell
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import Book, only, shipped_policy
from tests.support.matters import answer_matter
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import use_case
from workers.calls.start import start_call
from workers.db.schema import loan, shift
from workers.escalation.escalate import escalate_loans
from workers.escalation.reassess import close_paid_cases
from workers.escalation.scan import Envelope, scan_portfolio
from workers.hardship.answer_clock import watch_answers
from workers.hardship.arrangement_acceptances import Acceptance, accept_arrangement
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangement_review import settle_arrangements
from workers.hardship.arrangements import NewRequest, request_arrangement
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
HAPPENS = {
    **{"promise": 9, "promise of a part": 3, "taken back": 1, "plan": 4, "complaint": 3},
    **{"dispute": 1, "dispute answered": 2},
    **{"answer": 3, "pays what was promised": 6, "pays a part": 3, "pays all": 3, "bounces": 3},
}
LEFT_ALONE = 0.7
"""How likely nothing comes of a borrower at a moment."""


@dataclass(slots=True)
class Judged:
    """What the oracle made of it."""

    borrower_days: int = 0
    contacts: Counter[str] = field(default_factory=Counter)
    """By item."""
    seen: Counter[str] = field(default_factory=Counter)
    unlawful: list[str] = field(default_factory=list)
    """Contacts that may not have been made, with why."""
    not_due: list[str] = field(default_factory=list)
    """What is on record and should not be, or lacks."""

    @property
    def wrong(self) -> int:
        return len(self.unlawful) + len(self.not_due)


@dataclass(slots=True)
class World:
    """Everything outside Arrears."""

    book: Book
    chance: random.Random
    decks: Decks
    accounts: dict[str, Account]
    by_number: dict[str, str]
    judged: Judged
    texts: FakeSmsGateway
    heard: int = 0
    """How many texts of the provider's log were judged."""
    count: int = 0

    @property
    def now(self) -> datetime:
        return self.book.ctx.now()

    @property
    def today(self) -> date:
        return self.book.ctx.today()

    def new_id(self, letter: str) -> str:
        self.count += 1
        return f"{letter}-{self.count}"


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
                _something_happens(world, account)
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


# ---- what comes in


def _something_happens(world: World, account: Account) -> None:
    """The next thing that can happen to this borrower, or nothing."""
    if world.chance.random() < LEFT_ALONE:
        return
    for _ in range(4):
        what = world.decks.draw("happens", HAPPENS)
        if HAPPENING[what](world, account):
            world.judged.seen[what] += 1
            return


def _promise(world: World, account: Account) -> bool:
    return _promised(world, account, world.chance.choice(((1,), (3,), (2, 5), (3, 6, 9))), 100)


def _promise_too_little(world: World, account: Account) -> bool:
    return _promised(world, account, (4,), 40)


def _promised(world: World, account: Account, days: tuple[int, ...], percent: int) -> bool:
    due = account.stands(world.now).past_due
    cents = due * percent // 100 // len(days)
    if not cents:
        return False
    id, currency = world.new_id("PR"), _currency(account)
    parts = [(world.today + timedelta(days=n), cents) for n in days]
    said = [{"due_on": str(day), "amount": _money(cents)} for day, cents in parts]
    told = {"promise": id, "loan": account.id, "currency": currency, "actor": "c-1"}
    if tell(world.book, "promise", **told, parts=said).status != "applied":
        world.judged.seen["promise that is not taken"] += 1
        return False
    pledge = Pledge(tuple(parts), world.now)
    if currency == "CNY":
        pledge = Pledge.by_terms(parts, world.now, promise_terms("consumer_loan_cn"))
    for other in account.open_promises(world.now):
        other.ended_at = world.now
    promised = Promised(id, pledge)
    account.promised.append(promised)
    world.judged.seen["promise in parts"] += len(days) > 1
    account.remind(promised, world.now)
    return True


def _take_back(world: World, account: Account) -> bool:
    for promised in account.open_promises(world.now):
        tell(world.book, "promise_withdrawal", promise=promised.id)
        promised.ended_at = world.now
        return True
    return False


def _plan(world: World, account: Account) -> bool:
    """Asked for, offered and accepted at once; the ledger confirms it, refuses, or says nothing."""
    if _currency(account) != "CNY" or account.plans or not account.stands(world.now).past_due:
        return False
    chance, ctx = world.chance, acting(world.book.ctx, Actor("s-1"))
    wish = chance.choice((Wish(days=9), Wish(days=20), Wish(instalments=2)))
    id = world.new_id("AR")
    request = NewRequest(
        arrangement=id,
        loan=account.id,
        asked_by=AskedBy.CALL,
        days=wish.days,
        instalments=wish.instalments,
    )
    proof, recording = AcceptanceProof.RECORDING, world.new_id("REC")
    accepted = Acceptance(arrangement=id, proof=proof, proof_reference=recording)
    try:
        request_arrangement(ctx, request)
    except ArrearsError:
        return False
    try:
        offered = offer_arrangement(ctx, id).arrangement
        accept_arrangement(ctx, accepted)
    except ArrearsError:
        tell(world.book, "arrangement_withdrawal", arrangement=id)
        world.judged.seen["plan that is not offered"] += 1
        return False
    quote = offered.quote or {}
    terms = arrangement_terms("consumer_loan_cn")
    kind = terms["deferral" if wish.days else "instalment_plan"]
    plan = Plan(
        id,
        world.now,
        world.today + timedelta(days=terms.get("confirm_within_days", 5)),
        tuple(map(_instalment, quote["arranged"])),
        kind["grace_days"],
        kind["missed_ends_it"],
    )
    account.plans.append(plan)
    answer = world.decks.draw("ledger", {"yes": 3, "no": 1, "nothing": 1})
    world.judged.seen[f"the ledger says {answer}"] += 1
    if answer == "no":
        tell(world.book, "arrangement_refusal", arrangement=id)
        plan.refused_at = world.now
    elif answer == "yes":
        parts = ("due_on", "principal", "interest", "fees")
        schedule = [{name: each[name] for name in parts} for each in quote["after"]]
        told = {"restructuring": world.new_id("RS"), "loan": account.id, "currency": "CNY"}
        told |= {"restructured_on": str(world.today), "why": "agreed", "actor": "ledger"}
        done = tell(world.book, "restructuring", **told, instalments=schedule, arrangement=id)
        assert done.status == "applied", done.reason
        plan.active_at = world.now
        account.schedules.append((world.now, tuple(map(_instalment, schedule))))
        account.money_changed(world.now)
    return True


def _instalment(written: Mapping[str, str]) -> tuple[date, int]:
    cents = sum(cents_of(written[name]) for name in ("principal", "interest", "fees"))
    return date.fromisoformat(written["due_on"]), cents


def _complain(world: World, account: Account) -> bool:
    called = [made.by for made in account.made if made.by]
    about = world.chance.choice([*called[-1:], *called[-1:], None])
    id = world.new_id("C")
    told = {"complaint": id, "loan": account.id, "kind": "conduct", "why": "was rude"}
    told |= {"about_staff": about} if about else {}
    assert tell(world.book, "complaint", **told, actor="s-1").status == "applied"
    _note_complaint(world, account, id, about)
    return True


def _note_complaint(world: World, account: Account, id: str, about: str | None) -> None:
    stops_all = account.ladder == "consumer_loan_us"
    days = 15 if account.ladder == "consumer_loan_cn" else 60
    last = world.today + timedelta(days=days)
    account.complained.append(Complained(id, world.now, about, stops_all, last))


def _answer(world: World, account: Account) -> bool:
    for complained in account.open_complaints(world.now):
        outcome = world.chance.choice(("upheld", "rejected"))
        finding = {"upheld": "rule_broken", "rejected": "rules_kept"}[outcome]
        answered = answer_matter(world.book, Matter.COMPLAINT, complained.id, outcome, finding)
        assert answered.status == "applied", answered.reason
        complained.answered_at, complained.upheld = world.now, outcome == "upheld"
        return True
    return False


def _dispute(world: World, account: Account) -> bool:
    if any(each.lasts(world.now) for each in account.disputed):
        return False
    id = world.new_id("D")
    told = {"dispute": id, "loan": account.id, "kind": "amount", "why": "not so much"}
    done = tell(world.book, "dispute", **told, starts_on=str(world.today), actor="c-1")
    assert done.status == "applied", done.reason
    account.disputed.append(Disputed(id, world.now))
    return True


def _answer_dispute(world: World, account: Account) -> bool:
    for disputed in account.disputed:
        if disputed.lasts(world.now):
            answer = ("rejected", "records_differ")
            answered = answer_matter(world.book, Matter.DISPUTE, disputed.id, *answer)
            assert answered.status == "applied", answered.reason
            disputed.answered_at = world.now
            return True
    return False


def _pay_promised(world: World, account: Account) -> bool:
    """What lacks of the next part, perhaps a cent less than that."""
    for promised in account.open_promises(world.now):
        there = sum(
            money.cents
            for money in account.money(world.now)
            if money.known_at >= promised.pledge.made_at
        )
        upto = 0
        for _, cents in promised.pledge.parts:
            upto += cents
            if upto > there:
                return _pay(world, account, upto - there - world.chance.choice((0, 0, 50, 101)))
    return _pay_a_part(world, account) if world.chance.random() < 0.2 else False


def _pay_a_part(world: World, account: Account) -> bool:
    return _pay(world, account, account.stands(world.now).past_due // 3)


def _pay_all(world: World, account: Account) -> bool:
    return _pay(world, account, account.stands(world.now).past_due)


def _pay(world: World, account: Account, cents: int) -> bool:
    if cents <= 0:
        return False
    id = world.new_id("P")
    paid = {"external_id": id, "loan": account.id, "amount": _money(cents)}
    paid |= {"currency": _currency(account), "paid_on": str(world.today)}
    told = tell(world.book, "payment", **paid)
    assert told.status == "applied", told.reason
    account.paid[id] = Paid(world.today, world.now, cents)
    account.money_changed(world.now)
    return True


def _bounce(world: World, account: Account) -> bool:
    since = account.schedules[-1][0]
    live = [
        id for id, paid in account.paid.items() if paid.gone_at is None and paid.known_at >= since
    ]
    if not live:
        return False
    assert reverse(world.book, live[-1]).status == "applied"
    account.paid[live[-1]].gone_at = world.now
    account.money_changed(world.now, lost=live[-1])
    return True


HAPPENING: dict[str, Callable[[World, Account], bool]] = {
    "promise": _promise,
    "promise of a part": _promise_too_little,
    "taken back": _take_back,
    "plan": _plan,
    "complaint": _complain,
    "answer": _answer,
    "dispute": _dispute,
    "dispute answered": _answer_dispute,
    "pays what was promised": _pay_promised,
    "pays a part": _pay_a_part,
    "pays all": _pay_all,
    "bounces": _bounce,
}
"""What may happen; each says whether it did."""


# ---- what Arrears does


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
        _note_complaint(world, account, f"complains:{started.attempt}", about)
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


def _currency(account: Account) -> str:
    return "CNY" if account.ladder == "consumer_loan_cn" else "INR"


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
