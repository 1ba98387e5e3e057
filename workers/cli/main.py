"""`arrears`: the table of commands, and how an error reaches the user.

A command's module is imported only when that command is called: `arrears --help` needs none.
"""

import difflib
import gc
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_group_from_info
from typer.models import CommandInfo, TyperInfo

from domain.errors import (
    ArrearsError,
    KeptAsRejectedError,
    NoOpenCallError,
    NotOnRosterError,
    NotServedError,
    OutcomeMissingError,
    WithoutRoleError,
)
from workers.cli.examples import epilog_of
from workers.cli.language import language_of_environment, said_error, said_text, say
from workers.cli.running import with_names
from workers.cli.streams import visible_streams

COMMANDS = {
    "migrate": ("setup:migrate", "Bring the database to this release's version."),
    "check": ("check:check", "Check settings, policy, templates, database and broker."),
    "keys": ("keys:app", "Encryption keys: make one, and replace older ones."),
    "permissions": ("permissions:permissions", "Show who may do what."),
    "administrator": (
        "administrator:app",
        "Administrators: make the first one, and get in when nobody else is there.",
    ),
    "token": ("token:app", "Tokens: make your own, enrol, revoke and list them."),
    "machine": ("machine:app", "Machines: allow a system of the lender's, revoke or list."),
    "request": ("request:app", "Requests for a second person: list, grant or refuse one."),
    "roster": ("roster:app", "Staff and their shifts: load them from a file, list them."),
    "quality": ("quality:app", "Calls that are heard again: draw, judge, see what they came to."),
    "tape": ("tape:app", "Loan tapes: import the lender's file of loans."),
    "ladder": ("ladder:ladder", "Show the lender's stage rules, step by step."),
    "rules": ("rules:rules", "Show the legal rules that are loaded, with their articles."),
    "payment": ("payment:app", "Payments: record, reverse or refund one; take that back."),
    "adjustment": (
        "adjustment:app",
        "Adjustments of a schedule: charge, waive, leave out, accelerate, take back.",
    ),
    "promise": ("promise:app", "Promises to pay: record, list or cancel one; what is taken."),
    "write-off": ("write_off:write_off", "Stop collecting a loan that the lender wrote off."),
    "quote": ("quote:quote", "Show what a deferral or an instalment plan would mean."),
    "arrangement": (
        "arrangement:app",
        "Deferrals and instalment plans: request, offer, accept, end, show or list.",
    ),
    "schedule": ("schedule:app", "Schedules: replace that of a loan that was restructured."),
    "write-off-end": (
        "write_off:write_off_end",
        "Collect a loan again whose write-off the lender took back.",
    ),
    "hold": ("hold:app", "Holds, which pause the ladder of a loan: place or release one."),
    "dispute": ("dispute:app", "Disputes of a debt: open one, handle it, and decide it in time."),
    "complaint": ("complaint:app", "Complaints: receive one, handle it, and decide it in time."),
    "approval": ("approval:app", "Actions that wait for approval: grant or reject one."),
    "opt-out": ("borrower:opt_out", "Record that a borrower must not be contacted any more."),
    "person": ("person:app", "Persons: their customer records, and what is true of them."),
    "party": ("party:app", "Co-borrowers and guarantors: list them, add or end one."),
    "number": ("number:app", "Telephone numbers: list, add, order; what is true of one."),
    "address": ("address:app", "Addresses: what is known of one, and what is true of it."),
    "validation-notice": (
        "borrower:validation_notice",
        "Record that the borrower was informed of the debt in writing.",
    ),
    "acknowledgement": (
        "borrower:acknowledgement",
        "Record that the borrower acknowledged the debt.",
    ),
    "limitation-fact": (
        "borrower:limitation_fact",
        "Record a suit, or what else interrupts or suspends the limitation period.",
    ),
    "worklist": ("worklist:worklist", "Show calls, visits, legal files, approvals and replies."),
    "letter": (
        "letter:app",
        "Letters: print one to a borrower, record that it came back, or what one of theirs says.",
    ),
    "call": ("call:app", "Calls: start one that is lawful now, record its outcome."),
    "duty": ("duty:app", "What somebody owes after a conversation: list it, or say it is done."),
    "visit": ("visit:app", "Visits: start one, record its outcome, or cancel it."),
    "reply": ("reply:app", "Borrowers' texts that need a person: read one, close it."),
    "status": ("status:status", "Show what is due, waiting or failed, and the queues."),
    "sending": ("sending:app", "Sending: stop all contacts at once, and let them go on."),
    "recover": ("recover:recover", "Bring a database up to date that was restored from a backup."),
    "problems": ("problems:app", "Problems that need a person: list them, resolve one."),
    "events": ("events:app", "Events that cannot be applied: discard one."),
    "actions": ("actions:app", "Actions that were given up: list, show, retry or discard them."),
    "texts": ("texts:app", "Texts that may or may not have been sent: list and decide."),
    "outbox": ("outbox:app", "Events for the lender's systems: list them, send one again."),
    "explain": ("explain:explain", "Show the history of one loan, with reasons."),
    "may-contact": ("may_contact:may_contact", "Ask whether a contact would be lawful, and when."),
    "evidence": ("evidence:app", "Evidence: verify it, show its checkpoint, export a loan's."),
    "data-subject": ("data_subject:app", "Requests of a data subject: export or erase their data."),
    "retention": ("retention:app", "Retention of personal data: report what is due for erasure."),
    "worker": ("serve:worker", "Run a worker that serves queues."),
    "beat": ("serve:beat", "Run the scheduler of scans and maintenance."),
    "webhook": ("serve:webhook", "Run the HTTP server for providers and the lender's systems."),
    "api": ("serve:api", "Run the HTTP server that starts calls for dialers."),
    "desk": ("serve:desk", "Run the HTTP server over which people work."),
    "flower": ("serve:flower", "Run Flower, which shows operators the tasks."),
    "demo": ("demo:demo", "Run 400 loans through one day, on servers made for it."),
}
"""Each command: its module and object in `workers.cli`, and its line in the overview."""


class Group(TyperGroup):
    """A group of commands whose overview shows every summary in full."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, self.summary(name)) for name in self.commands]
        with formatter.section(say("Commands")):
            formatter.write_dl(rows)

    def summary(self, name: str) -> str:
        """The first sentence of a command's help."""
        return self.commands[name].get_short_help_str(limit=10_000)


MOST_SUGGESTED = 4


def _suggested(word: str) -> list[str]:
    """The commands that a word may stand for: as the verb of a noun, by another word for the same,
    or because it is spelled alike."""
    from workers.cli.other_words import OTHER_WORDS

    by_noun = [f"{noun} {word}" for noun in COMMANDS if word in _verbs(noun)]
    alike = difflib.get_close_matches(word, COMMANDS)
    return list(dict.fromkeys((*OTHER_WORDS.get(word, ()), *by_noun, *alike)))[:MOST_SUGGESTED]


def _verbs(noun: str) -> Mapping[str, Any]:
    return getattr(_load(noun, language_of_environment()), "commands", {})


class _LazyCommands(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        return _load(name, language_of_environment())

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _MainGroup(Group):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        if language_of_environment() != "en":
            from workers.cli.usage import translate

            translate(self)
        self.commands = cast(Any, _LazyCommands())

    def summary(self, name: str) -> str:
        return say(COMMANDS[name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if args[0] not in COMMANDS and (found := _suggested(args[0])):
                names = ", ".join(map(repr, found))
                unknown, *_ = error.message.split(". Did you mean")
                error.message = f"{unknown.rstrip('.')}. Did you mean {names}?"
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _in_our_words(error)
            raise
        except typer.TyperException as error:
            if re.fullmatch(r"-\d", option := getattr(error, "option_name", "")):
                error.message = say(
                    "{option}… is taken for an option, and there is none. An amount is more than "
                    "zero: write it without a minus.",
                    option=option,
                )
            raise


def _in_our_words(error: typer.BadParameter) -> str:
    """What is wrong with an argument, without the terms of the library that checked it."""
    if error.__cause__ is None:
        return error.message
    from config.input_errors import what_to_write

    [found, *_] = cast(Any, error.__cause__).errors()
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    return say(
        "{input!r} cannot be used: {found}.", input=found["input"], found=what_to_write(found)
    )


@cache
def _load(name: str, language: str) -> Any:
    """The command, with its help in the language, which is that of the environment."""
    command = with_names(_built(name), name)
    if language != "en":
        from workers.cli.usage import translate

        translate(command)
    command.epilog = epilog_of(name)
    return command


def _built(name: str) -> Any:
    target, help = COMMANDS[name]
    module, _, attribute = target.partition(":")
    # Imported modules stay in memory, so collecting garbage during the import is wasted work.
    gc.disable()
    try:
        loaded = getattr(import_module(f"workers.cli.{module}"), attribute)
        gc.freeze()
    finally:
        gc.enable()
    # Without markup mode, typer does not import rich for help texts.
    if isinstance(loaded, typer.Typer):
        return get_group_from_info(
            TyperInfo(loaded, name=name, help=help, cls=Group, no_args_is_help=True),
            pretty_exceptions_short=True,
            suggest_commands=True,
            rich_markup_mode=None,
        )
    return get_command_from_info(
        CommandInfo(name, callback=loaded), pretty_exceptions_short=True, rich_markup_mode=None
    )


app = typer.Typer(
    cls=_MainGroup,
    help="Arrears watches a loan book and acts by rule, as the lender's ladder and the law allow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _arrears() -> None:
    """No options of its own: they belong to the commands."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; `arguments` are those of the process if left out.

    An error that the user can correct is printed as one sentence, with exit code 2.
    """
    with visible_streams():
        _run(arguments)


def _run(arguments: Sequence[str] | None) -> None:
    try:
        code = app(args=arguments, prog_name="arrears", standalone_mode=False)
        raise SystemExit(code or 0)
    except typer.TyperException as error:
        from workers.cli.usage import show

        show(error)
        raise SystemExit(error.exit_code) from None
    except typer.Abort:
        raise SystemExit(1) from None
    except Exception as error:
        message = _message(error)
        if message is None:
            raise
        print(f"arrears: {message}", file=sys.stderr)
        raise SystemExit(2) from None


HELPFUL_COMMANDS: dict[type[ArrearsError], str] = {
    NotOnRosterError: "`arrears roster load` brings in who works here.",
    WithoutRoleError: "`arrears roster load` brings in who works here.",
    NoOpenCallError: "`arrears worklist --kind calls` shows those that are.",
    NotServedError: "`arrears call next` shows it, and `--give-back` gives it back.",
    OutcomeMissingError: "`arrears call outcome` does so.",
    KeptAsRejectedError: "It came in before and is kept as rejected. Who sent it can send it again "
    "under the same id, corrected; here `arrears events discard` takes it away.",
}
"""By the kind of an error, the sentence that the command line adds to its message."""


def _message(error: Exception) -> str | None:
    if isinstance(error, ArrearsError):
        helpful = HELPFUL_COMMANDS.get(type(error))
        notes = [say("See {options}.", options=note) for note in getattr(error, "__notes__", ())]
        return " ".join(filter(None, (said_error(error), *notes, helpful and say(helpful))))
    if isinstance(error, UnicodeEncodeError):
        return _unwritable(error)
    if "sqlalchemy" not in sys.modules:
        return None
    from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError

    from workers.db.engine import user_message

    if isinstance(error, OperationalError | InterfaceError | ProgrammingError | InternalError):
        return said_text(user_message(error))
    return None


def _unwritable(error: UnicodeEncodeError) -> str:
    """A character that an encoding lacks: the terminal's, or that of the arguments."""
    character = error.object[error.start]
    if "\ud800" <= character <= "\udfff":  # how Python keeps a byte that it could not decode
        return say(
            "An argument has characters that the encoding of this shell does not allow. Write it "
            "in UTF-8, with LANG set to a locale such as C.UTF-8."
        )
    return say(
        "The answer cannot be shown here, because the encoding {encoding} lacks some of its "
        "characters. Set PYTHONIOENCODING=utf-8, or LANG to a locale such as C.UTF-8, and repeat "
        "the command; what it changes may be changed already.",
        encoding=error.encoding,
    )


if __name__ == "__main__":
    main()
