"""Duties: who may say that what is owed is done."""

from collections.abc import Collection

from domain.actors import Actor, ActorKind, Role
from domain.events import person_of
from domain.outcome_follows import Owner
from domain.staffing import HARDSHIP


def may_end(owner: Owner, staff: str | None, who: Actor, skills: Collection[str]) -> bool:
    """Whether somebody may end a duty: one of its owners, or a supervisor, who answers for all.

    `staff` is the reference of the collector who owes it, `skills` those of whoever ends it that
    count today: a skill without its certificate does not. A specialist has the skill `hardship`.
    What a machine says, the lender's own people have decided.
    """
    if who.kind is not ActorKind.STAFF or Role.SUPERVISOR in who.roles:
        return True
    match owner:
        case Owner.COLLECTOR:
            return staff is not None and who.reference == person_of(staff)
        case Owner.TEAM:
            return True
        case Owner.SPECIALIST:
            return HARDSHIP in skills
        case Owner.SUPERVISOR:
            return False
