"""Who did something, compared with the staff in SQL."""


def person_in(actor: str) -> str:
    """As SQL what `domain.events.person_of` says of an actor on record, a trusted column."""
    return f"split_part({actor}, ' [', 1)"
