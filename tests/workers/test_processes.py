"""Real workers, a real broker, the real SDK over HTTP — and processes that really die."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
import requests
from sqlalchemy import Engine, LargeBinary, Text, cast, column, func, select
from twilio.request_validator import RequestValidator

from domain.events import LENDER
from tests.support.commands import Process, arrears, eventually, running
from tests.support.compose import services
from tests.support.environment import an_environment
from tests.support.lender import OTHER_SECRET, SECRET, allow, an_event, signed
from tests.support.loans import ADDRESS, NAME, Book
from tests.support.timetable import TIMETABLE, Timetable
from workers.clock import write_offset
from workers.db.schema import action, decision, inbox_event, metadata, receipt
from workers.inbox.store import store_event
from workers.messaging.broker import KEY_PREFIX
from workers.queues import (
    APPLY_EVENTS,
    DISPATCH_DUE_ACTIONS,
    DISPATCH_EVENTS,
    ERASE_EXPIRED_DATA,
    ESCALATE_LOANS,
    PRUNE_COMPLETED_EVENTS,
    QUEUES,
    REENCRYPT_WITH_CURRENT_KEY,
    SCAN_PORTFOLIO,
    Queue,
)
from workers.simulator.providers.twilio import ACCOUNT_SID, SimulatedTwilio
from workers.simulator.servers.environment import free_port
from workers.simulator.servers.postgres_and_valkey import LocalBroker

pytestmark = pytest.mark.timeout(400)

LOANS = 40
TEXTS_ARE_SETTLED = {"done", "unknown"}


@pytest.fixture
def twilio(tmp_path: Path) -> Iterator[SimulatedTwilio]:
    with SimulatedTwilio(log=tmp_path / "texts.jsonl", auth_token="secret") as twilio:
        yield twilio


@pytest.fixture
def broker() -> Iterator[LocalBroker]:
    """A broker of the test's own, to be emptied and killed."""
    with LocalBroker() as server:
        yield server


@pytest.fixture
def book(engine: Engine) -> Book:
    """All one day past due, in the middle of their day."""
    book = Book(engine, now="2026-03-02 12:00", zone="America/New_York")
    lend(book, 0, LOANS)
    return book


@pytest.fixture
def environment(
    database_url: str, broker: LocalBroker, twilio: SimulatedTwilio, book: Book, tmp_path: Path
) -> dict[str, str]:
    """What the processes are told: the book's day, and leases so short that repairs come soon."""
    clock = tmp_path / "clock"
    clock.write_text(str((book.clock.at - datetime.now(UTC)).total_seconds()))
    return {
        **an_environment(database_url, broker.url),
        "ARREARS_CLOCK_FILE": str(clock),
        "ARREARS_LEASE_SECONDS": "5",
        "ARREARS_SCAN_SECONDS": "1",
        "ARREARS_ZONE": str(book.zone),
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_API_BASE": twilio.url,
    }


def start(
    stack: ExitStack, environment: Mapping[str, str], folder: Path, *command: str, log: str = ""
) -> Process:
    written = folder / f"{log or command[0]}.log"
    return stack.enter_context(running(*command, environment=environment, log=written))


def lend(book: Book, first: int, count: int, due_on: str = "2026-03-01") -> None:
    """So many loans in New York, each with a number of its own."""
    for n in range(first, first + count):
        number = f"+1212555{100 + n:04d}"
        book.loan(
            f"L-{n:03d}",
            due_on=due_on,
            jurisdiction="US",
            product="personal_loan",
            phone=number,
        )


def first_texts(book: Book) -> Counter[str]:
    """How many first texts have each status."""
    rows = book.rows(
        select(action.c.status, func.count().label("count"))
        .where(action.c.item == "text_day_1")
        .group_by(action.c.status)
    )
    return Counter({row.status: row.count for row in rows})


def settled(book: Book, loans: int = LOANS) -> bool:
    texts = first_texts(book)
    return sum(texts[status] for status in TEXTS_ARE_SETTLED) == loans


def assert_once_and_none_lost(book: Book, twilio: SimulatedTwilio, loans: int) -> None:
    """Judged from the provider's own log: nobody was texted twice, and who was not is unknown."""
    per_number = Counter(text.to for text in twilio.accepted_texts())
    assert set(per_number.values()) == {1}
    unknown = first_texts(book)["unknown"]
    assert loans - unknown <= len(per_number) <= loans


def assert_decided_once(book: Book, loans: int) -> None:
    decided = book.rows(select(func.count()).select_from(decision).group_by(decision.c.loan_id))
    assert [count for (count,) in decided] == [1] * loans


def test_dispatch_does_not_wait_for_events_or_maintenance(
    book: Book, environment: dict[str, str], broker: LocalBroker, tmp_path: Path
) -> None:
    """Of a production's workers two are as they are there; a third does what two others do."""
    given = {service.options.get("name"): service for service in services()}
    dispatch, maintenance = given["dispatch"].words[1:], given["maintenance"].words[1:]
    others = ",".join(given[name].options["queues"] for name in ("decide", "texts"))
    with ExitStack() as stack:
        with book.ctx.engine.begin() as connection:
            now = book.ctx.now()
            ids = [store_event(connection, f"E-{n}", "write_off", {}, now) for n in range(100)]
        # Each apply_events task waits for one of these locks, until PostgreSQL gives up after 20 s.
        holder = stack.enter_context(book.ctx.engine.begin())
        holder.execute(select(inbox_event).with_for_update())
        with closing(Timetable(broker.url)) as timetable:
            for event_id in ids:
                timetable.start(APPLY_EVENTS, [event_id])

        waits = start(stack, environment, tmp_path, *maintenance, log="maintenance")
        start(stack, environment, tmp_path, *dispatch, log="dispatch")
        start(stack, environment, tmp_path, "worker", f"--queues={others}", log="others")
        eventually("both wait", lambda: waits.output.count("apply_events[") >= 2)
        start(stack, environment, tmp_path, "beat")
        eventually("all first texts are settled", lambda: settled(book))

        assert "succeeded" not in waits.output, "it waited all the while"
        with redis.Redis.from_url(broker.url) as client:
            assert client.llen(f"{KEY_PREFIX}{Queue.EVENTS}") > 0
        waits.kill()  # it would be waited for


OF_ONE_PERSON = 100
THEIR_NUMBER = "+12125559999"


def test_everybody_is_texted_once_and_no_name_number_or_address_stands_anywhere_in_the_clear(
    book: Book,
    environment: dict[str, str],
    broker: LocalBroker,
    twilio: SimulatedTwilio,
    tmp_path: Path,
) -> None:
    """The many loans of one person are reviewed in messages of their own, and share one text."""
    for n in range(OF_ONE_PERSON):
        book.loan(f"P-{n:03d}", jurisdiction="US", phone=THEIR_NUMBER, borrower_id="P")
    everybody = LOANS + OF_ONE_PERSON
    webhook_port, flower_port = free_port(), free_port()
    allow(book, LENDER)
    public_url = f"http://127.0.0.1:{webhook_port}"
    flower = f"http://127.0.0.1:{flower_port}"
    tasks_in_flower = f"{flower}/api/tasks"
    environment |= {
        "ARREARS_PUBLIC_URL": public_url,
        "ARREARS_EVENTS_IN_SECRETS": SECRET,
        "FLOWER_UNAUTHENTICATED_API": "true",
    }
    in_the_clear: list[str] = []
    with ExitStack() as stack:
        processes = [
            start(stack, environment, tmp_path, "webhook", f"--port={webhook_port}"),
            start(stack, environment, tmp_path, "flower", f"--port={flower_port}"),
        ]
        eventually("the webhook serves", lambda: bool(answer(f"{public_url}/health")))
        eventually("Flower serves", lambda: bool(answer(tasks_in_flower)))
        processes += [
            start(stack, environment, tmp_path, "beat"),
            start(stack, environment, tmp_path, "worker", "--concurrency=2"),
        ]
        with redis.Redis.from_url(broker.url) as client:

            def look() -> bool:
                in_the_clear.extend(held_by(client))
                done = first_texts(book) == Counter(done=everybody)
                return done and len(book.rows(receipt)) == 2 * (LOANS + 1)

            eventually("all first texts are settled and delivered", look)
            assert_decided_once(book, everybody)
            answers = [*write_back(public_url), *tell_new_contacts(public_url, book)]

            def look_again() -> bool:
                in_the_clear.extend(held_by(client))
                return [row.status for row in book.rows(inbox_event) if row.kind in TOLD] == [
                    "applied"
                ]

            eventually("the new contacts are applied", look_again)
            done_by_hand = REENCRYPT_WITH_CURRENT_KEY, ERASE_EXPIRED_DATA
            with closing(Timetable(broker.url)) as timetable:
                for task in (*done_by_hand, PRUNE_COMPLETED_EVENTS):
                    timetable.start(task)
            eventually(
                "a worker has done them",
                lambda: all(
                    re.search(rf"{re.escape(task)}\S+ succeeded", processes[-1].output)
                    for task in done_by_hand
                ),
            )
        assert_flower_shows_the_business(flower)
        in_the_clear += [answer(f"{flower}{page}") for page in ("/api/tasks", "/metrics", "/tasks")]
        in_the_clear += [response.text for response in answers]
    assert [response.status_code for response in answers] == [200, 403, 202, 401, 422]
    for command in (
        ["status"],
        ["problems", "list"],
        ["worklist"],
        ["explain", "L-001"],
        ["retention", "report"],
    ):
        shown = arrears(environment, *command)
        in_the_clear += [shown.stdout, shown.stderr]
    texts = twilio.accepted_texts()
    assert len({text.to for text in texts}) == len(texts) == LOANS + 1, "the provider got them"
    (shared,) = [text for text in texts if text.to == THEIR_NUMBER]
    assert "100 loans, $100,000.00 in all" in shared.body
    assert "Traceback" not in processes[-1].output
    in_the_clear += [process.output for process in processes]
    in_the_clear += stored_in(book)

    everything = "\n".join(in_the_clear)
    for there in ("arrears.sms.send_sms", "arrears.events.apply_events", "text_day_1", "flower_"):
        assert there in everything, "there was something to look at"
    personal = (NAME, ADDRESS, "+1212555", "1212555", NEW_ADDRESS, NEW_NUMBER, WROTE_BACK)
    for value in (*personal, NEW_NUMBER[2:], *(text.body for text in texts)):
        assert value not in everything


def assert_flower_shows_the_business(flower: str) -> None:
    """Every loan by the lender's id, no sweep, every queue; and the worker counts its sweeps."""
    tasks = json.loads(answer(f"{flower}/api/tasks")).values()
    shown = [(task["name"], task["args"]) for task in tasks]
    of_one_person = [f"P-{n:03d}" for n in range(OF_ONE_PERSON)]
    loans = [f"L-{n:03d}" for n in range(LOANS)] + of_one_person
    of_loans = {loan for name, args in shown if name == ESCALATE_LOANS for loan in args.split(", ")}
    assert of_loans == set(loans)
    texts = {args for name, args in shown if name == "arrears.sms.send_sms"}
    each = {f"{loan} text_day_1" for loan in loans}
    assert {f"{loan} text_day_1" for loan in loans[:LOANS]} < texts <= each
    sweeps = set(TIMETABLE) - {SCAN_PORTFOLIO}
    assert {name for name, _ in shown} & sweeps == set()
    scans = [task for task in tasks if task["name"] == SCAN_PORTFOLIO]
    assert [task["state"] for task in scans if task["result"].startswith("'0 ")] == []
    assert scans, "a scan that found loans is shown"

    queues = json.loads(answer(f"{flower}/api/queues/length"))["active_queues"]
    assert {queue["name"] for queue in queues} == set(QUEUES)
    [worker] = json.loads(answer(f"{flower}/api/workers?refresh=1")).values()
    assert sweeps & worker["stats"]["total"].keys() > {DISPATCH_DUE_ACTIONS, DISPATCH_EVENTS}


NEW_NUMBER, NEW_ADDRESS = "+13105550123", "77 Example Boulevard"
WROTE_BACK = "I lost my job, this is Lin"
TOLD = ("contact_change",)


def write_back(public_url: str) -> list[requests.Response]:
    """A borrower answers a text; and somebody posts the same without the provider's signature."""
    url = f"{public_url}/webhooks/twilio/inbound"
    form = {"MessageSid": "SM" + "f" * 32, "From": "+12125550101", "Body": WROTE_BACK}
    signature = RequestValidator("secret").compute_signature(url, form)
    return [
        requests.post(url, data=form, headers={"X-Twilio-Signature": given}, timeout=10)
        for given in (signature, "forged")
    ]


def tell_new_contacts(public_url: str, book: Book) -> list[requests.Response]:
    """The lender's systems tell new contacts; then unsigned, and then in a shape nobody takes."""
    contacts = {"borrower": "B-L-002", "phone": NEW_NUMBER, "address": NEW_ADDRESS}
    well = json.dumps(an_event("contact_change", **contacts)).encode()
    badly = json.dumps(an_event("contact_change", **contacts, phone2=NEW_NUMBER)).encode()
    return [
        requests.post(f"{public_url}/events", data=body, headers=headers, timeout=10)
        for body, headers in (
            (well, signed(well, book.clock.at)),
            (well, signed(well, book.clock.at, secret=OTHER_SECRET)),
            (badly, signed(badly, book.clock.at, id="evt_2")),
        )
    ]


def answer(url: str) -> str:
    """What the page says; nothing while nobody serves it."""
    try:
        return requests.get(url, timeout=5).text
    except requests.ConnectionError:
        return ""


def stored_in(book: Book) -> list[str]:
    """All that the database holds: each row as PostgreSQL writes it, and each byte as a letter.

    As text, PostgreSQL writes bytes in hexadecimal, in which nobody finds a name.
    """
    stored: list[str] = []
    for table in metadata.sorted_tables:
        rows = select(cast(column(table.name), Text)).select_from(table)
        stored += [row for (row,) in book.rows(rows)]
        for stored_column in table.c:
            if isinstance(stored_column.type, LargeBinary):
                values = book.rows(select(stored_column).where(stored_column.is_not(None)))
                stored += [bytes(value).decode("latin-1") for (value,) in values]
    return stored


def held_by(client: redis.Redis) -> list[str]:
    """All that the broker holds at this moment."""
    held: list[str] = []
    for key in client.scan_iter():
        match client.type(key):
            case b"list":
                held += [str(message) for message in client.lrange(key, 0, -1)]
            case b"hash":
                held.append(str(client.hgetall(key)))
            case b"zset":
                held.append(str(client.zrange(key, 0, -1)))
    return held


def test_a_broker_that_is_lost_workers_killed_in_the_act_and_a_second_beat_change_nothing(
    book: Book,
    environment: dict[str, str],
    broker: LocalBroker,
    twilio: SimulatedTwilio,
    tmp_path: Path,
) -> None:
    tomorrow = 20
    lend(book, LOANS, tomorrow, due_on="2026-03-02")
    with ExitStack() as stack:
        start(stack, environment, tmp_path, "beat")
        worker = start(stack, environment, tmp_path, "worker", "--concurrency=2")
        eventually("the first texts went out", lambda: len(twilio.accepted_texts()) >= 5)
        with redis.Redis.from_url(broker.url) as client:
            client.flushall()
        eventually("more texts went out", lambda: len(twilio.accepted_texts()) >= 15)
        broker.kill()
        broker.start()
        eventually("all first texts are settled", lambda: settled(book))
        assert first_texts(book) == Counter(done=LOANS), "nothing is unknown by it"
        assert_once_and_none_lost(book, twilio, LOANS)

        start(stack, environment, tmp_path, "beat")
        clock = Path(environment["ARREARS_CLOCK_FILE"])
        write_offset(clock, timedelta(days=1, seconds=float(clock.read_text())))
        for share in (3, 10):
            texts = LOANS + share
            eventually(f"{texts} texts went out", lambda n=texts: len(twilio.accepted_texts()) >= n)
            worker.kill()
            worker = start(stack, environment, tmp_path, "worker", "--concurrency=2")
        everybody = LOANS + tomorrow
        eventually("all first texts are settled", lambda: settled(book, everybody))

    assert_once_and_none_lost(book, twilio, everybody)
    assert_decided_once(book, everybody)


@pytest.mark.parametrize(
    ("command", "missing", "says"),
    [
        ("worker", "DATABASE_URL", "DATABASE_URL is not set"),
        ("beat", "ARREARS_ENCRYPTION_KEYS", "ARREARS_ENCRYPTION_KEYS is not set"),
        ("worker", None, "database cannot be reached"),
    ],
)
def test_a_process_that_cannot_work_says_why_in_a_sentence_and_ends(
    command: str, missing: str | None, says: str, tmp_path: Path
) -> None:
    environment = an_environment()
    if missing:
        del environment[missing]
    process = Process(command, environment=environment, log=tmp_path / "log")

    assert process.wait() == 2
    assert says in process.output
    assert "Traceback" not in process.output
