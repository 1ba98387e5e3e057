"""Who may do what: one table. What is not in it is refused.

Every use case that changes or shows something asks for one permission
(`workers/access/permitted.py`). A member of staff has it by a role, a machine by a scope of the
same name. Where two persons are needed, one asks and another grants
(`workers/access/second_person.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.actors import Actor, ActorKind, Role
from domain.collectors import is_trained
from domain.errors import NotPermittedError


class Permission(StrEnum):
    """Something that may be asked for. Its value is what a scope is called."""

    READ_LOANS = "loans:read"
    READ_PERSONS = "persons:read"
    ASK_CONTACT = "contact:ask"
    START_CALLS = "calls:start"
    HAND_ON_CALLS = "calls:hand_on"
    """To start a call that a colleague has; to start any call is needed as well."""
    SERVE_WORK = "work:serve"
    """To be served the next work, and what is needed for it. A supervisor who makes no calls is
    served what supervisors owe."""
    TAKE_OVER_WORK = "work:take_over"
    CONFIRM_PARTIES = "parties:confirm"
    START_VISITS = "visits:start"
    CANCEL_VISITS = "visits:cancel"
    PRINT_LETTERS = "letters:print"
    READ_REPLIES = "replies:read"
    RECORD_READINGS = "events:reply"
    DECIDE_APPROVALS = "approvals:decide"
    RECORD_CONVERSATIONS = "events:conversation"
    RECORD_PROMISES = "events:promise"
    RECORD_ARRANGEMENTS = "events:arrangement"
    """To record that one is asked for, accepted, declined or not wanted any more."""
    OFFER_ARRANGEMENTS = "arrangements:offer"
    OVERSEE = "loans:oversee"
    """To go on reading of people whom one must not handle: lists and histories, by ids. What holds
    personal data stays closed."""
    SEE_AMOUNTS = "amounts:see"
    """To see what a loan owes at the desk although nobody was confirmed to be the right person:
    each time for a purpose, which is on record."""
    AGREE_BEYOND = "arrangements:agree"
    """To agree to an offer that is beyond the authority of whoever makes it. Also to agree that an
    offer is declined which the borrower has accepted."""
    AGREE_TO_PROMISES = "promises:agree"
    """To agree to a promise that goes beyond what is taken without asking anybody. Also to agree
    that a promise was recorded by mistake, where it is more than a slip."""
    RECORD_HOLDS = "events:hold"
    AGREE_TO_HOLDS = "holds:agree"
    RELEASE_HOLDS = "events:release"
    RECEIVE_COMPLAINTS = "events:complaint"
    READ_DISPUTES = "disputes:read"
    """Of complaints too."""
    HANDLE_DISPUTES = "disputes:handle"
    """To acknowledge, take and decide disputes and complaints, and to print the answer."""
    EXTEND_ANSWERS = "disputes:extend"
    RECORD_FACTS = "events:person"
    CHANGE_CONTACTS = "events:contact"
    CHANGE_PARTIES = "events:party"
    JOIN_PERSONS = "events:same_person"
    RECORD_LEGAL_FACTS = "events:legal"
    RECORD_PAYMENTS = "events:payment"
    CHANGE_SCHEDULES = "events:schedule"
    WRITE_OFF = "events:write_off"
    IMPORT_TAPES = "tape:import"
    READ_OPERATIONS = "operations:read"
    MEND_OPERATIONS = "operations:mend"
    RESUME_SENDING = "sending:resume"
    EXPORT_DATA = "data:export"
    ERASE_DATA = "data:erase"
    READ_RETENTION = "retention:read"
    READ_EVIDENCE = "evidence:read"
    REVIEW_CALLS = "quality:review"
    """To draw calls, to hear and to judge them. Nobody judges their own."""
    READ_QUALITY = "quality:read"
    READ_ROSTER = "roster:read"
    CHANGE_ROSTER = "roster:change"
    NOTE_ABSENCES = "events:staff"
    """That somebody is absent, is back or has left; and to give their open work to others."""
    SEE_REQUESTS = "requests:see"
    """To decide about one, the permission that it is about is needed as well."""
    READ_ACCESS = "access:read"
    CHANGE_ACCESS = "access:change"
    ROTATE_KEYS = "keys:rotate"
    ANSWER_RECOVERY = "events:resent"
    """That a system has sent its events again."""
    REPORT_TEXTS = "texts:report"
    """What came of texts, and what was written back: providers alone."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Who may have a permission."""

    roles: frozenset[Role]
    machines: bool
    """Whether a machine may have it as a scope."""
    second_person: bool
    """Whether a member of staff needs another one to grant it each time."""
    providers: bool = False
    """Whether providers have it, who prove themselves with the secret that they were given."""


_ROLES = {
    "C": Role.CALLER,
    "V": Role.VISITOR,
    "L": Role.LAWYER,
    "S": Role.SUPERVISOR,
    "B": Role.BOOKKEEPER,
    "O": Role.OPERATOR,
    "P": Role.PRIVACY_OFFICER,
    "A": Role.AUDITOR,
    "D": Role.ADMINISTRATOR,
}


def _held(roles: str, *, machines: bool = False, two: bool = False) -> Holders:
    return Holders(frozenset(_ROLES[letter] for letter in roles.split()), machines, two)


_P = Permission
PERMISSIONS: Mapping[Permission, Holders] = {
    _P.READ_LOANS: _held("C V L S B O P A"),
    _P.READ_PERSONS: _held("C V L S P A"),
    _P.ASK_CONTACT: _held("C V L S O P A", machines=True),
    _P.START_CALLS: _held("C", machines=True),
    _P.HAND_ON_CALLS: _held("S"),
    _P.SERVE_WORK: _held("C S", machines=True),
    _P.TAKE_OVER_WORK: _held("S"),
    _P.CONFIRM_PARTIES: _held("C V", machines=True),
    _P.START_VISITS: _held("V"),
    _P.CANCEL_VISITS: _held("V S"),
    _P.PRINT_LETTERS: _held("V L S"),
    _P.READ_REPLIES: _held("C S"),
    _P.RECORD_READINGS: _held("C S", machines=True),
    _P.DECIDE_APPROVALS: _held("L S", two=True),
    _P.RECORD_CONVERSATIONS: _held("C V L S", machines=True),
    _P.RECORD_PROMISES: _held("C V S", machines=True),
    _P.RECORD_ARRANGEMENTS: _held("C V L S", machines=True),
    _P.OFFER_ARRANGEMENTS: _held("C V L S"),
    _P.OVERSEE: _held("S O P A"),
    _P.SEE_AMOUNTS: _held("L S"),
    _P.AGREE_BEYOND: _held("S", two=True),
    _P.AGREE_TO_PROMISES: _held("S", two=True),
    _P.RECORD_HOLDS: _held("C V L S P", machines=True),
    _P.AGREE_TO_HOLDS: _held("L S", two=True),
    _P.RELEASE_HOLDS: _held("L S", machines=True),
    _P.RECEIVE_COMPLAINTS: _held("C V L S P", machines=True),
    _P.READ_DISPUTES: _held("L S P A", machines=True),
    _P.HANDLE_DISPUTES: _held("L S P", machines=True),
    _P.EXTEND_ANSWERS: _held("S P", two=True),
    _P.RECORD_FACTS: _held("C V L S P", machines=True),
    _P.CHANGE_CONTACTS: _held("C V L S", machines=True),
    _P.CHANGE_PARTIES: _held("L S", machines=True),
    _P.JOIN_PERSONS: _held("S P", machines=True),
    _P.RECORD_LEGAL_FACTS: _held("C L S", machines=True),
    _P.RECORD_PAYMENTS: _held("S B", machines=True),
    _P.CHANGE_SCHEDULES: _held("S B", machines=True),
    _P.WRITE_OFF: _held("S B", machines=True, two=True),
    _P.IMPORT_TAPES: _held("O", machines=True),
    _P.READ_OPERATIONS: _held("S O A", machines=True),
    _P.MEND_OPERATIONS: _held("S O"),
    _P.RESUME_SENDING: _held("S O", two=True),
    _P.EXPORT_DATA: _held("P", two=True),
    _P.ERASE_DATA: _held("P", two=True),
    _P.READ_RETENTION: _held("O P A", machines=True),
    _P.READ_EVIDENCE: _held("L S P A", machines=True),
    _P.REVIEW_CALLS: _held("S"),
    _P.READ_QUALITY: _held("S A"),
    _P.READ_ROSTER: _held("L S O A D"),
    _P.CHANGE_ROSTER: _held("D", two=True),
    _P.NOTE_ABSENCES: _held("S D", machines=True),
    _P.SEE_REQUESTS: _held("C V L S B O P A D"),
    _P.READ_ACCESS: _held("A D"),
    _P.CHANGE_ACCESS: _held("D", two=True),
    _P.ROTATE_KEYS: _held("D", two=True),
    _P.ANSWER_RECOVERY: _held("O", machines=True),
    _P.REPORT_TEXTS: Holders(frozenset(), machines=False, second_person=False, providers=True),
}


def scopes_in(words: Collection[str]) -> frozenset[Permission]:
    """The permissions that these words name. An unknown word permits nothing."""
    return frozenset(each for each in Permission if each in words)


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the actor has the permission; a second person may be needed as well."""
    holders = PERMISSIONS[permission]
    match actor.kind:
        case ActorKind.SYSTEM:
            return True
        case ActorKind.STAFF:
            return not holders.roles.isdisjoint(actor.roles)
        case ActorKind.MACHINE:
            return holders.machines and permission in actor.scopes
        case ActorKind.PROVIDER:
            return holders.providers
    return False


def assert_may(actor: Actor, permission: Permission) -> None:
    """Check that the actor has the permission.

    Raises:
        NotPermittedError: they have not; it says which role or scope is missing, and what to do.
    """
    if may(actor, permission):
        return
    holders = PERMISSIONS[permission]
    if actor.kind is ActorKind.MACHINE:
        raise NotPermittedError(
            "The machine {actor} lacks the scope {permission}. Ask an administrator to allow it."
            if holders.machines
            else "The machine {actor} lacks the scope {permission}. No machine may have it: a "
            "person has to do it.",
            actor=actor,
            permission=permission,
        )
    raise NotPermittedError(
        "{actor} lacks the permission {permission}, which belongs to {who_may}. Ask one of them to "
        "do it, or an administrator for the role.",
        actor=actor,
        permission=permission,
        who_may=", ".join(role for role in Role if role in holders.roles),
    )


def needs_second_person(actor: Actor, permission: Permission) -> bool:
    """Whether another person must grant what the actor asks for.

    Of a machine the lender's own system has asked its people.
    """
    return actor.kind is ActorKind.STAFF and PERMISSIONS[permission].second_person


def grants(roles: Collection[Role]) -> bool:
    """Whether whoever has these roles may grant something that another person asks for."""
    return any(
        each.second_person and not each.roles.isdisjoint(roles) for each in PERMISSIONS.values()
    )


NEED_TRAINING = frozenset({Role.CALLER, Role.VISITOR})
"""The roles of those who contact borrowers: they end when the yearly training lapses."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What the roster says of one person."""

    roles: Collection[str]
    trained_on: date | None = None
    left_on: date | None = None
    """From that day on they may do nothing."""
    stands_in_for: Collection[str] = ()
    """Roles of somebody who is absent."""
    stands_in_until: date | None = None
    """The last day on which these count."""

    def roles_on(self, day: date) -> frozenset[Role]:
        """The roles that count on a business date."""
        if self.left_on is not None and self.left_on <= day:
            return frozenset()
        roles = set(map(Role, self.roles))
        if self.stands_in_until is not None and day <= self.stands_in_until:
            roles |= set(map(Role, self.stands_in_for))
        return frozenset(roles if is_trained(self.trained_on, day) else roles - NEED_TRAINING)
