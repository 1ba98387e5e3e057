"""Lines of the log: nobody outside can begin one, or steer the terminal that shows it."""

import logging
from typing import Any

from domain.visible import visible, visible_line


class VisibleRecord(logging.LogRecord):
    """A record whose message is one line. A traceback has several; those after the first are
    indented, so that none looks like a line of its own."""

    def getMessage(self) -> str:  # noqa: N802 the name is the library's
        return visible_line(super().getMessage())

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "exc_text" and value:
            value = visible(value).replace("\n", "\n  ")
        super().__setattr__(name, value)


def write_visible_lines() -> None:
    """Let every logger of this process make such records."""
    logging.setLogRecordFactory(VisibleRecord)
