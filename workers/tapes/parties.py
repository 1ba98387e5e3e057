"""Reads the co-borrowers and guarantors of a row, each of whom is somebody else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NoReturn

from config.readers.tape_mapping import PARTY_SLOTS, PHONES, Field
from domain.compliance.vocabulary import Party
from domain.contact_points import address_key
from domain.loans import Borrower, PartyOnTape
from domain.persons import name_key
from workers.db.problems import PHONES_LEFT_OUT
from workers.tapes.borrowers import parts_of_borrower, read_borrower
from workers.tapes.cells import Cells
from workers.tapes.known_values import KnownValues


def refuse_borrower_as_party(cells: Cells) -> None:
    """Refuse a row that names its borrower as a party too, by the same customer id.

    Raises:
        BadCellError: it does, or it names one customer in two roles.
    """
    roles: dict[str, Party | None] = {cells.known(Field.BORROWER_ID): None}
    for slot, mapping in cells.mapping.of_parties.items():
        of_party, role = Cells(mapping, cells.row), PARTY_SLOTS[slot]
        id = of_party.known(Field.BORROWER_ID)
        if id and roles.setdefault(id, role) is not role:
            _refuse(of_party, is_borrower=roles[id] is None)


def read_parties(
    cells: Cells, loan_id: str, borrower: Borrower, known: KnownValues | None
) -> tuple[PartyOnTape, ...] | None:
    """The other parties of the row; None if the tape has no columns for any.

    Each is read as a borrower is. Without an id and a name, there is no such party. What is wrong
    with their contact details shows when they are contacted.

    Raises:
        BadCellError: a party cannot be read, or one without an id is somebody else of the row.
    """
    if not cells.mapping.of_parties:
        return None
    found, mapped = list[PartyOnTape](), set(cells.mapping.columns)
    without_id = [] if cells.text(Field.BORROWER_ID) else [borrower]
    for slot, of_party in _there(cells):
        role = PARTY_SLOTS[slot]
        record, problems = read_borrower(of_party, f"{slot}:{loan_id}", known)
        if any(problem.kind == PHONES_LEFT_OUT for problem in problems):
            # Problems are those of the borrower, so nobody would see that a number is left out.
            raise of_party.refuse(
                Field.PHONE, "at most {most} telephone numbers of this party", most=len(PHONES)
            )
        others = [of.record for of in found if of.role is not role]
        if not of_party.text(Field.BORROWER_ID):
            without_id.append(record)
        for other in (borrower, *others):
            # Two who have an id of their own are two.
            if (record in without_id or other in without_id) and _is_same(record, other):
                _refuse(of_party, is_borrower=other is borrower)
        # Where the borrower lives says nothing about who visits the party.
        named = {of: f"{slot}_{of}" for of in (Field.NAME, Field.PHONE, Field.ADDRESS, Field.ZONES)}
        said = frozenset(of.value for of, column in named.items() if column in mapped)
        found.append(PartyOnTape(slot, role, replace(record, region=None), said))
    return tuple(found)


def parts_of_parties(
    cells: Cells, loan_id: str, known: KnownValues | None
) -> Iterator[Callable[[], object]]:
    """What is read of each party, each part by itself, so that each can show its error."""
    for slot, of_party in _there(cells):
        yield from parts_of_borrower(of_party, f"{slot}:{loan_id}", known)


def _there(cells: Cells) -> Iterator[tuple[str, Cells]]:
    """The parties that the row has, by slot."""
    for slot, mapping in cells.mapping.of_parties.items():
        of_party = Cells(mapping, cells.row)
        if of_party.text(Field.BORROWER_ID) or of_party.known(Field.NAME):
            yield slot, of_party


def _is_same(one: Borrower, other: Borrower) -> bool:
    """Whether two of a row are one person, as far as name, numbers and address show it."""
    if name_key(one.name) != name_key(other.name):
        return False
    numbers, others = ({of.phone, of.phone_2, of.phone_3} - {None} for of in (one, other))
    same_address = bool(one.address and other.address) and (
        address_key(one.address or "") == address_key(other.address or "")
    )
    return bool(numbers & others) or same_address


def _refuse(of_party: Cells, *, is_borrower: bool) -> NoReturn:
    has_id = Field.BORROWER_ID in of_party.mapping.columns and of_party.text(Field.BORROWER_ID)
    field = Field.BORROWER_ID if has_id else Field.NAME
    if is_borrower:
        raise of_party.refuse(
            field,
            "somebody else than the borrower of the loan. Name who else owes it, or leave the "
            "cells of this party empty",
        )
    raise of_party.refuse(
        field,
        "somebody who has no other role on the row. Keep the role in which they owe the loan, and "
        "leave the cells of the other one empty",
    )
