"""What the oracle makes of a run of Arrears itself: contact by contact, from the outside's logs."""

import re
from collections import Counter, defaultdict
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tests.oracle.facts import forbidden_by_facts, is_at_work, ladder_since
from tests.oracle.law import against
from tests.oracle.lender import LENDER_ZONE, Customer
from tests.oracle.log import Life, Reached, Undelivered
from tests.oracle.losing import Taken
from tests.oracle.simulated_borrowers import Simulation
from tests.oracle.simulation import Found
from tests.oracle.situations import situations
from workers.db.schema import action_event, contact, loan
from workers.evidence.chain import chain_evidence
from workers.evidence.verify import verify

SPEAKS_OF_STOPPING = ("Reply STOP", "回复TD")
LENDER = "Example Lender"
MOST_TRIES = 3
"""How often one text may be tried: docs/decisions/0035-next-tries.md."""
TEMPLATES = Path(__file__).parents[2] / "config" / "templates"
LOANS = re.compile(r"L-\d{6}")


@dataclass(frozen=True, slots=True)
class Lived:
    """What the oracle made of Arrears itself."""

    found: Found
    by_channel: dict[str, int]
    texted_twice: int
    workers_lost: int
    evidence_wrong: int


def note_situations(simulation: Simulation, found: Found) -> None:
    """In which situations the borrowers are at the end of a day."""
    now = simulation.now
    held = Counter(
        number
        for customer in simulation.lender.customers
        for number in {
            number
            for key in customer.life.records_of
            for number in customer.life.numbers_at(key, now)
        }
    )
    shared = {str(number) for number, count in held.items() if count > 1}
    for customer in simulation.lender.customers:
        if customer.life.records_of:
            found.seen.days.update(situations(customer.life, now, shared))


def customers_by_loan(simulation: Simulation) -> dict[str, tuple[Customer, int]]:
    """By the lender's id of a loan, whose it is, and its key."""
    return {
        each.id: (customer, each.key)
        for customer in simulation.lender.customers
        for each in customer.loans
    }


def check_all(simulation: Simulation, found: Found) -> Lived:
    """Judge everything that was done, in the order of time."""
    known = customers_by_loan(simulation)
    texted_twice = _read_texts(simulation, known, found)
    for life, reached in simulation.calls:
        life.contacts.append(reached)
    lives = [customer.life for customer in simulation.lender.customers]
    for life in lives:
        life.contacts.sort(key=lambda made_contact: made_contact.at)
        for made_contact in life.contacts:
            made_contact.life_id = life.id
            simulation.lender.numbers.reached[made_contact.number].append(made_contact)
    for by_number in simulation.lender.numbers.reached.values():
        by_number.sort(key=lambda made_contact: made_contact.at)
    named = _rules_named(simulation)
    ids = {key: id for id, (_, key) in known.items()}
    by_channel: Counter[str] = Counter()
    for life in lives:
        for made_contact in life.contacts:
            made_contact.rules = named[ids[made_contact.loan]]
            by_channel[made_contact.channel] += 1
            _judge(life, made_contact, found)
    found.contacts = by_channel.total()
    found.seen.events += simulation.events
    found.seen.barred += _barred(simulation)
    found.refusals = found.seen.barred.total()
    return Lived(
        found=found,
        by_channel=dict(by_channel),
        texted_twice=texted_twice,
        workers_lost=simulation.losing.lost,
        evidence_wrong=_evidence_wrong(simulation),
    )


def _read_texts(
    simulation: Simulation, known: dict[str, tuple[Customer, int]], found: Found
) -> int:
    """Put the provider's log into the lives of those who were texted; how many came twice."""
    texts: dict[tuple[object, ...], list[Taken]] = defaultdict(list)
    tries: dict[tuple[object, ...], list[Taken]] = defaultdict(list)
    twice: Counter[tuple[object, ...]] = Counter()
    at_once: Counter[tuple[object, ...]] = Counter()
    for taken in sorted(simulation.provider.log, key=lambda taken: taken.at):
        at, text = taken.at, taken.text
        about = LOANS.findall(text.body)
        item, language = template_of(text.body)
        roles = ("guarantor",) if item == "guarantor_notice" else ("borrower", "co_borrower")
        customer, key = known[about[0]]
        probe = Reached(at, "sms", key, number=text.to)
        party, life = who_is_reached(customer.life, probe, roles)
        # Records that are only presumed to be one person are not told of each other's loans.
        same = life.same_as(life.record_of(key, at), at)
        if any(
            not _is_party(known[id][0].life, known[id][1], life, party, at)
            or life.record_of(known[id][1], at) not in same
            for id in about
        ):
            found.unlawful += 1
            found.offend(f"unlawful: {at} {text.to} is told of a stranger's loan: {about}")
        since = ladder_since(customer.life, key, at)
        # Of two parties who have the number, each is told.
        told = max(1, len(_who_have_it(customer.life, probe, roles)))
        which: tuple[object, ...] = (text.body, life.id, since)
        twice[which] += _how_many_live(texts[which], at) >= told
        texts[which].append(taken)
        earlier = tries[item, key, life.id, party, since]
        if len(earlier) >= told and any(_failed(other, at) for other in earlier):
            found.seen.events["next try"] += 1
            found.seen.events["next try, at another number"] += earlier[-1].text.to != text.to
        if len(earlier) >= told * MOST_TRIES or _on_day_of(earlier, taken) >= told:
            found.unlawful += 1
            found.offend(f"unlawful: {at} one more try: {item} {text.to} {life.id}")
        earlier.append(taken)
        at_once[str(at), text.to, item, party, life.id, tuple(sorted(same))] += 1
        says = {"debt"}
        says |= {"identity"} if LENDER in text.body else set()
        says |= {"opt_out"} if any(word in text.body for word in SPEAKS_OF_STOPPING) else set()
        says |= {"legal_consequences"} if item == "legal_notice" else set()
        others = frozenset(known[id][1] for id in about) - {key}
        reached = Reached(at, "sms", key, number=text.to, says=frozenset(says), also_about=others)
        reached.party, reached.language, reached.item = party, language, item
        if taken.failed_at is not None:
            life.undelivered += [
                Undelivered(taken.failed_at, text.to, of, item, ladder_since(life, of, at))
                for of in (key, *others)
            ]
        life.contacts.append(reached)
    for which, count in at_once.items():
        if count > 1:
            found.unlawful += 1
            found.offend(f"unlawful: {count} texts that could be one: {which}")
    for which, count in (+twice).items():
        found.offend(f"sent {count} times too often: {which}")
    return twice.total()


def _failed(taken: Taken, at: datetime) -> bool:
    """Whether it was known by then that a text had not arrived."""
    return taken.failed_at is not None and taken.failed_at <= at


def _how_many_live(texts: list[Taken], at: datetime) -> int:
    """How many may have arrived, for all that was known by then."""
    return sum(not _failed(taken, at) for taken in texts)


def _on_day_of(tries: list[Taken], last: Taken) -> int:
    """How many were made on the lender's day of the last one."""
    days = [taken.at.astimezone(ZoneInfo(LENDER_ZONE)).date() for taken in (*tries, last)]
    return days[:-1].count(days[-1])


def who_is_reached(owner: Life, reached: Reached, roles: Container[str]) -> tuple[str, Life]:
    """Who of the parties of a loan has the number, and what they are to it; else the first one.

    Of two who have the same number, whoever may be reached by such a contact.
    """
    found = _who_have_it(owner, reached, roles)
    acting = (
        ("representative", life)
        for role, life in owner.everybody(reached.loan, reached.at)
        if role in roles and _acts_there(life, reached)
    )
    if not found and (instead := next(acting, None)):
        return instead
    if len(found) > 1:
        allowed = (each for each in found if not against(each[1], replace(reached, party=each[0])))
        return next(allowed, found[0])
    there = (each for each in owner.everybody(reached.loan, reached.at) if each[0] in roles)
    return next(iter(found or there), ("borrower", owner))


def _acts_there(life: Life, reached: Reached) -> bool:
    acting = life.acting_at(reached.loan, reached.at)
    return acting is not None and acting.number == reached.number


def _who_have_it(owner: Life, reached: Reached, roles: Container[str]) -> list[tuple[str, Life]]:
    """The parties of a loan, in these roles, who have the number."""
    return [
        (role, life)
        for role, life in owner.everybody(reached.loan, reached.at)
        if role in roles and reached.number in life.numbers_at(reached.loan, reached.at)
    ]


def _is_party(owner: Life, loan: int, life: Life, role: str, at: datetime) -> bool:
    return any(each[0] == role and each[1] is life for each in owner.everybody(loan, at))


def template_of(body: str) -> tuple[str, str]:
    """The template and the language of a text."""
    return next(which for which, words in _templates().items() if words.match(body))


@cache
def _templates() -> dict[tuple[str, str], re.Pattern[str]]:
    """How each text reads, by item and language, about one loan or several."""
    words: dict[tuple[str, str], list[str]] = {}
    for path in sorted(TEMPLATES.glob("*/*.txt")):
        item = re.sub(r"_(two|three|more)_loans$", "", path.stem)
        parts = re.split(r"\{\{[^}]*\}\}", path.read_text(encoding="utf-8").strip())
        words.setdefault((item, path.parent.name), []).append(".*?".join(map(re.escape, parts)))
    return {which: re.compile(f"(?:{'|'.join(all)})$", re.DOTALL) for which, all in words.items()}


def _judge(life: Life, made_contact: Reached, found: Found) -> None:
    made_contact.at_work = is_at_work(life, made_contact)
    found.seen.contacts.update(situations(life, made_contact.at, ()))
    if broken := _against_all(life, made_contact):
        found.unlawful += 1
        found.offend(f"unlawful: {life.id} {life.jurisdiction} {made_contact}: {broken}")
    if not made_contact.rules:
        found.unexplained += 1
        found.offend(f"unexplained: {life.id} {life.jurisdiction} {made_contact}")


def _against_all(life: Life, reached: Reached) -> list[str]:
    """What a contact breaks, about each of the loans that it was about."""
    broken = against(life, reached)
    for other in reached.also_about:
        about_other = replace(reached, loan=other, also_about=frozenset())
        broken += [what for what in forbidden_by_facts(life, about_other) if what not in broken]
    return broken


def _barred(simulation: Simulation) -> Counter[str]:
    """How often an action was barred or deferred, by the rule that was named first."""
    moves = select(action_event.c.to_status, action_event.c.rules).where(
        action_event.c.to_status.in_(("barred", "deferred"))
    )
    return Counter(
        f"{row.to_status}: {row.rules[0]}" for row in simulation.book.rows(moves) if row.rules
    )


def _evidence_wrong(simulation: Simulation) -> int:
    while chain_evidence(simulation.book.ctx):
        pass
    engine = simulation.book.ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        return len(list(verify(connection)))


def _rules_named(simulation: Simulation) -> dict[str, tuple[str, ...]]:
    """By loan, the rules of its contacts; nothing where one of them names none."""
    named: dict[str, tuple[str, ...]] = dict.fromkeys(customers_by_loan(simulation), ())
    silent = set()
    for row in simulation.book.rows(
        select(loan.c.external_id, contact.c.rules).join(loan, loan.c.id == contact.c.loan_id)
    ):
        named[row.external_id] += tuple(row.rules)
        if not row.rules:
            silent.add(row.external_id)
    return {id: () if id in silent else rules for id, rules in named.items()}
