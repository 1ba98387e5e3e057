"""Events in and out: their statuses with every move between them, and why one is not applied."""

from enum import StrEnum
from typing import Self, TypeAlias

from domain.actors import Actor, ActorKind
from domain.reasons import ReasonCode, Reasons, because


class InboxStatus(StrEnum):
    """The life of one event from outside."""

    RECEIVED = "received"  # stored; it is tried until it is applied or rejected
    APPLIED = "applied"
    REJECTED = "rejected"  # it can never be applied as it is; its sender may correct it
    DISCARDED = "discarded"  # a person discarded it


INBOX_MOVES: dict[InboxStatus, frozenset[InboxStatus]] = {
    InboxStatus.RECEIVED: frozenset(
        {InboxStatus.APPLIED, InboxStatus.REJECTED, InboxStatus.DISCARDED}
    ),
    InboxStatus.APPLIED: frozenset(),  # its id is used up: new contents need a new id
    InboxStatus.REJECTED: frozenset({InboxStatus.RECEIVED, InboxStatus.DISCARDED}),
    InboxStatus.DISCARDED: frozenset({InboxStatus.RECEIVED}),
}
"""An event moves back to `received` when its sender corrects it."""

COMPLETED = (InboxStatus.APPLIED, InboxStatus.DISCARDED)
"""Nothing is left to be done about an event with one of these statuses."""


STAFF = "staff"
"""The sender of what a person types at the command line."""
LENDER = "lender"
"""The sender of the lender's systems, where the setting of their secrets gives no other name."""
TAPE = "tape"
"""The sender of what a tape says."""


def shown_actor(actor: str, sender: str) -> str:
    """Who did something, as it is on record: `c-1`, or `c-1 [dialer]` where only a machine says so.

    Who typed it here was authenticated. Whom a machine names was not.
    """
    return actor if sender in (STAFF, TAPE, actor) else f"{actor} [{sender}]"


def person_of(actor: str) -> str:
    """The reference of whoever did something, of who it is on record as: `c-1` of `c-1 [dialer]`.

    With this, and never with what is on record, somebody is compared with the staff.
    """
    return actor.partition(" [")[0]


def sender_of(actor: Actor) -> str:
    """Whose events it is that somebody types: a machine gives ids of its own, and people give the
    staff's."""
    return actor.reference if actor.kind is ActorKind.MACHINE else STAFF


class Named(StrEnum):
    """How an event names whom it is about. What reaches a person reaches all their records."""

    LOAN = "loan"  # whoever has the loan
    BORROWER = "borrower"  # the person of a record
    OTHER = "other"  # the same, of a second record
    NUMBER_OF_BORROWER = "number_of_borrower"  # everybody who has the number of that record
    # everybody who is reached at a number of who acts for that person
    NUMBER_OF_REPRESENTATIVE = "number_of_representative"
    ADDRESS_OF_BORROWER = "address_of_borrower"  # everybody who has the address of that record
    ADDRESS_OF_LOAN = "address_of_loan"  # everybody who has an address to which its letters went
    ATTEMPT = "attempt"  # whom a contact was for, and everybody who has the number or the address
    REPLY = "reply"  # whom a text was from, and everybody who has its number
    NUMBER = "number"  # everybody who has a number; by its keyed hash
    NUMBERS = "numbers"  # everybody who has any of several numbers


class OutboxStatus(StrEnum):
    """The life of one event on its way to the lender's systems."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"  # refused or unanswered for days; an operator may send it again


OUTBOX_MOVES: dict[OutboxStatus, frozenset[OutboxStatus]] = {
    OutboxStatus.WAITING: frozenset({OutboxStatus.DELIVERED, OutboxStatus.DEAD}),
    OutboxStatus.DELIVERED: frozenset({OutboxStatus.WAITING}),  # the receiver may have lost it
    OutboxStatus.DEAD: frozenset({OutboxStatus.WAITING}),
}
"""An event moves back to `waiting` when an operator sends it again."""


class NotAppliedError(Exception):
    """An event is not applied, for a reason that is kept with it."""

    def __init__(self, code: ReasonCode, **params: object) -> None:
        self.reason = because(code, **params)
        super().__init__(self.reason)


class NotYetError(NotAppliedError):
    """Something the event names has not come in yet. The event is kept and tried again."""


class WaitsForTapeError(NotYetError):
    """Only a tape can show what the event needs, or a person decides: it waits without end."""


class RejectedError(NotAppliedError):
    """The event can never be applied as it is. It is kept with the reason."""

    @classmethod
    def for_reasons(cls, reasons: Reasons) -> Self:
        """The same, with several reasons; at least one."""
        rejected = cls(reasons[0].code)
        rejected.reason = reasons
        rejected.args = (reasons,)
        return rejected


class LoanLockedError(Exception):
    """Another transaction has locked the loan. Nothing was done, and the event is applied alone."""


HandlerResult: TypeAlias = Reasons | NotYetError | RejectedError | LoanLockedError
"""What a handler did with one event of a batch, or why it did nothing."""
