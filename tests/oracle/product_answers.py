"""The one place where Arrears is asked: the gate, with the facts that a borrower's life gives."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import config
from config.readers.rule_packs import read_rule_pack
from config.readers.yaml_reader import read_yaml
from domain.compliance.contact_facts import Consent, ContactFacts, PastContact
from domain.compliance.gate import Verdict, may_contact
from domain.compliance.rules import RulePack, packs_for
from domain.compliance.vocabulary import Channel, Collects, ConsentTo, Party, Purpose, Says
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import NumberFact
from domain.holds import Hold, HoldKind
from domain.persons import PersonFact
from tests.oracle.log import Life, Reached

SHIPPED = Path(config.__file__).parent / "rule_packs"


@cache
def _packs() -> tuple[RulePack, ...]:
    return tuple(read_rule_pack(read_yaml(path)) for path in sorted(SHIPPED.glob("*.yaml")))


def _noticed_on(life: Life, loan: int, at: datetime) -> date | None:
    given = life.notices.get(loan)
    return given.date() if given is not None and given <= at else None


def ask(life: Life, wanted: Reached, at: datetime) -> Verdict:
    """What Arrears says of a contact at a moment, knowing what was known then."""
    mine = [contact.at for contact in life.contacts if contact.loan == wanted.loan]
    first = min(mine).astimezone(ZoneInfo(life.zones[0])).date() if mine else None
    stopped = {channel for channel, since in life.stopped.items() if since <= at}
    paid = wanted.loan in life.paid and life.paid[wanted.loan] <= at
    facts = ContactFacts(
        past_due=Decimal(0 if paid else 100),
        zones=life.zones,
        lender_zone=life.lender_zone,
        packs=packs_for(_packs(), life.jurisdiction),
        reachable=frozenset(Channel),
        holds=tuple(
            Hold(HoldKind(pause.kind), pause.first, pause.end)
            for pause in life.pauses
            if pause.loan == wanted.loan and pause.known_at <= at
        ),
        refused_channels=frozenset(Channel(channel) for channel in stopped if channel != "*"),
        person_facts=frozenset({PersonFact.CEASED} if "*" in stopped else ()),
        due_day=life.due.get(wanted.loan),
        collects_as=frozenset({Collects(life.collects_as)}),
        loan_id=wanted.loan,
        product=life.product,
        consents=tuple(Consent(ConsentTo(a.to), a.since, a.until) for a in life.agreed),
        history=tuple(
            PastContact(
                contact.at,
                Channel(contact.channel),
                contact.loan,
                contact.connected,
                contact.number,
                contact.at_work,
                Party(contact.party),
                contact.inbound,
                ContactOutcome(contact.outcome) if contact.outcome else None,
                contact.also_about,
            )
            for contact in life.contacts
        ),
        first_contact_on=first,
        party=Party(wanted.party),
        purpose=Purpose(wanted.purpose),
        location_asked=any(
            contact.purpose == "locate" and contact.number == wanted.number
            for contact in life.contacts
            if contact.party == "third_party"
        ),
        number=wanted.number,
        number_facts=frozenset(
            fact
            for fact, known in (
                (NumberFact.REACHES_NOBODY, life.number_invalid),
                (NumberFact.AT_WORK, wanted.at_work),
            )
            if known
        ),
        says=frozenset(map(Says, wanted.says)),
        visit_staff=wanted.staff,
        noticed_at=wanted.noticed_at,
        validation_notice_on=_noticed_on(life, wanted.loan, at),
        limitation_from=life.loans[wanted.loan],
    )
    return may_contact(facts, Channel(wanted.channel), at)
