"""Events that are not applied yet and may stop a contact: nobody is contacted on older facts.

An event reaches more people than the one whom it names: what is true of a person holds for all
their records, and what is true of a number for everybody who has it. Each kind of event says in
`workers/inbox/kinds/` how it names them. Each way to name somebody has its condition here.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Text,
    and_,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy import literal as sql_literal
from sqlalchemy.dialects.postgresql import JSONB

from domain.events import InboxStatus, Named
from workers.db.contact_points import records_with
from workers.db.inbox import payload_value
from workers.db.parties import acts_now
from workers.db.persons import may_mean_record
from workers.db.prepared_statements import literal
from workers.db.schema import (
    action,
    borrower,
    borrower_number,
    contact,
    contact_point,
    inbox_event,
    loan,
    loan_party,
    person_fact,
    reply,
    representative,
    tape_pending_loan,
)

Condition = ColumnElement[bool]

# Of the person who is to be contacted: a record, and one of its loans.
_RECORD = borrower.alias("record")
_LOAN = loan.alias("loan_of_record")
_NUMBER = borrower_number.alias("number_of_record")
# Anybody's record with a number of that record.
_SAME_NUMBER = borrower.alias("same_number")
_THEIR_NUMBER = borrower_number.alias("their_number")
# Anybody's record with the address of that record, and one of their loans.
_SAME_ADDRESS = borrower.alias("same_address")
_LOAN_OF_ADDRESS = loan.alias("loan_of_address")

# An event may be about the number of a representative: the client, and who acts for them.
_CLIENT, _RECORD_OF_CLIENT = borrower.alias("client"), borrower.alias("record_of_client")
_FACT_OF_CLIENT, _ACTS_FOR_CLIENT = person_fact.alias(), representative.alias("acts_for_client")


_ANY_ROW = exists(literal_column("1"))
"""As `exists()`, which names every column: the role of the API may not read all of them."""


def _named(name: Named) -> ColumnElement[str]:
    return payload_value(inbox_event, name)


def _has_among(number: ColumnElement[str]) -> Condition:
    """Whether an event names a keyed hash among those of several numbers, which are written as
    their partial index writes them."""
    hashes: ColumnElement[Any] = inbox_event.c.payload.op("->", return_type=JSONB())(
        literal(Named.NUMBERS)
    )
    return hashes.op("?", is_comparison=True)(number)


def _is_record(named: FromClause, name: Named = Named.BORROWER) -> Condition:
    return may_mean_record(named, _named(name))


_HAS_POINT = (_NUMBER.c.contact_point_id == contact_point.c.id) & (
    _NUMBER.c.borrower_id == _RECORD.c.id
)
"""Whether the record has the contact point as one of its numbers."""
_ACTS_FOR_RECORD = (person_fact.c.borrower_id == _RECORD.c.id) & acts_now()
_NUMBER_OF_REPRESENTATIVE = func.encode(representative.c.phone_blind_index, "hex")
_IS_TEXT = cast(reply.c.id, Text) == _named(Named.REPLY)
_LIVES_THERE = contact_point.c.id == _RECORD.c.address_point_id
"""Whether the record has the contact point as its address."""
_HASH = func.encode(contact_point.c.blind_index, "hex")
_SHARES_ADDRESS = inbox_event.c.reaches_address & (
    _SAME_ADDRESS.c.address_point_id == _RECORD.c.address_point_id
)

# The event is about who acts for the person whom it names: about their number.
_ACTS_FOR_NAMED = (
    (payload_value(inbox_event, "of_representative") == literal("true"))
    & _is_record(_CLIENT)
    & (_RECORD_OF_CLIENT.c.person_id == _CLIENT.c.person_id)
    & (_FACT_OF_CLIENT.c.borrower_id == _RECORD_OF_CLIENT.c.id)
    & acts_now(_FACT_OF_CLIENT, _ACTS_FOR_CLIENT)
)

# For each way in which an event names people: when it reaches the person of `_RECORD`. Where there
# are several conditions, each of them suffices.
REACHES: dict[Named, tuple[Condition, ...]] = {
    Named.LOAN: (
        (_LOAN.c.borrower_id == _RECORD.c.id) & (_LOAN.c.external_id == _named(Named.LOAN)),
    ),
    Named.BORROWER: (_is_record(_RECORD),),
    Named.OTHER: (_is_record(_RECORD, Named.OTHER),),
    Named.NUMBER_OF_BORROWER: (
        inbox_event.c.reaches_number
        & (_NUMBER.c.borrower_id == _RECORD.c.id)
        & (_THEIR_NUMBER.c.contact_point_id == _NUMBER.c.contact_point_id)
        & (_SAME_NUMBER.c.id == _THEIR_NUMBER.c.borrower_id)
        & _is_record(_SAME_NUMBER),
    ),
    Named.NUMBER_OF_REPRESENTATIVE: (
        _ACTS_FOR_NAMED
        & (_ACTS_FOR_CLIENT.c.phone_blind_index == representative.c.phone_blind_index)
        & _ACTS_FOR_RECORD,
        _ACTS_FOR_NAMED
        & (_ACTS_FOR_CLIENT.c.phone_blind_index == contact_point.c.blind_index)
        & _HAS_POINT,
    ),
    Named.ADDRESS_OF_BORROWER: (_SHARES_ADDRESS & _is_record(_SAME_ADDRESS),),
    # The loan's address of now, and each to which somebody went or wrote about it.
    Named.ADDRESS_OF_LOAN: (
        _SHARES_ADDRESS
        & (_LOAN_OF_ADDRESS.c.borrower_id == _SAME_ADDRESS.c.id)
        & (_LOAN_OF_ADDRESS.c.external_id == _named(Named.LOAN)),
        inbox_event.c.reaches_address
        & (_LOAN_OF_ADDRESS.c.external_id == _named(Named.LOAN))
        & (contact.c.loan_id == _LOAN_OF_ADDRESS.c.id)
        & (contact.c.address_blind_index == contact_point.c.blind_index)
        & _LIVES_THERE,
    ),
    Named.ATTEMPT: tuple(
        (contact.c.attempt == _named(Named.ATTEMPT)) & of_record
        for of_record in (
            contact.c.borrower_id == _RECORD.c.id,
            (contact_point.c.blind_index == contact.c.number_blind_index) & _HAS_POINT,
            (contact_point.c.blind_index == contact.c.address_blind_index) & _LIVES_THERE,
            (representative.c.phone_blind_index == contact.c.number_blind_index) & _ACTS_FOR_RECORD,
        )
    ),
    Named.REPLY: (
        _IS_TEXT & (reply.c.borrower_id == _RECORD.c.id),
        _IS_TEXT & (reply.c.contact_point_id == contact_point.c.id) & _HAS_POINT,
        _IS_TEXT
        & (reply.c.contact_point_id == contact_point.c.id)
        & (contact_point.c.blind_index == representative.c.phone_blind_index)
        & _ACTS_FOR_RECORD,
    ),
    # Whoever has the number, and whoever was contacted at it: they may have another one now. The
    # number of who acts for a person, whoever has it: they are called instead.
    Named.NUMBER: (
        (_named(Named.NUMBER) == _HASH) & _HAS_POINT,
        (_named(Named.NUMBER) == func.encode(contact.c.number_blind_index, "hex"))
        & (contact.c.borrower_id == _RECORD.c.id),
        (_named(Named.NUMBER) == _NUMBER_OF_REPRESENTATIVE) & _ACTS_FOR_RECORD,
    ),
    Named.NUMBERS: (
        _has_among(_HASH) & _HAS_POINT,
        _has_among(_NUMBER_OF_REPRESENTATIVE) & _ACTS_FOR_RECORD,
    ),
}


def has_pending_event() -> Condition:
    """Whether an event that stops contact is pending for a person, for a query of `borrower`.

    Ask when everything is locked that the contact rests on: a statement that waits for a lock does
    not see what was stored meanwhile.

    It may be about any record, any loan or any number of the person. A release stops nothing: it
    forbids nothing that was lawful before it. Nor does a reversal, which may wait for its payment
    without end; it takes back an interruption of limitation, and that counts once it is applied.
    """
    of_person = _RECORD.c.person_id == borrower.c.person_id
    return or_(
        *(
            _ANY_ROW.where(of_person, *_is_pending(), condition).correlate(borrower)
            for conditions in REACHES.values()
            for condition in conditions
        )
    )


_MAY_REACH_OVER = (
    *REACHES[Named.LOAN],
    *REACHES[Named.BORROWER],
    *REACHES[Named.OTHER],  # they may become one person with somebody who is protected
    REACHES[Named.ATTEMPT][0],  # a call to them: whoever answered may have said that they died
)
"""How an event names a person whose protection may reach over to the other parties of a loan."""


def has_pending_event_of_parties() -> Condition:
    """Whether one is pending for another party of the loan than whom an action is for, for a query
    of `action` and `loan`. What such an event says may reach over.

    It may name any record and any loan of that person.
    """
    member, owner, of_loan = borrower.alias("member"), borrower.alias("owner"), loan_party.alias()
    of_member = (
        of_loan.c.loan_id == loan.c.id,
        of_loan.c.ended_at.is_(None),
        member.c.id == of_loan.c.borrower_id,
        _RECORD.c.person_id == member.c.person_id,
    )
    of_owner = (owner.c.id == loan.c.borrower_id, _RECORD.c.person_id == owner.c.person_id)
    found_of_member, found_of_owner = (
        or_(
            *(
                _ANY_ROW.where(*of_person, *_is_pending(), condition).correlate(loan)
                for condition in _MAY_REACH_OVER
            )
        )
        for of_person in (of_member, of_owner)
    )
    return or_(found_of_member, and_(action.c.party_id.is_not(None), found_of_owner))


def has_pending_tape() -> Condition:
    """Whether a tape names this loan and is not merged as far yet, for a query of `loan`.

    Ask as for events: under the locks. An interrupted import holds the loan back until it is
    finished or given up.
    """
    names = _ANY_ROW.where(tape_pending_loan.c.external_id == loan.c.external_id)
    return names.correlate(loan)


def has_pending_tape_of_person() -> Condition:
    """Whether a tape that is not merged as far yet names a person, a loan of theirs, or a loan to
    which they are party. For a query of `borrower`.

    What it says of the person holds for their other loans too, also for those that it lacks. It may
    name them in a loan that is not on record yet, or as a new party.
    """
    is_borrower = (_LOAN.c.borrower_id == _RECORD.c.id,)
    # Also of one who is party no more: the row may name them still.
    is_party = (loan_party.c.borrower_id == _RECORD.c.id, loan_party.c.loan_id == _LOAN.c.id)
    records = (
        select(_RECORD.c.id)
        .where(_RECORD.c.person_id == borrower.c.person_id)
        .correlate(borrower)
        .scalar_subquery()
    )
    # Counted, not looked for: of one row among many the planner expects that it is found soon, and
    # would read the whole table.
    named = (
        select(func.count())
        .select_from(tape_pending_loan)
        .where(
            tape_pending_loan.c.records.is_not(None),
            tape_pending_loan.c.records.overlap(func.array(records)),
        )
        .correlate(borrower)
        .scalar_subquery()
    )
    return or_(
        named > 0,
        *(
            _ANY_ROW.where(
                _RECORD.c.person_id == borrower.c.person_id,
                *of_person,
                tape_pending_loan.c.external_id == _LOAN.c.external_id,
            ).correlate(borrower)
            for of_person in (is_borrower, is_party)
        ),
    )


def has_pending_event_or_tape() -> Condition:
    """Whether an event or a tape is pending for the person or the loan, for a query of both."""
    return or_(has_pending_event(), has_pending_tape(), has_pending_tape_of_person())


def waits_for_event(connection: Connection, external_id: str) -> bool:
    """Whether one is pending for the borrower of a loan, or a tape for the loan. `external_id` is
    the lender's id of it."""
    borrowers = select(has_pending_event_or_tape()).select_from(loan.join(borrower))
    of_loan = borrowers.where(loan.c.external_id == external_id)
    return bool(connection.execute(of_loan).scalar())


def number_waits_for_event(connection: Connection, blind_index: bytes) -> bool:
    """Whether one is pending for a number, or for whoever has it; also if no record has it."""
    number = sql_literal(blind_index.hex())
    of_number = (
        (contact.c.attempt == _named(Named.ATTEMPT))
        & (contact.c.number_blind_index == blind_index),
        _IS_TEXT
        & (reply.c.contact_point_id == contact_point.c.id)
        & (contact_point.c.blind_index == blind_index),
        _named(Named.NUMBER) == number,
        _has_among(number),
    )
    of_holders = _ANY_ROW.where(borrower.c.id.in_(records_with(blind_index)), has_pending_event())
    waits = or_(of_holders, *(_ANY_ROW.where(*_is_pending(), named) for named in of_number))
    return bool(connection.execute(select(waits)).scalar())


def has_pending_event_of_loan() -> Condition:
    """Whether one names this loan or its borrower, for a query of both tables."""
    named = (_named(Named.LOAN) == loan.c.external_id, _is_record(borrower))
    return or_(
        *(
            _ANY_ROW.where(*_is_pending(), condition).correlate(loan, borrower)
            for condition in named
        )
    )


def loan_waits(connection: Connection, loan_id: int) -> bool:
    """Whether an event that names this loan or its borrower, or a tape of it, is pending."""
    waits = select(or_(has_pending_event_of_loan(), has_pending_tape()))
    of_loan = waits.select_from(loan.join(borrower)).where(loan.c.id == loan_id)
    return bool(connection.execute(of_loan).scalar())


def _is_pending() -> tuple[Condition, Condition]:
    is_received = inbox_event.c.status == literal(InboxStatus.RECEIVED)
    return is_received, inbox_event.c.stops_contact
