"""A cell of a tape may be as long as a line: whatever is in it, its row costs milliseconds."""

import time
from pathlib import Path

import pytest

from tests.support.tapes import AS_OF, HEADER, mapping_from, read_tape, tape_of, with_cell


@pytest.mark.attack("quadratic text")
@pytest.mark.parametrize("piece", ["x", "\u0316\u0301", "\ufdfa", "1 ", "((", "1,", "; ", "+1 "])
def test_a_long_cell_costs_milliseconds(tmp_path: Path, piece: str) -> None:
    rows = [with_cell(column, piece * 20_000) for column in HEADER.split(",")]
    quoted = [row.replace(piece * 20_000, f'"{piece * 20_000}"') for row in rows]
    tape, mapping = tape_of(tmp_path, *quoted), mapping_from(tmp_path)
    began = time.process_time()

    assert len(list(read_tape(tape, mapping, AS_OF))) == len(rows)

    assert time.process_time() - began < 3
