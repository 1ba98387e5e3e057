"""What the command line refuses is not kept, and what it keeps it says, in one's language."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.support.commands import arrears, arrears_process, granted
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.clock import Clock
from workers.db.schema import inbox_event, loan, payment
from workers.inbox.apply import apply_event
from workers.inbox.store import store_and_commit

TODAY = Clock().now().date()
WHY = ("--why", "told by telephone")
PAY = ("payment", "record", "L-1")

ADVISER = ("--name", "Wu Example", "--phone", "+8613900139001", "--address", "9 Example Road")
ASSIGNED = ("limitation-fact", "L-1", "assignment_notice")


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {**an_environment(database_url), "ARREARS_ZONE": "UTC"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, zone="UTC")
    book.loan("L-1", due_on=str(TODAY - timedelta(days=1)))
    return book


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ((*PAY, "10", "USD", "--id", "P-1"), "Give it in CNY, with that code, under the same id"),
        (
            (*PAY, "10.005", "CNY", "--id", "P-1"),
            "more decimal places than",
        ),
        (("promise", "record", "L-1", "9", "CNY", "2020-01-01", "--id=x"), "has passed"),
        (("hold", "place", "L-1", "holiday", "--id", "x", *WHY), "not a kind of hold"),
        (("write-off", "L-1", "--on", "2199-01-01", *WHY), "has not come yet"),
        (("acknowledgement", "L-1", "--on", "2199-01-01"), "has not come yet"),
        (("limitation-fact", "L-1", "suit", "--from", "2199-01-01"), "has not come yet"),
        (("limitation-fact", "L-1", "suit", "--until", "2199-01-01"), "has not come yet"),
        (
            ("limitation-fact", "L-1", "suit", "--until", "2019-01-01"),
            "none before they start",
        ),
        ((*ASSIGNED, "--from", "2019-01-01", "--until", "2019-02-01"), "cannot be the end"),
    ],
)
def test_what_is_refused_is_not_kept(
    environment: dict[str, str], book: Book, command: tuple[str, ...], says: str
) -> None:
    done = arrears(environment, *command)

    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert book.rows(inbox_event) == []


def test_what_waits_can_be_corrected_under_its_id_and_says_so(
    environment: dict[str, str], book: Book
) -> None:
    wrong = ("payment", "record", "L-11", "10", "CNY", "--id", "P-1")
    right = (*PAY, "10", "CNY", "--id", "P-1")

    kept = arrears(environment, *wrong)
    assert kept.returncode == 3
    assert "exit code 3" in kept.stderr
    assert "repeat the command with the same --id, or discard it" in kept.stderr
    assert "arrears events discard payment:P-1 --why WHY" in kept.stderr
    refused = arrears(environment, "payment", "record", "L-1", "10", "USD", "--id", "P-1")
    assert refused.returncode == 2
    assert book.one(inbox_event).payload["loan"] == "L-11", "it waits as it was"

    assert arrears(environment, *right).returncode == 0
    assert book.one(payment).amount == 10
    assert book.one(inbox_event).status == "applied"


def test_an_event_of_another_sender_that_was_rejected_is_said_to_be_kept(
    environment: dict[str, str], book: Book
) -> None:
    payload = {
        "external_id": "P-1",
        "loan": "L-1",
        "amount": "10",
        "currency": "USD",
        "paid_on": str(TODAY),
    }
    stored = store_and_commit(book.ctx, "payment:P-1", "payment", payload, Clock().now())
    assert apply_event(book.ctx, stored).status == "rejected"

    done = arrears(environment, *PAY, "10", "USD", "--id", "P-1")

    assert done.returncode == 2
    assert "kept as rejected. Who sent it can send it again" in done.stderr


def test_the_same_payment_again_is_said_to_be_on_record(
    environment: dict[str, str], book: Book
) -> None:
    command = (*PAY, "10", "CNY", "--id", "P-1")
    first = arrears(environment, *command)
    again = arrears(environment, *command, by="c-2")

    assert "on record already" not in first.stdout
    assert (again.returncode, "Payment P-1 is on record already" in again.stdout) == (1, True)
    assert "past due" not in again.stdout, "what was true the first time"
    assert book.one(payment).amount == 10


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("promise", "record", "L-1", "900", "CNY", str(TODAY), "--id", "PR-1"), "PR-1 is on"),
        (("hold", "place", "L-1", "manual", "--id", "H-1", *WHY), "H-1 is on record already"),
        (("dispute", "open", "L-1", "--id", "D-1", *WHY), "D-1 is on record already"),
        (("write-off", "L-1", *WHY), "was written off on"),
        (("opt-out", "B-L-1"), "has asked for that already"),
        (("opt-out", "B-L-1", "--channel", "sms"), "has asked for that already"),
        (("person", "note", "B-L-1", "represented"), "already; nothing changed"),
        (("person", "note", "B-L-1", "inconvenient_time", "--time", "sun"), "counts as long"),
        (("person", "end", "B-L-1", "represented"), "Nothing like that is on record"),
        (("person", "note", "B-L-1", "language", "--locale", "en"), "nothing changed"),
        (("person", "note", "B-L-1", "agreed_other_hours"), "counts as long"),
        (("person", "represent", "B-L-1", "attorney", *ADVISER), "these details; nothing"),
        (("number", "add", "B-L-1", "--phone", "+8613900139009"), "contacts already; nothing"),
        (("number", "order", "B-L-1", "1"), "in this order already"),
        (("validation-notice", "L-1"), "is on record already"),
        (("acknowledgement", "L-1"), "is on record already"),
        (ASSIGNED, "is on record already"),
        (
            ("number", "note", "reaches_nobody", "--borrower", "B-L-1"),
            "known of the number",
        ),
    ],
)
def test_what_is_on_record_already_is_said_to_be_and_ends_with_1(
    environment: dict[str, str], book: Book, command: tuple[str, ...], says: str
) -> None:
    run = granted if command[0] == "write-off" else arrears
    run(environment, *command)
    again = arrears(environment, *command)

    assert (again.returncode, says in again.stdout) == (1, True), again.stdout + again.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("person", "note", "B-L-1", "agreed_more_contacts"),
        ("person", "note", "B-L-1", "language", "--locale", "zh-Hans"),
        ("person", "represent", "B-L-1", "attorney", "--name", "Zhao Example"),
    ],
)
def test_what_changes_something_is_no_repeat(
    environment: dict[str, str], book: Book, command: tuple[str, ...]
) -> None:
    """The days for which more contacts were agreed to begin anew."""
    same = ("person", "note", "B-L-1", "agreed_more_contacts")
    before = {
        "language": ("person", "note", "B-L-1", "language", "--locale", "en"),
        "attorney": ("person", "represent", "B-L-1", "attorney", *ADVISER),
    }
    assert arrears(environment, *before.get(command[3], same)).returncode == 0
    assert arrears(environment, *command).returncode == 0


def test_a_payment_that_was_reversed_is_said_to_be_when_it_is_recorded_again(
    environment: dict[str, str], book: Book
) -> None:
    command = (*PAY, "10", "CNY", "--id", "P-1")
    arrears(environment, *command)
    reverse = ("payment", "reverse", "P-1")
    assert arrears(environment, *reverse).returncode == 0

    for repeated in (command, reverse):
        again = arrears(environment, *repeated)
        assert again.returncode == 1
        assert f"Payment P-1 was reversed on {TODAY}; nothing changed." in again.stdout
    assert book.one(payment).reversed_on == TODAY


def test_a_payment_under_another_event_is_on_record_as_well(
    environment: dict[str, str], book: Book
) -> None:
    paid = {"external_id": "P-1", "loan": "L-1", "amount": "10.00", "currency": "CNY"}
    stored = store_and_commit(
        book.ctx, "evt-7", "payment", {**paid, "paid_on": "2026-03-01"}, Clock().now()
    )
    assert apply_event(book.ctx, stored).status == "applied"

    again = arrears(environment, *PAY, "10", "CNY", "--id", "P-1")

    assert (again.returncode, "P-1 is on record already" in again.stdout) == (1, True)


def test_a_promise_that_was_cancelled_is_said_to_be(
    environment: dict[str, str], book: Book
) -> None:
    command = ("promise", "record", "L-1", "900", "CNY", str(TODAY), "--id", "PR-1")
    arrears(environment, *command)
    arrears(environment, "promise", "cancel", "PR-1")

    again = arrears(environment, *command)

    assert (again.returncode, "PR-1 is withdrawn already" in again.stdout) == (1, True)


def test_a_hold_that_was_released_is_said_to_have_ended(
    environment: dict[str, str], book: Book
) -> None:
    command = ("hold", "place", "L-1", "manual", "--id", "H-1", *WHY)
    arrears(environment, *command)
    arrears(environment, "hold", "release", "H-1")

    again = arrears(environment, *command)

    assert (again.returncode, f"It ended on {TODAY}" in again.stdout) == (1, True)


def test_who_recorded_it_is_kept_with_the_event(environment: dict[str, str], book: Book) -> None:
    for command in (
        (*PAY, "10", "CNY", "--id", "P-1"),
        ("payment", "reverse", "P-1"),
        ("hold", "place", "L-1", "manual", "--id", "H-1", *WHY),
        ("hold", "release", "H-1"),
        ("dispute", "open", "L-1", "--id", "D-1", *WHY),
        ("promise", "record", "L-1", "900", "CNY", str(TODAY), "--id", "PR-1"),
        ("promise", "cancel", "PR-1"),
        ("validation-notice", "L-1"),
        ("acknowledgement", "L-1"),
        ("limitation-fact", "L-1", "force_majeure"),
    ):
        assert arrears(environment, *command).returncode == 0, command

    assert {row.payload["actor"] for row in book.rows(inbox_event)} == {"c-1"}


def test_a_dispute_pauses_until_it_is_decided(environment: dict[str, str], book: Book) -> None:
    done = arrears(environment, "dispute", "open", "L-1", "--id", "D-1", *WHY)

    assert "until the dispute is decided" in done.stdout


def test_a_dry_run_writes_nothing_off(environment: dict[str, str], book: Book) -> None:
    done = arrears(environment, "write-off", "L-1", "--dry-run", *WHY)

    assert (done.returncode, "Nothing was changed" in done.stdout) == (0, True)
    assert book.rows(inbox_event) == []
    assert book.one(loan).written_off_on is None


def test_what_needs_a_second_person_never_waits_for_what_is_not_known(
    environment: dict[str, str], book: Book
) -> None:
    for dry_run in ((), ("--dry-run",)):
        done = arrears(environment, "write-off", "L-9", *dry_run, *WHY)
        assert (done.returncode, "nothing was recorded" in done.stderr) == (2, True)
        assert "Loan L-9 is not known. The write-off names it" in done.stderr
    assert book.rows(inbox_event) == []


def test_the_same_again_with_other_words_says_what_is_on_record(
    environment: dict[str, str], book: Book
) -> None:
    granted(environment, "write-off", "L-1", "--why", "sold")
    again = arrears(environment, "write-off", "L-1", "--why", "sold to another")
    assert (again.returncode, again.stdout) == (
        1,
        f"Loan L-1 was written off on {TODAY}; nothing changed.\n",
    )

    arrears(environment, *PAY, "10", "CNY", "--id", "P-1")
    other = arrears(environment, *PAY, "11", "CNY", "--id", "P-1")
    assert (other.returncode, other.stdout) == (2, "")
    assert "`arrears events show payment:P-1` shows them" in other.stderr
    assert "Record something new with another --id" in other.stderr


@pytest.mark.parametrize(
    ("locale", "says"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "已过"),
        ({"LC_ALL": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "已过"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "has passed"),
        ({}, "has passed"),
    ],
)
def test_a_refusal_is_in_the_language_of_the_locale(
    environment: dict[str, str], book: Book, locale: dict[str, str], says: str
) -> None:
    promise = ("promise", "record", "L-1", "9", "CNY", "2020-01-01", "--id", "x")

    assert says in arrears(environment | locale, *promise).stderr


@pytest.mark.parametrize(
    ("encoding", "command"),
    [
        ({"PYTHONIOENCODING": "ascii"}, ("explain", "L-1", "--language", "zh")),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, ("rules", "CN")),
    ],
)
def test_an_answer_that_the_terminal_cannot_show_ends_in_a_sentence(
    environment: dict[str, str], book: Book, encoding: dict[str, str], command: tuple[str, ...]
) -> None:
    done = arrears_process(environment | encoding, *command)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Set PYTHONIOENCODING=utf-8" in done.stderr


def test_a_terminal_without_chinese_characters_gets_english_unless_it_asked(
    environment: dict[str, str], book: Book
) -> None:
    ascii_only = environment | {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "ascii"}
    promise = ("promise", "record", "L-1", "9", "CNY", "2020-01-01", "--id", "x")

    assert "has passed" in arrears_process(ascii_only, *promise).stderr


def test_an_argument_that_is_no_text_ends_in_a_sentence(
    environment: dict[str, str], book: Book
) -> None:
    done = arrears_process(environment, "explain", "L-\udcff")

    assert (done.returncode, "Write it in UTF-8" in done.stderr) == (2, True), done.stderr


def test_a_day_without_a_time_counts_to_its_end(environment: dict[str, str], book: Book) -> None:
    assert arrears(environment, *PAY, "10", "CNY", "--id", "P-1").returncode == 0

    assert "Payment P-1" in arrears(environment, "explain", "L-1", "--at", str(TODAY)).stdout
    earlier = str(TODAY - timedelta(days=1))
    assert "Payment P-1" not in arrears(environment, "explain", "L-1", "--at", earlier).stdout
