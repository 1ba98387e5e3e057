"""The facts about a borrower and a loan that the contact gate needs."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from domain.compliance.rules import RulePack
from domain.compliance.vocabulary import (
    NOT_THE_PERSON,
    Channel,
    Collects,
    ConsentTo,
    Interrupts,
    Party,
    Purpose,
    Says,
    Suspends,
)
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import REACH_NOT_THE_BORROWER, NumberFact, NumberOnRecord
from domain.fact_effects import EFFECTS, Effect, FromContacts
from domain.holds import Hold
from domain.inconvenient import InconvenientPlace, InconvenientTime
from domain.loans import ZERO
from domain.parties import Representative
from domain.persons import PersonFact


@dataclass(frozen=True, slots=True)
class PastContact:
    """One contact about any of the borrower's loans, through any channel, in either direction.

    A scheduled visit counts as soon as it is scheduled, at the moment at which it will begin.
    """

    at: datetime
    """Aware."""
    channel: Channel
    loan_id: int
    connected: bool | None = None
    """Whether a person was reached. None: not reported yet; it then counts as both yes and no."""
    number: str | None = None
    """A key that is equal for equal numbers; never the number itself."""
    at_work: bool = False
    party: Party = Party.BORROWER
    inbound: bool = False
    """Whether the person began it, by calling or by coming."""
    outcome: ContactOutcome | None = None
    """As it was reported; None: not reported yet, or a text."""
    also_about: frozenset[int] = frozenset()
    """The other loans that it was about, or that were mentioned in it."""
    purpose: Purpose = Purpose.COLLECT
    callback_at: datetime | None = None
    """When the borrower asked, in it, to be called again; aware."""
    certain: bool = True
    """Whether it is confirmed that it was with the person; False: that is presumed only."""

    def is_about(self, loan_id: int) -> bool:
        return loan_id == self.loan_id or loan_id in self.also_about

    @property
    def reached_borrower(self) -> bool:
        """Whether it reached the borrower, also at a relative's telephone. If nobody answered, or
        nobody has said yet who did: whether it was to reach the borrower."""
        if self.party is Party.REPRESENTATIVE:
            return False
        if self.outcome is not None and (self.outcome.with_borrower or self.outcome.with_other):
            return self.outcome.with_borrower
        return self.party not in NOT_THE_PERSON

    @property
    def reached_other(self) -> bool:
        """Whether somebody else than the borrower was reached, or was to be reached."""
        return not self.reached_borrower


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to, from `since` up to, not including, `until`; both aware."""

    to: ConsentTo
    since: datetime
    until: datetime | None = None
    """None: until it is withdrawn, or as long as the rule itself lets it count."""

    def covers(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Interruption:
    """Something that may start the time to sue again, where a law says so."""

    kind: Interrupts
    on: date
    ended_on: date | None = None
    """For proceedings: the day on which they ended, and the time starts. None: `on`, or they have
    not ended yet."""
    by_other: bool = False
    """Whether another party to the loan did it than the one who is contacted."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """Something that may suspend the time to sue, from `starts_on` up to, not including, `ends_on`.

    No end: it lasts.
    """

    kind: Suspends
    starts_on: date
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What the gate must know, read in the transaction that claims the action."""

    past_due: Decimal
    zones: tuple[str, ...]
    """IANA zones of the borrower; a contact must be lawful in all of them."""
    lender_zone: str
    """IANA zone in which holds begin and end."""
    packs: tuple[RulePack, ...]
    reachable: frozenset[Channel]
    """The channels for which there is a usable number or address."""
    holds: tuple[Hold, ...] = ()
    refused_channels: frozenset[Channel] = field(default=frozenset())
    """The channels by which the person asked not to be contacted."""
    person_facts: frozenset[PersonFact] = field(default=frozenset())
    representative: Representative | None = None
    """Who acts for the person about this loan, if it is known; None: nobody, or nobody known."""
    due_day: date | None = None
    """The due day on which the ladder started. Nothing acts before it is over in all zones."""
    minimum: Decimal = ZERO
    """The ladder's minimum: with less than this past due, nobody is contacted."""
    collects_as: frozenset[Collects] = frozenset({Collects.FIRST_PARTY})
    """What the lender or agency is, for rules that bind only some of those who collect."""
    loan_id: int = 0
    product: str = ""
    """The loan's product, for rules that bind only some of them."""
    history: tuple[PastContact, ...] = ()
    """Of all of the borrower's loans and all channels, as far back as any rule counts."""
    number_history: tuple[PastContact, ...] = ()
    """Contacts with others, at the number to be used. Only what counts by number asks for them."""
    first_contact_on: date | None = None
    """The day on which the borrower was first reached about this loan, however long ago."""
    party: Party = Party.BORROWER
    purpose: Purpose = Purpose.COLLECT
    location_asked: bool = False
    """Whether this third party was asked before where the borrower is, however long ago, and did
    not invite another call."""
    consents: tuple[Consent, ...] = ()
    left_alone_until: datetime | None = None
    """Until when nobody contacts the person again after a conversation of today; aware. None:
    nothing of today asks for that."""
    call_again_today: bool = False
    """Whether the person asked, in that conversation or later, to be called again on the same day:
    such a call is what they want."""
    inconvenient_times: tuple[InconvenientTime, ...] = ()
    """At which the person asked not to be contacted."""
    inconvenient_places: tuple[InconvenientPlace, ...] = ()
    """At which the person asked not to be contacted."""
    numbers: tuple[NumberOnRecord, ...] = ()
    """The borrower's numbers, in the order in which they are tried."""
    number: str | None = None
    """The key of the number to be used; None for a channel without a number."""
    number_facts: frozenset[NumberFact] = field(default=frozenset())
    """What is known of the borrower's number that is used, whoever has it."""
    address_facts: frozenset[NumberFact] = field(default=frozenset())
    """What is known of the address, whoever has it."""
    no_number: bool = False
    """Whether no number of the borrower is on record."""
    third_party_number_facts: frozenset[NumberFact] = field(default=frozenset())
    """What is known of the number of the third party who is to be reached."""
    says: frozenset[Says] = frozenset()
    """What the message says; empty for a channel without a prepared message."""
    unwritten_language: str | None = None
    """The person's language, if the message must be in it and no template is; BCP 47."""
    visit_staff: int = 0
    """How many people go."""
    noticed_at: datetime | None = None
    """When a written notice of the visit was given, or would be given now."""
    validation_notice_on: date | None = None
    """The day of the written notice that says what is owed and how to dispute it."""
    limitation_from: date | None = None
    """The day on which the last instalment falls due, from which the time to sue runs. None: not
    known."""
    past_due_from: tuple[date, date] | None = None
    """The days from which the oldest and the newest unpaid instalment that is past due count. None:
    nothing is past due, or nobody said."""
    interruptions: tuple[Interruption, ...] = ()
    """What may have started that time again; which of it does, each law says."""
    suspensions: tuple[Suspension, ...] = ()
    """What may have suspended it; a breathing space is among the holds instead."""

    def history_for(self, what: FromContacts) -> tuple[PastContact, ...]:
        """The contacts with the person from which this may follow."""
        if EFFECTS[what] is Effect.PROTECTS:
            return self.history
        return tuple(contact for contact in self.history if contact.certain)

    @property
    def call_not_before(self) -> datetime | None:
        """The moment before which nobody calls whoever is to be called, as they asked; aware. None:
        none.

        Who asked twice meant the later request. What somebody asked who is only presumed to be the
        person makes no moment earlier. What a representative asked for is about calls to them.
        """
        history = self.history_for(FromContacts.CALL_NOT_BEFORE)
        if self.party is Party.REPRESENTATIVE:
            at_number = history + self.number_history
            history = tuple(c for c in at_number if c.number == self.number)
        acting = self.party is Party.REPRESENTATIVE
        history = tuple(c for c in history if (c.party is Party.REPRESENTATIVE) is acting)
        asked = sorted((c for c in history if c.callback_at), key=lambda contact: contact.at)
        of_person = [contact.callback_at for contact in asked if contact.certain][-1:]
        of_others = [contact.callback_at for contact in asked if not contact.certain]
        return max(filter(None, of_person + of_others), default=None)

    @property
    def not_at_work(self) -> bool:
        """Whether the person may not be contacted at their place of work."""
        return PersonFact.EMPLOYER_FORBIDS in self.person_facts

    @property
    def used_number_facts(self) -> frozenset[NumberFact]:
        """What is known of the number to be used. What is known of the borrower's number says
        nothing about that of a third party."""
        third = self.party is Party.THIRD_PARTY
        return self.third_party_number_facts if third else self.number_facts

    @property
    def at_work(self) -> bool:
        """Whether the number to be used, or the address, is that of a place of work."""
        return NumberFact.AT_WORK in self.used_number_facts

    @property
    def number_invalid(self) -> bool:
        """Whether no number on record reaches the borrower."""
        known = [number.facts for number in self.numbers] or [self.number_facts]
        return self.no_number or all(facts & REACH_NOT_THE_BORROWER for facts in known)
