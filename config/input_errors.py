"""What is wrong with a value that somebody typed, without the terms of the library that read it."""

import re
from collections.abc import Mapping
from typing import Any

from domain.errors import Text, text_of

FORMS = {
    "phone": text_of(
        "write it with its country, such as +8613800138000; ;ext= stands before an extension"
    ),
    "locale": text_of("write a language, such as en, zh-Hans or en-GB"),
}
"""How to write what has a form of its own, by the end of the field's name."""


class UnusableValueError(ValueError):
    """A value that cannot be used, with what to write instead."""

    def __init__(self, text: str, **values: object) -> None:
        """Takes what is wrong or what to write in English, with its values in braces."""
        self.said = Text(text, values)
        super().__init__(str(self.said))


_WORD = re.compile(r"'([^']+)'")


def _listed(expected: str) -> str:
    """The words that may be written, from a list in Python's own form:
    `'sms', <Channel.CALL: 'call'> or 'visit'`."""
    return ", ".join(_WORD.findall(expected)) or expected


def what_to_write(error: Mapping[str, Any]) -> Text:
    """What to write instead, from one error as pydantic lists it. It never repeats the value."""
    limits = error.get("ctx", {})
    match error["type"]:
        case "int_parsing" | "int_type":
            return text_of("write a whole number")
        case "float_parsing" | "float_type":
            return text_of("write a number")
        case "greater_than_equal":
            return text_of("write {lowest} or more", lowest=limits["ge"])
        case "greater_than":
            return text_of("write more than {limit}", limit=limits["gt"])
        case "less_than_equal":
            return text_of("write {highest} or less", highest=limits["le"])
        case "enum" | "literal_error":
            return text_of("write one of {known}", known=_listed(limits["expected"]))
        case "string_too_long":
            return text_of("write at most {longest} characters", longest=limits["max_length"])
        case "string_pattern_mismatch":
            name = next((str(part) for part in error["loc"][::-1] if isinstance(part, str)), "")
            if form := FORMS.get(name.rpartition("_")[2].removesuffix("s")):
                return form
        case "value_error" if isinstance(limits["error"], UnusableValueError):
            return limits["error"].said
    message: str = error["msg"].removeprefix("Value error, ")
    return Text(message[:1].lower() + message[1:])
