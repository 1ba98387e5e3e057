"""What borrowers and the lender say to Arrears: promises, plans, complaints, disputes, payments."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from domain.actors import Actor
from domain.arranged import Wish
from domain.arrangements import AcceptanceProof, AskedBy
from domain.disputes import Matter
from domain.errors import ArrearsError
from tests.oracle.accounts import Account
from tests.oracle.agreeing_world import World, currency_of, money
from tests.oracle.agreements import Pledge, arrangement_terms, cents_of, promise_terms
from tests.oracle.happened import Complained, Disputed, Paid, Plan, Promised
from tests.support.acting import acting
from tests.support.events import reverse, tell
from tests.support.matters import answer_matter
from workers.hardship.arrangement_acceptances import Acceptance, accept_arrangement
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangements import NewRequest, request_arrangement

HAPPENS = {
    **{"promise": 9, "promise of a part": 3, "taken back": 1, "plan": 4, "complaint": 3},
    **{"dispute": 1, "dispute answered": 2},
    **{"answer": 3, "pays what was promised": 6, "pays a part": 3, "pays all": 3, "bounces": 3},
}
LEFT_ALONE = 0.7
"""How likely nothing comes of a borrower at a moment."""


def something_happens(world: World, account: Account) -> None:
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
    id, currency = world.new_id("PR"), currency_of(account)
    parts = [(world.today + timedelta(days=n), cents) for n in days]
    said = [{"due_on": str(day), "amount": money(cents)} for day, cents in parts]
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
    if currency_of(account) != "CNY" or account.plans or not account.stands(world.now).past_due:
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
    note_complaint(world, account, id, about)
    return True


def note_complaint(world: World, account: Account, id: str, about: str | None) -> None:
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
    paid = {"external_id": id, "loan": account.id, "amount": money(cents)}
    paid |= {"currency": currency_of(account), "paid_on": str(world.today)}
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
