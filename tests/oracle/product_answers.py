"""The one place where Arrears' domain is asked: the gate, with what the domain makes of the facts.

No database: what a text or an outcome means, whom a fact reaches and whether a contact may be made
are answered by `domain/`; where the facts are kept meanwhile is written here once more.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import config
from config.readers.rule_packs import read_rule_pack
from config.readers.yaml_files import read_yaml
from domain.compliance.contact_facts import Consent, ContactFacts, PastContact
from domain.compliance.gate import may_contact
from domain.compliance.number_choice import number_for
from domain.compliance.party_reach import holds_of_borrower, with_all_holds
from domain.compliance.representatives import contacted_instead
from domain.compliance.rules import RulePack, packs_for
from domain.compliance.verdict import Verdict
from domain.compliance.vocabulary import Channel, Collects, ConsentTo, Party, Purpose, Says
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import BY_NUMBER, NumberFact, NumberOnRecord
from domain.holds import Hold
from domain.inbound_texts import Effects, ReplyKind, effects_of
from domain.inconvenient import InconvenientPlace, InconvenientTime, Location
from domain.parties import LoanParty, Representative, RepresentativeKind
from domain.persons import PersonFact, groups
from tests.oracle.log import Acting, Life, Reached, Spell
from tests.support.loans import shipped_policy

SHIPPED = Path(config.__file__).parent / "rule_packs"


@cache
def _packs() -> tuple[RulePack, ...]:
    return tuple(read_rule_pack(read_yaml(path)) for path in sorted(SHIPPED.glob("*.yaml")))


@cache
def _packs_for(jurisdiction: str) -> tuple[RulePack, ...]:
    return packs_for(_packs(), jurisdiction)


@dataclass(slots=True)
class Known:
    """What Arrears knows of the people of one street: facts of numbers, facts by record, links."""

    number_facts: dict[str, list[Spell]] = field(default_factory=lambda: defaultdict(list))
    unread: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    person_facts: list[Spell] = field(default_factory=list)
    """What is a wish for one channel is `sms`, `call` or `visit`."""
    holds: list[tuple[str | int, Hold]] = field(default_factory=list)
    """With the record of a person, or the number of a loan."""
    hours: list[tuple[str, InconvenientTime]] = field(default_factory=list)
    """By record, what somebody called inconvenient."""
    acting: list[tuple[str, Acting]] = field(default_factory=list)
    """By record, who acts for the person."""
    hours_of_representatives: dict[str, list[InconvenientTime]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By number."""
    links: list[tuple[int, int]] = field(default_factory=list)
    person_of: dict[str, int] = field(default_factory=dict)
    """By record."""

    def add_record(self, record: str, same_as: str | None = None) -> None:
        """A tape brings a new record, with a loan that stood under another one."""
        self.person_of[record] = int(record)
        if same_as is not None:
            self.links.append((int(same_as), int(record)))
            before = {int(known): person for known, person in self.person_of.items()}
            for records, person in groups(before, self.links):
                for joined in records:
                    self.person_of[str(joined)] = min(records) if person is None else person

    def same_person(self, record: str, other: str | None) -> bool:
        return other is not None and self.person_of[record] == self.person_of[other]

    def take_representative(self, record: str, acting: Acting) -> None:
        self.acting.append((record, acting))

    def representative(self, record: str, at: datetime) -> Representative | None:
        """Who acts for the person, as `workers/db/loan_facts.py` reads it: the newest."""
        known = [
            (n, acting)
            for n, (of, acting) in enumerate(self.acting)
            if self.same_person(record, of) and acting.lasts(at)
        ]
        if not known:
            return None
        id, acting = known[-1]
        return Representative(
            id,
            RepresentativeKind(acting.kind),
            acting.contacted,
            NumberOnRecord(acting.number, self.facts_of(acting.number, at))
            if acting.number
            else None,
            inconvenient_times=tuple(self.hours_of_representatives[acting.number]),
        )

    def take_text(self, number: str, body: str, holders: list[str], at: datetime) -> None:
        reading = shipped_policy().replies.read(body)
        effects = effects_of(reading.kinds, number_is_known=bool(holders))
        self._apply(number, effects, holders, at)
        self.unread[number] += reading.to_read
        if ReplyKind.START in reading.kinds:
            self.end_number_fact(number, NumberFact.OPTED_OUT, at)

    def read_text(self, number: str, meaning: str, holders: list[str], at: datetime) -> None:
        """A person says what a text means that nobody had read."""
        self.unread[number] -= 1
        kinds = frozenset({meaning})
        self._apply(number, effects_of(kinds, number_is_known=bool(holders)), holders, at)

    def _apply(self, number: str, effects: Effects, holders: list[str], at: datetime) -> None:
        for fact in effects.number:
            self.note_number_fact(number, fact, at)
        for record in holders:
            if effects.ceases:
                self.person_facts.append(Spell(PersonFact.CEASED, at, record=record))
            if effects.refuses_calls:
                self.person_facts.append(Spell(Channel.CALL, at, record=record))

    def note_number_fact(self, number: str, fact: str, at: datetime) -> None:
        self.number_facts[number].append(Spell(fact, at))

    def end_number_fact(self, number: str, fact: str, at: datetime) -> None:
        for known in self.number_facts[number]:
            if known.what == fact and known.lasts(at):
                known.until = at

    def take_outcome(self, reached: Reached) -> None:
        outcome = ContactOutcome(reached.outcome)
        if reached.party == Party.THIRD_PARTY and outcome is not ContactOutcome.THIRD_PARTY_REFUSED:
            return
        for refuted in outcome.refutes:
            self.end_number_fact(reached.number, refuted, reached.at)
        if outcome.number_fact is not None:
            self.note_number_fact(reached.number, outcome.number_fact, reached.at)

    def holds_against(
        self, life: Life, wanted: Reached, packs: tuple[RulePack, ...], at: datetime, today: date
    ) -> tuple[Hold, ...]:
        """The holds that stop contact with whoever is contacted, as `workers/gate` has them."""
        owner, loan = life.owner(wanted.loan), wanted.loan

        def of_person(somebody: Life) -> tuple[Hold, ...]:
            record = somebody.record_of(loan, at)
            known = ((of, hold) for of, hold in self.holds if isinstance(of, str))
            return tuple(hold for of, hold in known if self.same_person(record, of))

        others = life.everybody(loan, at)[1:]
        parties = [
            LoanParty(n, Party(role), self.person_of[party.record_of(loan, at)], of_person(party))
            for n, (role, party) in enumerate(others)
        ]
        own = (*(hold for of, hold in self.holds if of == loan), *of_person(owner))
        if life is owner:
            return holds_of_borrower(packs, own, parties, today)
        with_all = with_all_holds(packs, own, parties, today)
        mine = [n for n, (_, party) in enumerate(others) if party is life]
        return with_all[mine[0]].holds if mine else (*own, *of_person(life))

    def facts_of(self, number: str, at: datetime) -> frozenset[NumberFact]:
        known = self.number_facts.get(number, ())
        facts = {NumberFact(fact.what) for fact in known if fact.lasts(at)}
        return frozenset(facts | ({NumberFact.UNREAD_REPLY} if self.unread[number] else set()))


def ask(known: Known, life: Life, wanted: Reached, at: datetime) -> tuple[Verdict, str, str]:
    """What Arrears says of a contact at a moment, knowing what was known then; the number that it
    would use, and who would be contacted there."""
    facts, channel = _facts(known, life, wanted, at), Channel(wanted.channel)
    verdict = may_contact(facts, channel, at)
    if wanted.party == Party.THIRD_PARTY or channel not in BY_NUMBER:
        return verdict, wanted.number, wanted.party
    acting, _ = contacted_instead(facts, channel, at)
    used = number_for(acting, channel, at)
    number = used.key if used else life.number_of(wanted.loan, at) or ""
    return verdict, number, acting.party


def _facts(known: Known, life: Life, wanted: Reached, at: datetime) -> ContactFacts:
    mine = [contact.at for contact in life.contacts if contact.loan == wanted.loan]
    first = min(mine).astimezone(ZoneInfo(life.zones[0])).date() if mine else None
    owner, today = life.owner(wanted.loan), at.astimezone(ZoneInfo(life.lender_zone)).date()
    paid = wanted.loan in owner.paid and owner.paid[wanted.loan] <= at
    packs = _packs_for(life.jurisdiction)
    record = life.record_of(wanted.loan, at)
    of_person = [
        fact
        for fact in known.person_facts
        if fact.lasts(at)
        and fact.loan in (None, wanted.loan)
        and known.same_person(record, fact.record)
    ]
    numbers = life.numbers_at(wanted.loan, at)
    acting = known.representative(record, at)
    at_number = {*numbers, wanted.number}
    if acting and acting.number:
        at_number.add(acting.number.key)
    at_work = frozenset({NumberFact.AT_WORK} if wanted.at_work else ())
    return ContactFacts(
        past_due=Decimal(0 if paid else 100),
        zones=life.zones,
        lender_zone=life.lender_zone,
        packs=packs,
        reachable=frozenset(Channel),
        holds=known.holds_against(life, wanted, packs, at, today),
        refused_channels=frozenset(
            Channel(fact.what) for fact in of_person if fact.what in set(Channel)
        ),
        person_facts=frozenset(
            PersonFact(fact.what) for fact in of_person if fact.what in set(PersonFact)
        ),
        representative=acting,
        due_day=owner.due.get(wanted.loan),
        collects_as=frozenset({Collects(life.collects_as)}),
        loan_id=wanted.loan,
        product=life.product,
        consents=tuple(Consent(ConsentTo(a.to), a.since, a.until) for a in life.agreed),
        history=tuple(_past(contact, life) for contact in life.contacts),
        number_history=tuple(
            _past(contact, life)
            for number in at_number
            for contact in life.numbers.reached.get(number, ())
            if contact.life_id != life.id
        ),
        first_contact_on=first,
        party=Party(wanted.party),
        purpose=Purpose(wanted.purpose),
        inconvenient_times=tuple(
            hours for of, hours in known.hours if known.same_person(record, of)
        ),
        inconvenient_places=tuple(
            InconvenientPlace(
                Location(fact.what), number=fact.source if fact.what == Location.NUMBER else None
            )
            for fact in of_person
            if fact.what in set(Location)
        ),
        location_asked=any(
            contact.purpose == "locate"
            and contact.number == wanted.number
            and (contact.connected or not contact.outcome)
            for contact in life.contacts
            if contact.party == "third_party"
        ),
        number=wanted.number,
        number_facts=known.facts_of(numbers[0], at) if numbers else frozenset(),
        third_party_number_facts=known.facts_of(wanted.number, at) | at_work,
        numbers=tuple(NumberOnRecord(number, known.facts_of(number, at)) for number in numbers),
        no_number=not numbers,
        says=frozenset(map(Says, wanted.says)),
        visit_staff=wanted.staff,
        noticed_at=wanted.noticed_at,
        validation_notice_on=_noticed_on(owner, wanted.loan, at),
        limitation_from=owner.loans[wanted.loan],
    )


def _past(contact: Reached, life: Life) -> PastContact:
    return PastContact(
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
        callback_at=dict(life.callbacks).get(contact.at)
        or dict(life.numbers.callbacks.get(contact.number, ())).get(contact.at),
    )


def _noticed_on(life: Life, loan: int, at: datetime) -> date | None:
    given = life.notices.get(loan)
    return given.date() if given is not None and given <= at else None
