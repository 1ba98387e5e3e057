"""Contacts for tapes that have none: plainly made up, and never anybody's.

Numbers come from +1 area 555-0100 to 0199, which the North American Numbering Plan reserves for
fiction. Only the first ninety are given out: some of the last ten are magic numbers of the
simulated providers. Loans of one area therefore share numbers.
"""

import hashlib

NUMBERS_OF_AN_AREA = 90


def made_name(loan_id: str) -> str:
    """Always the same name for the same loan."""
    return f"Borrower {loan_id.zfill(5)}"


def made_phone(loan_id: str, area_code: str) -> str:
    """Always the same number for the same loan, in E.164."""
    return f"+1{area_code}5550{100 + _drawn(loan_id, NUMBERS_OF_AN_AREA)}"


def made_address(loan_id: str, region: str) -> str:
    """Always the same address for the same loan."""
    return f"{1 + _drawn(loan_id, 400)} Example Street, {region}".rstrip(", ")


def _drawn(loan_id: str, below: int) -> int:
    return int.from_bytes(hashlib.sha256(loan_id.encode()).digest()[8:16]) % below
