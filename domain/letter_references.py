"""What a letter calls the dispute, the complaint or the arrangement that it is about."""

_MADE_HERE = ("disputes:", "complains:", "contact:", "text:")
"""What the ids begin with that are made here, of what was said in a conversation or a text."""


def known_as(external_id: str, day: str) -> str:
    """The lender's own id of it. An id that was made here says nothing to the person: instead of it
    the day, as the letter writes days."""
    return day if external_id.startswith(_MADE_HERE) else external_id
