"""What is said of a file that is no YAML: where, what, and what to write instead.

The parser's own words quote the file, and somebody may have written a name there. So they are read
and not repeated.
"""

from yaml import MarkedYAMLError
from yaml.reader import Reader

from domain.errors import Text, text_of

_SIGN = text_of("a text begins with a sign that YAML keeps for itself, such as *, &, @, % or !.")
_IN_QUOTES = text_of('Write the text in "quotes".')

_FAULTS: tuple[tuple[str, bool, Text, Text], ...] = (
    (r"'\t'", False, text_of("there is a tab before the text."), text_of("Write spaces instead.")),
    (
        "expected ',' or ']'",
        True,
        text_of("a bracket is not closed here, or a comma is missing after it."),
        text_of("Write a list as [one, another]."),
    ),
    (
        "expected ',' or '}'",
        True,
        text_of("a brace is not closed here, or a comma is missing after it."),
        text_of("Close it, or write each key on a line of its own."),
    ),
    (
        "unexpected end of stream",
        True,
        text_of("a quotation mark is not closed here."),
        text_of("Write one at the end of the text too."),
    ),
    (
        "could not find expected ':'",
        True,
        text_of("there is no colon after the key."),
        text_of("Write key: value, or indent a text that goes on."),
    ),
    (
        "mapping values are not allowed",
        False,
        text_of("there is a colon where none can be."),
        text_of('Write text that has a colon in "quotes", and check the indent of the line.'),
    ),
    (
        "expected <block end>",
        False,
        text_of("this does not belong to what stands before it."),
        text_of("Indent the line as its neighbours are. Quotes hold the whole text or none."),
    ),
    (
        "escape",
        False,
        text_of("in double quotes a backslash begins a sign of YAML's own."),
        text_of("Write the text in 'single quotes'."),
    ),
    (
        "another document",
        False,
        text_of("here begins a second document."),
        text_of("Write one, without a line of --- in between."),
    ),
    ("alias", False, _SIGN, _IN_QUOTES),
    ("anchor", False, _SIGN, _IN_QUOTES),
    ("cannot start any token", False, _SIGN, _IN_QUOTES),
    ("directive", False, _SIGN, _IN_QUOTES),
    ("tag", False, _SIGN, _IN_QUOTES),
    (
        "",
        False,
        text_of("something stands where it cannot be."),
        text_of("Check indents, brackets, colons and quotes."),
    ),
)
"""What the parser's words have, whether the fault is where that began and not where it was found,
what is wrong, and what to write. The first that fits."""


def not_yaml(file: str, error: MarkedYAMLError) -> Text:
    """The sentence for an error of the parser. It has nothing of what stands in the file."""
    said = f"{error.context or ''} {error.problem or ''}"
    _, begins, wrong, instead = next(fault for fault in _FAULTS if fault[0] in said)
    mark = (error.context_mark if begins else None) or error.problem_mark or error.context_mark
    return text_of(
        "{file} line {line}, column {column}: this is not YAML: {wrong} {instead}",
        file=file,
        line=mark.line + 1 if mark else 1,
        column=mark.column + 1 if mark else 1,
        wrong=wrong,
        instead=instead,
    )


def forbidden_character(file: str, text: str) -> Text:
    """The sentence for a text with a character that no YAML may have."""
    found = Reader.NON_PRINTABLE.search(text)
    before = text[: found.start()] if found else ""
    return text_of(
        "{file} line {line}, column {column}: there is a character that YAML forbids. Take it out.",
        file=file,
        line=before.count("\n") + 1,
        column=len(before) - before.rfind("\n"),
    )


def not_utf_8(file: str, error: UnicodeDecodeError) -> Text:
    """The sentence for a file in another encoding."""
    line = error.object[: error.start].count(b"\n") + 1
    return text_of("{file} line {line}: this is not UTF-8. Save it as UTF-8.", file=file, line=line)
