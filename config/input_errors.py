"""What is wrong with a value that somebody typed, without the terms of the library that read it."""

from collections.abc import Mapping
from typing import Any

FORMS = {
    "phone": "write it with its country, such as +8613800138000; ;ext= stands before an extension",
    "locale": "write a language, such as en, zh-Hans or en-GB",
}
"""How to write what has a form of its own, by the end of the field's name."""


def what_to_write(error: Mapping[str, Any]) -> str:
    """What to write instead, from one error as pydantic lists it. It never repeats the value."""
    limits = error.get("ctx", {})
    match error["type"]:
        case "int_parsing" | "int_type":
            return "write a whole number"
        case "float_parsing" | "float_type":
            return "write a number"
        case "greater_than_equal":
            return f"write {limits['ge']} or more"
        case "greater_than":
            return f"write more than {limits['gt']}"
        case "less_than_equal":
            return f"write {limits['le']} or less"
        case "enum" | "literal_error":
            return f"write one of {limits['expected']}"
        case "string_pattern_mismatch":
            name = next((str(part) for part in error["loc"][::-1] if isinstance(part, str)), "")
            if form := FORMS.get(name.rpartition("_")[2].removesuffix("s")):
                return form
    message: str = error["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
