"""The language that a person speaks: one definition for all statements."""

from sqlalchemy import ColumnElement, Text, literal_column


def confirmed_with(record: str) -> str:
    """A query, as SQL, of the records that are confirmed to be one person with this one, itself
    among them. `record` is the alias of a row of `borrower`."""
    return f"""
                           WITH RECURSIVE certain AS (
                               SELECT {record}.id
                                UNION
                               SELECT CASE WHEN s.other_id = c.id THEN s.borrower_id
                                           ELSE s.other_id END
                                 FROM certain c
                                 JOIN same_person s ON c.id IN (s.borrower_id, s.other_id)
                                WHERE s.status = 'confirmed')
                           SELECT id FROM certain"""  # noqa: S608 the alias is a constant


def spoken_language_of(record: str, records: str, confirmed: str) -> str:
    """SQL for the language that the person behind a record speaks; `record` is the table's alias.

    `records` is an array of all records of the person, `confirmed` an array of the records that are
    confirmed to be one person with this one. What was said about a confirmed record counts first,
    then what was said about a record that is only presumed to be the same person; the later word
    counts. If nothing was said, the language of the lender's record counts.
    """
    return f"""
       coalesce((SELECT f.locale
                   FROM person_fact f
                  WHERE f.borrower_id = ANY({records})
                    AND f.kind = 'language' AND f.ended_at IS NULL
                  ORDER BY f.borrower_id = ANY({confirmed}) DESC,
                           greatest(f.since, f.said_last) DESC, f.id DESC
                  LIMIT 1), {record}.locale)"""  # noqa: S608 the arguments are constants


def spoken_language() -> ColumnElement[str]:
    """The same as a column, for a query of `borrower`."""
    records = "ARRAY(SELECT x.id FROM borrower x WHERE x.person_id = borrower.person_id)"
    confirmed = f"ARRAY({confirmed_with('borrower')})"
    return literal_column(spoken_language_of("borrower", records, confirmed), Text)
