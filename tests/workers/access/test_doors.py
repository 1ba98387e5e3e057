"""What the doors may call: use cases that ask for a permission, and what shows nobody's data."""

import ast
import inspect
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine

from domain.actors import ARREARS, NOBODY, Actor, ActorKind, Role
from domain.errors import NotPermittedError
from domain.permissions import PERMISSIONS, Permission, may
from tests.support.counting import statements
from tests.support.loans import Book
from workers.access.permitted import permitted
from workers.cli.main import COMMANDS, _built
from workers.cli.permission_of import ON_THE_SERVER
from workers.context import Context
from workers.db.schema import permission_use
from workers.operations.persons import read_person

ROOT = Path(__file__).parents[3]

OF_THE_PROCESS = {
    "bootstrap.build_context": "a door wires a context, in which nobody acts",
    "bootstrap.process_context": "the same",
    "access.authenticate.authenticate": "it says who acts",
    "access.administrators.naming_the_first_step": "whether anybody could; it names nobody",
    "access.secrets.read_secret": "a file of the user's own",
    "access.secrets.token_file": "the same",
    "access.secrets.write_new_secret": "the same",
    "access.secrets.fingerprint_of": "arithmetic",
    "sending.clock_check.assert_clock_right": "whether the process may work",
    "sending.counter.assert_counter_usable": "the same",
    "db.engine.assert_reachable": "the same",
    "db.engine.is_read_only": "the same",
    "db.engine.user_message": "an error in words",
    "db.engine.autocommit": "a connection, for use cases",
    "db.migrate.assert_current": "whether the process may work",
    "newer_database.watch_database": "the same",
    "db.encryption_keys.assert_keys_open": "the same",
    "db.encryption_keys.assert_seals_for_known_key": "the same",
    "db.signs_of_life.assert_writes_and_reads": "the same",
    "operations.standstill.find_standstills": "whether tasks run; of no loan",
    "db.sending_holds.read_sending_holds": "what is stopped for everybody; of no loan",
    "calls.amounts.amounts_are_shown": "whether amounts may be shown; it shows none",
    "calls.amounts.commands_show_amounts": "the same, of commands",
    "calls.confirmed_first.assert_confirmed": "the same: it refuses, and shows nothing",
    "failures.log_summary": "an error in words",
    "log_lines.write_visible_lines": "the log",
    "messaging.publish.announce": "a message with ids, which wakes a worker",
}
"""What runs or shows the process and the installation, and never a business fact."""

OF_WHAT_CAME_IN = {
    *("sms.delivery_receipts.receipt_payload", "borrowers.inbound_texts.text_payload"),
    *("borrowers.inbound_texts.text_id", "payments.payments.payment_payload"),
    *("sms.providers.tencent.read_tencent_reply", "sms.providers.tencent.read_tencent_reports"),
    *("sms.providers.twilio.read_inbound_text", "sms.providers.twilio.read_status_report"),
    *("sms.providers.twilio.form_fields", "sms.providers.twilio.verify_signature"),
    *("db.inbox.without_hashes", "tapes.propose_mapping.propose_mapping"),
    "operations.problems.asked_lists",
}
"""What works on its arguments alone."""


def doors() -> list[str]:
    """The folders beside `cli` in the layers; the tasks are Arrears itself."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [layer for each in contracts["contracts"] for layer in each.get("layers", ())]
    (beside,) = (layer.split(" | ") for layer in layers if "cli" in layer.split(" | "))
    return [folder for folder in beside if folder != "tasks"]


def runs_the_server(file: Path) -> bool:
    """Whether all commands of a module are for who operates the server."""
    commands = set()
    for name, (where, _) in COMMANDS.items():
        if file.parent.name == "cli" and where.split(":")[0] == file.stem:
            verbs = getattr(_built(name), "commands", None)
            commands |= {name} if verbs is None else {f"{name} {verb}" for verb in verbs}
    return bool(commands) and commands <= ON_THE_SERVER


def called_by(tree: ast.Module, inside: str) -> Iterator[object]:
    """What a door's module imports of the rest of `workers`, and of modules what it uses."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("workers"):
            continue
        assert node.module is not None
        if node.module.split(".")[1:2] in (["simulator"], [inside]):
            continue
        module = import_module(node.module)
        for alias in node.names:
            found = getattr(module, alias.name, None) or import_module(
                f"{node.module}.{alias.name}"
            )
            if not isinstance(found, ModuleType):
                yield found
                continue
            local = alias.asname or alias.name
            for used in ast.walk(tree):
                if (
                    isinstance(used, ast.Attribute)
                    and isinstance(used.value, ast.Name)
                    and used.value.id == local
                ):
                    yield getattr(found, used.attr)


def named(function: Any) -> str:
    return f"{function.__module__.removeprefix('workers.')}.{function.__qualname__}"


@pytest.mark.attack("a door that forgets")
def test_a_door_calls_nothing_that_asks_for_no_permission() -> None:
    assert {"cli", "http"} <= set(doors())
    seen, permissions = set[str](), set[Permission]()
    for door in doors():
        for file in sorted((ROOT / "workers" / door).rglob("*.py")):
            tree = ast.parse(file.read_text())
            if runs_the_server(file):
                continue
            for found in called_by(tree, door):
                # One that is cached is no function any more, but wraps one.
                if not (inspect.isfunction(found) or hasattr(found, "__wrapped__")):
                    continue
                seen.add(named(found))
                asked = getattr(found, "permission", None)
                if isinstance(asked, Permission):
                    permissions.add(asked)
                known = named(found) in OF_THE_PROCESS or named(found) in OF_WHAT_CAME_IN
                assert asked or known, f"{file}: {named(found)} asks for no permission"
            reads_itself = [
                node
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and node.attr in ("execute", "exec_driver_sql")
            ]
            assert not reads_itself, f"{file} asks the database by itself"
    assert len(permissions) > 20
    assert (set(OF_THE_PROCESS) | OF_WHAT_CAME_IN) <= seen, "these are called by no door any more"


def test_only_the_command_line_acts_for_arrears_itself_and_only_on_the_server() -> None:
    acting = {
        str(file.relative_to(ROOT / "workers"))
        for door in doors()
        for file in (ROOT / "workers" / door).rglob("*.py")
        if {"ARREARS", "worker_context"}
        & {node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)}
    }
    assert acting == {"cli/context.py"}


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine)


@permitted(Permission.READ_PERSONS)
def show(ctx: Context) -> str:
    return f"{inner(ctx)} for {ctx.actor}"


@permitted(Permission.ERASE_DATA)
def inner(ctx: Context) -> str:
    return "shown"


@pytest.mark.attack("a door that forgets")
def test_where_no_door_says_who_acts_nothing_is_permitted(book: Book) -> None:
    machine, provider = Actor("core", ActorKind.MACHINE), Actor("twilio", ActorKind.PROVIDER)
    for actor in (NOBODY, Actor("c-1"), machine, provider):
        with pytest.raises(NotPermittedError, match="persons:read"):
            show(book.ctx.acting(actor))
    with book.ctx.engine.connect() as connection, pytest.raises(NotPermittedError):
        read_person(connection, "B-1", book.ctx.acting(NOBODY))
    uses = [(use.actor, use.granted) for use in book.rows(permission_use)]
    assert uses == [(None, False), ("c-1", False), ("core", False), (None, False)]


def test_a_use_is_on_record_once_and_what_it_calls_is_part_of_it(book: Book) -> None:
    officer = book.ctx.acting(Actor("p-1", roles=frozenset({Role.AUDITOR, Role.PRIVACY_OFFICER})))
    for _ in range(2):
        assert show(officer) == "shown for p-1"
    supervisor = book.ctx.acting(Actor("s-1", roles=frozenset({Role.SUPERVISOR})))
    assert show(supervisor) == "shown for s-1", "what a use case calls is permitted with it"
    with pytest.raises(NotPermittedError, match="data:erase"):
        inner(supervisor)
    uses = [(use.actor, use.permission, use.granted) for use in book.rows(permission_use)]
    assert uses == [
        ("p-1", "persons:read", True),
        ("s-1", "persons:read", True),
        ("s-1", "data:erase", False),
    ]


def test_arrears_itself_and_what_is_noted_elsewhere_cost_no_statement(book: Book) -> None:
    core = Actor("core", ActorKind.MACHINE, scopes=frozenset({Permission.RECORD_PAYMENTS}))

    @permitted(Permission.RECORD_PAYMENTS)
    def pay(ctx: Context) -> None:
        pass

    with statements(book.ctx.engine) as sent:
        pay(book.ctx.acting(ARREARS))
        pay(book.ctx.acting(core, is_noted_elsewhere=True))
    assert sent == []


def test_a_provider_may_report_texts_and_nothing_else() -> None:
    provider = Actor("twilio", ActorKind.PROVIDER)
    assert [each for each in Permission if may(provider, each)] == [Permission.REPORT_TEXTS]
    others = (ActorKind.STAFF, ActorKind.MACHINE, ActorKind.BORROWER)
    everything = {"roles": frozenset(Role), "scopes": frozenset(Permission)}
    assert not any(
        may(Actor("x", kind, **everything), Permission.REPORT_TEXTS)  # type: ignore[arg-type]
        for kind in others
    )
    assert not PERMISSIONS[Permission.REPORT_TEXTS].roles
