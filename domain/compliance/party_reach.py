"""Rule kind: whether a hold of one party of a loan stops contact with another."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.compliance.vocabulary import Party
from domain.holds import Hold, HoldKind
from domain.parties import LoanParty


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyReach(Rule):
    """Whether some kinds of hold of one party stop contact with other parties about that loan."""

    holds: frozenset[HoldKind]
    of: frozenset[Party]
    """The party that has the hold."""
    to: frozenset[Party]
    """The party to be contacted."""
    reaches: bool


def reaches(packs: Iterable[RulePack], kind: HoldKind, of: Party, to: Party, on: date) -> bool:
    """Whether a hold of one party stops contact with another under these packs on a business date.

    Where laws differ, it does. Where no law says anything, a hold of the borrower stops contact
    with everybody, and a hold of another party with nobody else.
    """
    said = [
        rule.reaches
        for rule in rules_in_force(packs, PartyReach, on)
        if kind in rule.holds and of in rule.of and to in rule.to
    ]
    return any(said) if said else of is Party.BORROWER


def holds_of_borrower(
    packs: Sequence[RulePack], holds: Sequence[Hold], parties: Sequence[LoanParty], on: date
) -> tuple[Hold, ...]:
    """All holds that stop contact with the borrower. `holds` are those of the loan and theirs."""
    return (*holds, *_reaching_over(packs, parties, Party.BORROWER, None, on))


def with_all_holds(
    packs: Sequence[RulePack], holds: Sequence[Hold], parties: Sequence[LoanParty], on: date
) -> tuple[LoanParty, ...]:
    """The parties, each with all holds that stop contact with them.

    `holds` are those of the loan and of its borrower, as for `holds_of_borrower`.
    """
    of_loan = [hold for hold in holds if not hold.kind.of_person]
    of_borrower = [hold for hold in holds if hold.kind.of_person]
    return tuple(
        replace(
            party,
            holds=(
                *of_loan,
                *party.holds,
                *(h for h in of_borrower if reaches(packs, h.kind, Party.BORROWER, party.role, on)),
                *_reaching_over(packs, parties, party.role, party.person, on),
            ),
        )
        for party in parties
    )


def _reaching_over(
    packs: Sequence[RulePack],
    parties: Sequence[LoanParty],
    to: Party,
    person: int | None,
    on: date,
) -> Iterator[Hold]:
    """The holds of other parties that stop contact with a party."""
    for party in parties:
        if party.person != person:
            yield from (h for h in party.holds if reaches(packs, h.kind, party.role, to, on))
