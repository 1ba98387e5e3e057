"""Which revisions leave the release before them working.

A revision stands here if it only adds what the release before neither writes nor must write: a
table, a column that may be null or has a default, an index. Before all others its workers have to
be stopped: `arrears migrate` refuses while they are connected, and a worker that meets such a
database stops.
"""

from collections.abc import Mapping

MAY_RUN_BESIDE: Mapping[str, str] = {
    "0056": "a table that only the newer release writes",
    "0062": "tables that only a recovery by the newer release writes",
    "0066": "a column that only the newer release writes, and which may be null",
    "0070": "tables that only the newer release writes",
    "0074": "tables, and a column that may be null, which only the newer release writes",
    "0067": "tables and columns that only the newer release writes, and which may be null",
    "0075": "a word that only the newer release writes",
    "0080": "a table that only the newer release writes",
    "0084": "tables that only the newer release writes",
    "0083": "tables that only the newer release writes",
    "0076": "columns that only the newer release writes",
    "0085": "columns that only the newer release writes, and which may be null",
    "0086": "words that only the newer release writes",
    "0087": "columns that only the newer release writes, and which may be null",
    "0082": "a table and a word that only the newer release writes",
    "0088": "a column that only the newer release writes, and which may be null",
    "0058": "a column that only the newer release writes, and which may be null",
    "0065": "a column that only the newer release writes, and which may be null",
    "0054": "a column that only the newer release writes, and which may be null",
    "0064": "a table that only the newer release writes",
    "0096": "columns that only the newer release writes, and which may be null",
    "0097": "a column that only the newer release writes, and which may be null",
    "0104": "columns that only the newer release writes, and which may be null",
    "0105": "a column that only the newer release writes, and which may be null",
    "0101": "an index; the older release loses one that only made its totals faster",
    "0089": "words that only the newer release writes",
}
"""Revisions, each with the reason."""
