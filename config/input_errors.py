"""What is wrong with a value that somebody typed, without the terms of the library that read it."""

from collections.abc import Mapping
from typing import Any


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
    message: str = error["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
