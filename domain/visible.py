"""Text that may be shown as it is: whoever wrote a part of it cannot steer the terminal with it.

A name, a reason or a tape's cell may hold characters that a terminal obeys instead of showing: they
move the cursor, write over what stands there, or turn the direction of what follows. Each is shown
as its escape, such as \\u202e, which JSON and YAML read as the character again.
"""

import re

_OBEYED = re.compile(
    "["
    "\x00-\x08\x0b-\x1f"  # control characters; tab and line feed stay
    "\x7f-\x9f"  # delete, and the second set of control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of direction
    "\u2028\u2029"  # ends of lines and paragraphs
    "\ufeff"  # a mark of the order of bytes
    "\ud800-\udfff"  # half a character: no encoding has it
    "]"
)


def visible(text: str) -> str:
    """The text, with the escape of each character that a terminal would obey."""
    return _OBEYED.sub(_escape, text) if _OBEYED.search(text) else text


def visible_line(text: str) -> str:
    """The same, without line feeds: a line of a log is one line, whoever wrote what is in it."""
    return visible(text).replace("\n", "\\n")


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
