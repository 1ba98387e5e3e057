"""What the library of the command line says by itself, in Chinese: wrong usage, headings of help.

In English its own words stand.
"""

import re
import sys
from types import SimpleNamespace
from typing import Any, cast

import typer
import typer.core

from domain.errors import text_of
from workers.cli.language import language_of_environment, said_text, say

HEADINGS = (
    "Commands",
    "Arguments",
    "Options",
    "required",
    "default: {default}",
    "Show this message and exit.",
)
"""What the library asks for in pages of help."""
KINDS = {"argument": text_of("argument"), "option": text_of("option")}
FORMS = {
    r"No such command (?P<name>'.*?')\.? ?": text_of("There is no command {name}."),
    r"Missing command\.": text_of("A command is missing."),
    r"Missing (?P<kind>argument|option) (?P<name>'.*?')\.": text_of(
        "The {kind} {name} is missing."
    ),
    r"No such option: (?P<name>\S+)": text_of("There is no option {name}."),
    r"Option (?P<name>'.*?') requires an argument\.": text_of("The option {name} needs a value."),
    r"Option (?P<name>'.*?') does not take a value\.": text_of("The option {name} takes no value."),
    r"Got unexpected extra argument\S* \((?P<names>.*)\)": text_of(
        "That is more than the command takes: {names}."
    ),
    r"(?P<value>'.*?') is not one of (?P<known>'.*')\.?": text_of("{value} is none of {known}."),
    r"\w+ (?P<path>'.*?') does not exist\.": text_of("{path} does not exist."),
    r"\w+ (?P<path>'.*?') is a file\.": text_of("{path} is a file."),
    r"\w+ (?P<path>'.*?') is a directory\.": text_of("{path} is a directory."),
    r"\w+ (?P<path>'.*?') is not readable\.": text_of("{path} is not readable."),
    r"\w+ (?P<path>'.*?') is not writable\.": text_of("{path} is not writable."),
    r"(?:Did you mean|\(Possible options:) (?P<names>.*?)[?)]": text_of("Did you mean {names}?"),
}
"""What the library says, each as a pattern, and a text of ours that says the same."""
_ANY = re.compile("|".join(f"(?:{re.sub('[?]P<[a-z]+>', '?:', form)})" for form in FORMS))
_EXTRA_OPTION = re.compile(r"Got unexpected extra argument\S* \((--[\w-]+).*", re.DOTALL)
"""What the library says of an unknown option where a command takes negative numbers."""
_WRONG_VALUE = re.compile(r"Invalid value(?: for (?P<name>.+?))?: (?P<message>.*)", re.DOTALL)


def show(error: typer.TyperException) -> None:
    """Print what is wrong with a command line to stderr."""
    context = getattr(error, "ctx", None)
    if extra := _EXTRA_OPTION.fullmatch(error.format_message()):
        error.message = f"No such option: {extra[1]}"
    message = error.format_message()
    is_page_of_help = context is not None and message == context.get_help()
    if language_of_environment() == "en" or is_page_of_help:
        error.show()  # type: ignore[attr-defined]  # each that is raised has it
        return
    if context is not None:
        command = context.command_path
        print(context.get_usage(), file=sys.stderr)
        print(say("`{command} --help` says more.", command=command), file=sys.stderr)
    print(say("Error: {message}", message=in_chinese(message)), file=sys.stderr)


def in_chinese(message: str) -> str:
    """A message of the library; what it does not recognise stays as it is."""
    if wrong := _WRONG_VALUE.fullmatch(message):
        found = in_chinese(wrong["message"])
        if wrong["name"]:
            return say("{name} cannot be used: {found}", name=wrong["name"], found=found)
        return say("A value cannot be used: {found}", found=found)
    return _ANY.sub(_said, message)


def _said(found: re.Match[str]) -> str:
    for form, text in FORMS.items():
        if match := re.fullmatch(form, found[0]):
            values = match.groupdict()
            if "kind" in values:
                values["kind"] = said_text(KINDS[values["kind"]])
            return say(text.text, **values)
    return found[0]


_LibraryFormatter: Any = typer.Context.formatter_class


class _Formatter(_LibraryFormatter):  # type: ignore[misc]  # the library hides its type
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or say("Usage: "))


class ChineseContext(typer.Context):
    """Writes pages of help that have no English heading."""

    formatter_class = _Formatter


def translate(command: Any) -> None:
    """Put the help of a command, and of all below it, into the reader's language."""
    # The library asks gettext for its headings, and there is no catalogue for it.
    cast(Any, typer.core)._ = say
    command.context_class = ChineseContext
    of_help = command.get_help_option(SimpleNamespace(help_option_names=["--help"]))
    for helped in (command, of_help, *command.params):
        if getattr(helped, "help", None):
            helped.help = say(helped.help)
    for subcommand in getattr(command, "commands", {}).values():
        translate(subcommand)
