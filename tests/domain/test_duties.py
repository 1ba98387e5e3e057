"""Who may say that what is owed after a conversation is done."""

import pytest

from domain.actors import Actor, ActorKind, Role
from domain.duties import may_end
from domain.outcome_follows import Owner

CALLER = Actor("c-1", roles=frozenset({Role.CALLER}))
COLLEAGUE = Actor("c-2", roles=frozenset({Role.CALLER}))
SUPERVISOR = Actor("s-1", roles=frozenset({Role.SUPERVISOR}))


@pytest.mark.parametrize(
    ("owner", "caller", "colleague", "specialist"),
    [
        (Owner.COLLECTOR, True, False, False),
        (Owner.TEAM, True, True, True),
        (Owner.SUPERVISOR, False, False, False),
        (Owner.SPECIALIST, False, False, True),
    ],
)
def test_a_duty_is_ended_by_its_owner(
    owner: Owner, caller: bool, colleague: bool, specialist: bool
) -> None:
    assert may_end(owner, "c-1", CALLER, ()) == caller
    assert may_end(owner, "c-1", COLLEAGUE, ("early",)) == colleague
    assert may_end(owner, "c-1", COLLEAGUE, ("hardship",)) == specialist


@pytest.mark.parametrize("owner", Owner)
def test_a_supervisor_answers_for_all_and_a_machine_says_what_people_did(owner: Owner) -> None:
    assert may_end(owner, "c-1", SUPERVISOR, ())
    assert may_end(owner, "c-1", Actor("crm", ActorKind.MACHINE), ())
