"""Finds customer ids that a tape gives to two people, before anything of it is imported.

Which row came first decides nothing: every row with such an id is refused.
"""

import os
import re
from hashlib import blake2b
from pathlib import Path

import phonenumbers

from config.readers.tape_mapping import PHONES, Field, TapeMapping
from domain.persons import name_key
from workers.tapes.cells import Cells
from workers.tapes.csv_lines import TapeRow, read_rows
from workers.tapes.seen_loans import temporary_database

_TABLES = (
    "CREATE TABLE first (id BLOB PRIMARY KEY, line INTEGER NOT NULL, name BLOB NOT NULL,"
    " phone BLOB NOT NULL, address BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE shared (id BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE differing (line INTEGER PRIMARY KEY, first INTEGER NOT NULL)",
)


class CustomerIds:
    """The customer ids of a tape. Used in a `with` block, which deletes everything.

    It is kept outside memory, in a temporary database without names and numbers: only hashes are
    compared, made with a key that nobody keeps.
    """

    def __init__(self) -> None:
        self._database = temporary_database(*_TABLES)
        self._key = os.urandom(32)
        self._is_empty = True

    def __enter__(self) -> "CustomerIds":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def read(self, path: Path, mapping: TapeMapping) -> None:
        """Read the tape once, its ids, names, numbers and addresses only.

        Raises:
            TapeError: the file as a whole cannot be read.
        """
        mappings = (mapping, *mapping.of_parties.values())
        has_ids = any(Field.BORROWER_ID in of.columns for of in mappings)
        if not has_ids or mapping.made_contacts:
            return
        country = phonenumbers.country_code_for_region(mapping.phone_region)
        for row in read_rows(path, tuple(mapping.columns.values()), None):
            if isinstance(row, TapeRow):
                for of in (mapping, *mapping.of_parties.values()):
                    self._add(row.line, Cells(of, row.cells), str(country))

    def other_line(self, id: str, line: int) -> int | None:
        """Another line that gives the same id to another person; None if there is none."""
        if self._is_empty or not id:
            return None
        found = self._database.execute(
            "SELECT s.line, f.line FROM shared s JOIN first f USING (id) WHERE id = ?",
            (self._hash(id),),
        ).fetchone()
        if found is None:
            return None
        other, first = found
        return int(other if line == first else first)

    def first_line(self, line: int) -> int | None:
        """The line with the same customer id whose other contact details count instead."""
        if self._is_empty:
            return None
        found = self._database.execute("SELECT first FROM differing WHERE line = ?", (line,))
        row = found.fetchone()
        return int(row[0]) if row else None

    def _add(self, line: int, cells: Cells, country: str) -> None:
        id, name_text = cells.text(Field.BORROWER_ID), cells.known(Field.NAME)
        if not (id and name_text):
            return  # such a row is refused, or has an id of its own
        key = self._hash(id)
        name = self._hash(name_key(name_text))
        phone = self._hash(" ".join(_digits(cells.known(of), country) for of in PHONES).strip())
        address = self._hash("".join(cells.known(Field.ADDRESS).split()).casefold())
        row = (key, line, name, phone, address)
        if self._database.execute(
            "INSERT INTO first VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row
        ).rowcount:
            return
        found = self._database.execute("SELECT * FROM first WHERE id = ?", (key,))
        _, first, *before = found.fetchone()
        if before == [name, phone, address]:
            return
        self._is_empty = False
        # Of two names, nothing shows that they are one person's unless something agrees.
        nothing = self._hash("")
        contacts_agree = before[1:] == [phone, address] != [nothing, nothing]
        if before[0] != name and not contacts_agree:
            self._database.execute(
                "INSERT INTO shared VALUES (?, ?) ON CONFLICT DO NOTHING", (key, line)
            )
        else:
            self._database.execute(
                "INSERT INTO differing VALUES (?, ?) ON CONFLICT DO NOTHING", (line, first)
            )

    def _hash(self, text: str) -> bytes:
        return blake2b(text.encode(), key=self._key, digest_size=16).digest()


def _digits(phone: str, country: str) -> str:
    """The number without the signs, zeros and country code that people leave out or write."""
    digits = re.sub(r"\D", "", phone)
    if phone.lstrip().startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00").removeprefix(country)
    return digits.lstrip("0")
