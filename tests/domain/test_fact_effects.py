"""Of each fact it is said once whether it protects or loosens."""

import pytest

from domain.contact_points import NumberFact
from domain.fact_effects import EFFECTS, LOOSENING, Effect, FromContacts
from domain.holds import HoldKind
from domain.persons import CONSENTS, Link, PersonFact


def test_every_fact_protects_or_loosens() -> None:
    assert set(EFFECTS) == {*PersonFact, *NumberFact, *HoldKind, *FromContacts}


def test_what_a_person_agreed_to_loosens_and_nothing_else_of_theirs() -> None:
    assert set(CONSENTS) == LOOSENING


@pytest.mark.parametrize(
    ("effect", "reached"),
    [
        (Effect.PROTECTS, {Link.PRESUMED, Link.CONFIRMED}),
        (Effect.LOOSENS, {Link.CONFIRMED}),
    ],
)
def test_what_loosens_a_limit_reaches_nobody_who_is_only_presumed_to_be_the_person(
    effect: Effect, reached: set[Link]
) -> None:
    assert {link for link in Link if effect.reaches(link)} == reached


def test_the_end_of_a_protection_loosens_and_the_end_of_a_consent_protects() -> None:
    assert EFFECTS[PersonFact.CEASED].of_the_end is Effect.LOOSENS
    assert EFFECTS[PersonFact.AGREED_OTHER_HOURS].of_the_end is Effect.PROTECTS
