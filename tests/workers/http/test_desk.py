"""The desk: a collector works through `/api/v1`, with a token and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.arrangements import in_difficulty
from tests.support.desk import RIGHT, at_desk, call_confirmed, token_of
from tests.support.inbound import record_inbound_text
from tests.support.lender import allow
from tests.support.loans import NAME, PHONE, Book
from workers.calls.assign import assign_call
from workers.clock import Clock
from workers.db.roles import Role as DatabaseRole
from workers.db.roles import rights_of
from workers.db.schema import (
    approval,
    arrangement,
    contact,
    contact_outcome,
    hold,
    permission_use,
    promise,
    reply,
    work_lease,
)
from workers.http.app import create_desk
from workers.http.permission_of import AT_THE_DESK
from workers.sms.providers.port import InboundText

Token = dict[str, str]


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    return book


@pytest.fixture
def token(book: Book) -> Token:
    return token_of(book.ctx.engine, "c-1", Role.CALLER)


def test_a_collector_calls_and_records_what_was_promised(book: Book, token: Token) -> None:
    """She sees her work, gets the number, and reports the outcome and the promise."""
    work = at_desk(book, token, "/worklist?kind=calls").json()
    assert [call["loan"] for call in work["calls"]["rows"]] == ["L-1"]
    assert PHONE["CN"] not in str(work)

    at_desk(book, token, "/work/next", {})
    call = at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    assert call.status_code == 200, call.json()
    assert call.json()["number"] == PHONE["CN"]
    assert "1000" not in str(call.json()["loans"]), "who answers may be somebody else"
    assert "spoke" in call.json()["outcomes"]
    assert len(call.json()["outcomes"]) == 15, "more are too many to choose from"
    assert at_desk(book, token, "/calls/a-1/right-party", RIGHT).json()["confirmed"]

    spoke = {"attempt": "a-1", "outcome": "spoke", "reason": "forgot"}
    answer = at_desk(book, token, "/outcomes", spoke)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["status"] == "applied"
    assert book.one(contact_outcome).actor == "c-1"

    promised = {
        "promise": "p-1",
        "loan": "L-1",
        "amount": "1000.00",
        "currency": "CNY",
        "due_on": "2026-03-05",
    }
    first, second = (at_desk(book, token, "/promises", promised).json() for _ in range(2))
    assert (first["known"], second["known"]) == (False, True)
    assert len(book.rows(promise)) == 1


def test_a_death_that_is_learnt_later_is_reported_all_the_same(book: Book, token: Token) -> None:
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    for outcome in ("no_answer", "deceased", "deceased"):
        answer = at_desk(book, token, "/outcomes", {"attempt": "a-1", "outcome": outcome})
        assert answer.status_code == 200, answer.json()
    assert [row.kind for row in book.rows(hold)] == ["deceased"]


def test_an_answer_is_in_the_language_of_who_asks(book: Book, token: Token) -> None:
    said = {"hold": "h-9", "ends_on": "2026-03-02"}
    answer = at_desk(book, token, "/holds/releases", said, accept_language="zh-CN,en;q=0.5")
    assert answer.status_code == 403
    assert "c-1没有权限解除暂停催收（events:release）" in answer.json()["detail"]
    no_fields = at_desk(book, token, "/promises", {}, accept_language="zh").json()
    assert no_fields["detail"].startswith("有字段缺失")
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    answer = at_desk(book, supervisor, "/holds/releases", said, accept_language="zh-CN,en;q=0.5")
    assert answer.status_code == 404
    assert "h-9" in answer.json()["detail"]
    assert not answer.json()["detail"].isascii()


def test_the_gate_says_why_a_call_may_not_start_and_from_when(book: Book, token: Token) -> None:
    book.at("2026-03-02 22:30")
    answer = at_desk(book, token, "/calls", {"loan": "L-1"})
    assert answer.status_code == 409
    assert answer.json()["rules"] == ["cn.contact_hours"]
    assert answer.json()["not_before"] == "2026-03-03T00:00:00+00:00"
    assert PHONE["CN"] not in answer.text
    assert book.rows(contact) == []


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer nobody's", "Basic YTpi", "Bearer ü"])
def test_who_is_not_known_is_refused_before_anything_is_read(book: Book, header: str) -> None:
    for path, said in (("/worklist", None), ("/promises", {"amount": "no amount"})):
        answer = at_desk(book, {"authorization": header.encode()}, path, said)  # type: ignore[dict-item]
        assert answer.status_code == 401
        assert set(answer.json()) == {"detail", "fields"}


def test_what_is_wrong_is_named_and_never_repeated(book: Book, token: Token) -> None:
    said = {"promise": "p-1", "loan": "L-1", "amount": "13800138000 Li", "due_on": "soon"}
    answer = at_desk(book, token, "/promises", said)
    assert answer.status_code == 422
    assert answer.json()["fields"] == ["amount", "currency", "due_on"]
    assert answer.json()["wrong"] == {
        "amount": "write more than zero, with a decimal point and no other mark: 2390.67",
        "currency": "it is missing",
        "due_on": "write a day such as 2026-03-31",
    }
    crossed = {"hold": "h-1", "loan": "L-1", "kind": "manual", "why": "x"}
    crossed |= {"starts_on": "2026-03-05", "ends_on": "2026-03-01"}
    answer = at_desk(book, token, "/holds", crossed, accept_language="zh")
    assert (answer.status_code, answer.json()["wrong"]) == (422, {"body": "结束须晚于开始"})
    asked = {"attempt": "a-1", "outcome": "callback_requested"}
    answer = at_desk(book, token, "/outcomes", asked)
    assert list(answer.json()["wrong"]) == ["callback_at"]
    heard = {"attempt": "a-1", "outcome": "no_answer", "reason": "illness"}
    answer = at_desk(book, token, "/outcomes", heard)
    assert list(answer.json()["wrong"]) == ["reason"]
    answer = at_desk(book, token, "/quotes", {"loan": "L-1"})
    assert "say one of days, instalments, until and monthly" in answer.json()["wrong"]["body"]
    assert "13800138000" not in answer.text
    answer = at_desk(book, token, "/worklist?kind=calls&staf=c-1", accept_language="zh")
    assert (answer.status_code, answer.json()["fields"]) == (422, ["staf"])
    assert answer.json()["wrong"]["staf"].startswith("没有该参数")
    answer = at_desk(book, token, "/promises", said | {"amount": 400})
    assert answer.json()["wrong"]["amount"].startswith("write a decimal in quotation marks")
    answer = at_desk(book, token, "/worklist?limit=secret")
    assert (answer.status_code, answer.json()["wrong"]) == (422, {"limit": "write a whole number"})
    assert "secret" not in answer.text


def test_too_many_numbers_and_a_wrong_clock_are_said_with_when_to_come_back(
    book: Book, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for more numbers than anybody dials gets none. By a wrong clock nothing is told and
    nothing done."""
    at_desk(book, token, "/work/next", {})
    settings = book.ctx.settings.model_copy(update={"collector_numbers_a_minute": 1})
    book.ctx = replace(book.ctx, settings=settings)
    assert at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"}).status_code == 200
    at_desk(book, token, "/outcomes", {"attempt": "a-1", "outcome": "no_answer"})
    answer = at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-2"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60"), answer.json()
    assert PHONE["CN"] not in answer.text

    leases = book.rows(work_lease)
    ahead = timedelta(hours=2)
    monkeypatch.setattr(Clock, "machine_now", lambda _: datetime.now(UTC) + ahead)
    answer = at_desk(book, token, "/work/next", {}, accept_language="zh")
    assert (answer.status_code, answer.json()["detail"]) == (503, "服务器时钟有误，请校正。")
    assert answer.headers["retry-after"] == "30"
    assert at_desk(book, token, "/worklist").status_code == 503
    assert book.rows(work_lease) == leases


def test_the_next_work_is_served_and_explained(book: Book, token: Token) -> None:
    """She asks, and gets one call and the reason; to ask again gives the same; then it is done."""
    first = at_desk(book, token, "/work/next", {}, accept_language="zh").json()
    assert (first["loan"], first["kind"]) == ("L-1", "call")
    assert not first["why"]["sentence"].isascii()
    assert not first["purpose"].isascii()
    assert at_desk(book, token, "/work/next", {}).json()["lease"] == first["lease"]
    alive = at_desk(book, token, f"/work/{first['lease']}/heartbeat", {})
    assert alive.status_code == 200
    assert at_desk(book, token, f"/work/{first['lease']}/release", {}).json() == {"done": True}
    assert at_desk(book, token, f"/work/{first['lease']}/heartbeat", {}).status_code == 409


def test_what_is_owed_is_seen_once_the_right_person_speaks(book: Book, token: Token) -> None:
    """Before the call there is no name; before the answers are right there is no amount."""
    lease = at_desk(book, token, "/work/next", {}).json()["lease"]
    claimed = at_desk(book, token, f"/work/{lease}/sheet", {})
    assert claimed.status_code == 200, claimed.json()
    assert (claimed.json()["stage"], claimed.json()["name"]) == ("claimed", None)
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    started = at_desk(book, token, f"/work/{lease}/sheet", {}).json()
    assert (started["stage"], started["name"]) == ("started", NAME)
    assert started["money"] == []
    wrong = {"answers": {"name": "Wang", "address_numbers": "77"}}
    answer = at_desk(book, token, "/calls/a-1/right-party", wrong).json()
    assert answer["confirmed"] is False
    assert NAME not in str(answer)
    assert at_desk(book, token, "/calls/a-1/right-party", RIGHT).json()["confirmed"] is True
    confirmed = at_desk(book, token, f"/work/{lease}/sheet", {}).json()
    assert confirmed["money"][0]["past_due"] == "1000.00"


def test_a_supervisor_takes_work_over_and_nobody_else_may(book: Book, token: Token) -> None:
    lease = at_desk(book, token, "/work/next", {}).json()["lease"]
    book.staff("c-2", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    taken = {"why": "she has gone home", "to": "c-2"}
    assert at_desk(book, token, f"/work/{lease}/take-over", taken).status_code == 403
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    (at_it,) = at_desk(book, supervisor, "/work").json()["rows"]
    assert (at_it["lease"], at_it["staff"], at_it["loan"]) == (lease, "c-1", "L-1")
    assert at_desk(book, supervisor, f"/work/{lease}/take-over", taken).status_code == 200
    colleague = token_of(book.ctx.engine, "c-2", Role.CALLER)
    assert at_desk(book, colleague, "/work/next", {}).json()["loan"] == "L-1"
    assert "lease" not in at_desk(book, token, "/work/next", {}).json()
    at_desk(book, colleague, "/calls", {"loan": "L-1", "attempt": "a-2"})
    at_it = at_desk(book, supervisor, "/work?limit=1").json()
    assert ([each["staff"] for each in at_it["rows"]], at_it["after"]) == (["c-2"], None)
    reported = {"attempt": "a-2", "outcome": "no_answer"}
    assert at_desk(book, colleague, "/outcomes", reported).status_code == 200
    assert at_desk(book, supervisor, "/work").json()["rows"] == [], "that work is finished"


def test_a_plan_is_quoted_asked_for_offered_and_accepted(engine: Engine) -> None:
    """From the question what it would cost to the proposal to the lender's ledger."""
    book = in_difficulty(engine)
    book.staff("c-1", "caller", shift=("2026-03-11 08:00", "2026-03-11 20:00"))
    token = token_of(engine, "c-1", Role.CALLER)
    supervisor, why = token_of(engine, "s-1", Role.SUPERVISOR), {"purpose": "a letter of hers"}
    quote = at_desk(book, supervisor, "/quotes", {"loan": "L-1", "instalments": 3, **why})
    assert quote.status_code == 200, quote.json()
    asked = {"arrangement": "a-1", "loan": "L-1", "asked_by": "form", "instalments": 3}
    assert at_desk(book, token, "/arrangements", asked).status_code == 200
    (waits,) = at_desk(book, token, "/arrangements").json()["rows"]
    assert (waits["arrangement"], waits["answer_by"], waits["late"]) == ("a-1", "2026-03-18", False)
    offer = at_desk(book, supervisor, "/arrangements/a-1/offer", why)
    assert offer.json() == {**quote.json(), "known": False}
    again = at_desk(book, supervisor, "/arrangements/a-1/offer", why)
    assert again.json() == {**quote.json(), "known": True}
    accepted = {
        "arrangement": "a-1",
        "loan": "L-1",
        "accepted_on": book.ctx.today().isoformat(),
        "proof": "recording",
        "proof_reference": "rec-1",
    }

    def answered(who: Token, **more: str) -> str:
        answer = at_desk(book, who, "/arrangements/acceptances", accepted | more)
        assert answer.status_code in (200, 409), answer.json()
        return str(answer.json()["reason"][0]["code"])

    # To her nobody was confirmed. What the borrower wrote she has read.
    assert answered(token) == "accepted_by_nobody_confirmed"
    written = InboundText("fake", "SM-1", book.numbers()[0], "yes to the plan", None)
    record_inbound_text(book.ctx, written, help_is_answered=False)
    by_text = {"proof": "text", "proof_reference": str(book.one(reply).id)}
    assert answered(token, **by_text) == "accepted_by_nobody_confirmed"
    read = {"reply": book.one(reply).id, "meaning": "harmless"}
    assert at_desk(book, token, "/replies/readings", read).status_code == 200
    assert answered(token, **by_text, accepted_on="2026-03-12") == "accepted_on_day_to_come"
    assert answered(token, **by_text) == "arrangement_accepted"
    assert answered(supervisor) == "accepted_with_other_proof"
    assert book.one(arrangement).status == "accepted"
    withdrawn = at_desk(book, token, "/arrangements/withdrawals", {"arrangement": "a-1"})
    assert withdrawn.status_code == 403, "a supervisor must agree"


def test_what_cannot_be_offered_says_every_reason(book: Book) -> None:
    token = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    asked = {"instalments": 300, "purpose": "she wrote a letter"}
    answer = at_desk(book, token, "/quotes", {"loan": "L-1", **asked})
    assert answer.status_code == 409
    assert answer.json()["reason"]
    assert at_desk(book, token, "/quotes", {"loan": "L-9", **asked}).status_code == 404


def test_two_supervisors_approve_what_the_ladder_asks_approval_for(engine: Engine) -> None:
    book = Book(engine, now="2026-04-30 10:00")
    book.loan("L-1", due_on="2026-03-01", steps_tried=("remind", "enquire", "visit"))
    book.escalate("L-1")
    one, other = (token_of(engine, name, Role.SUPERVISOR) for name in ("s-1", "s-2"))
    item = {"loan": "L-1", "item": "legal_file"}
    (waits,) = at_desk(book, one, "/worklist?kind=approvals").json()["approvals"]["rows"]
    assert waits["item"] == "legal_file"
    assert at_desk(book, one, "/approvals/grant", item).status_code == 403
    (request,) = at_desk(book, other, "/requests").json()["rows"]
    assert at_desk(book, other, f"/requests/{request['request']}/grant", {}).status_code == 200
    assert at_desk(book, one, "/approvals/grant", item).json() == {"done": True}
    assert at_desk(book, one, "/approvals/grant", item).status_code == 404
    assert book.one(approval).actor == "s-1"
    assert "INSERT" in rights_of(DatabaseRole.DESK, "approval")
    assert book.actions("L-1")["legal_file"] == "planned"


def test_a_request_is_declined_with_the_reason(book: Book, token: Token) -> None:
    asked = {"arrangement": "a-1", "loan": "L-1", "asked_by": "letter", "instalments": 3}
    assert at_desk(book, token, "/arrangements", asked).status_code == 200
    assert at_desk(book, token, "/arrangements/a-1/decline", {}).status_code == 422
    unsaid = at_desk(book, token, "/arrangements/a-1/decline", {"refusal": "other"})
    assert (unsaid.status_code, unsaid.json()["reason"][0]["code"]) == (409, "refusal_needs_why")
    said = {"refusal": "proof_missing"}
    declined = at_desk(book, token, "/arrangements/a-1/decline", said, accept_language="zh")
    assert declined.status_code == 200, declined.json()
    assert not declined.json()["sentence"].isascii()
    again = at_desk(book, token, "/arrangements/a-1/decline", said)
    assert (declined.json()["known"], again.json()["known"]) == (False, True)
    for other in ({"refusal": "not_eligible"}, {**said, "why": "no payslip"}):
        refused = at_desk(book, token, "/arrangements/a-1/decline", other)
        assert refused.json()["reason"][0]["code"] == "declined_for_another_reason"
    assert book.one(arrangement).refusal == "proof_missing"


def test_a_complaint_is_taken_by_a_supervisor_and_decided(book: Book, token: Token) -> None:
    """It is about the collector who wrote it down: she may neither take nor decide it."""
    said = {"complaint": "k-1", "loan": "L-1", "kind": "conduct", "why": "She shouted"}
    answer = at_desk(book, token, "/complaints", {**said, "about_staff": "c-1"})
    assert answer.status_code == 200, answer.json()
    assert at_desk(book, token, "/complaints/k-1/take", {}).status_code == 403
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    taken = at_desk(book, supervisor, "/complaints/k-1/take", {}, accept_language="zh")
    assert taken.status_code == 200, taken.json()
    (listed,) = at_desk(book, supervisor, "/complaints").json()["rows"]
    assert (listed["id"], listed["handler"], listed["about_staff"]) == ("k-1", "s-1", "c-1")
    assert "She shouted" not in str(listed)


def test_a_complaint_is_read_acknowledged_and_given_more_time(book: Book, token: Token) -> None:
    said = {"complaint": "k-1", "loan": "L-1", "kind": "fees", "why": "Too dear"}
    at_desk(book, token, "/complaints", said)
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    unknown = at_desk(book, supervisor, "/complaints/k-9", accept_language="zh")
    assert (unknown.status_code, unknown.json()["detail"]) == (
        404,
        "没有编号为k-9的投诉，请更正编号。",
    )
    assert at_desk(book, supervisor, "/complaints/k-9/take", {}).status_code == 404
    no_path = at_desk(book, supervisor, "/nothing", accept_language="zh")
    assert (no_path.status_code, no_path.json()["detail"][:5]) == (404, "没有该路径")
    method = at_desk(book, supervisor, "/complaints/k-1/take")
    assert (method.status_code, method.json()["detail"]) == (
        405,
        "This path takes another method: POST.",
    )
    assert at_desk(book, supervisor, "/complaints/k-1/acknowledge", {}).status_code == 200
    again = at_desk(book, supervisor, "/complaints/k-1/acknowledge", {})
    assert "nothing changed" in again.json()["sentence"]
    shown = at_desk(book, supervisor, "/complaints/k-1").json()
    assert (shown["why"], shown["acknowledged_at"] is not None) == ("Too dear", True)
    longer = at_desk(book, supervisor, "/complaints/k-1/extend", {"why": "it is complicated"})
    assert longer.status_code == 403, "somebody else grants it first"
    (asked,) = at_desk(book, supervisor, "/requests", accept_language="zh").json()["rows"]
    assert (asked["asked_by"], asked["status"]) == ("s-1", "asked")
    assert "k-1" in str(asked["lines"])
    assert "it is complicated" in str(asked["lines"])
    path = f"/requests/{asked['request']}/grant"
    assert at_desk(book, supervisor, path, {}).status_code == 403, "it is their own"
    other = token_of(book.ctx.engine, "s-2", Role.SUPERVISOR)
    granted = at_desk(book, other, path, {}).json()
    assert (granted["status"], granted["asked_at"]) == ("granted", asked["asked_at"])
    longer = at_desk(book, supervisor, "/complaints/k-1/extend", {"why": "it is complicated"})
    assert longer.status_code == 200, longer.json()
    assert at_desk(book, supervisor, "/complaints/k-1/letter", {}).status_code == 409
    right = {"kind": "conduct", "why": "it says so"}
    whose = at_desk(book, supervisor, "/complaints/k-1/correction", right)
    assert (whose.status_code, whose.json()["reason"][0]["code"]) == (409, "conduct_of_whom")
    named = {**right, "about_staff": "c-1"}
    corrected = at_desk(book, supervisor, "/complaints/k-1/correction", named).json()
    assert "c-1 does no work for the person" in corrected["sentence"]
    decided = {"complaint": "k-1", "outcome": "rejected", "finding": "rules_kept"}
    untaken = at_desk(book, supervisor, "/complaints/resolutions", decided)
    assert (untaken.status_code, untaken.json()["reason"][0]["code"]) == (409, "nobody_handles")
    assert at_desk(book, supervisor, "/complaints/k-1/take", {}).status_code == 200
    answer = at_desk(book, supervisor, "/complaints/resolutions", decided)
    assert answer.status_code == 200, answer.json()
    assert at_desk(book, supervisor, "/complaints/k-1/letter", {}).json()["loan"] == "L-1"


def test_a_supervisor_hears_the_calls_of_a_day_and_judges_them(book: Book, token: Token) -> None:
    call_confirmed(book, token)
    spoke = {"attempt": "a-1", "outcome": "spoke", "reason": "forgot", "recording": "REC-1"}
    at_desk(book, token, "/outcomes", spoke)
    book.at("2026-03-03 09:00")
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    sheet = next(
        each
        for each in at_desk(book, supervisor, "/quality/sheets").json()
        if each["sheet"] == "calls_cn"
    )
    assert all(item["citations"] for item in sheet["items"])
    in_chinese = at_desk(book, supervisor, "/quality/sheets", accept_language="zh").json()
    assert all(not item["text"].isascii() for each in in_chinese for item in each["items"])
    day = {"sheet": "calls_cn", "first": "2026-03-02", "last": "2026-03-02"}
    (pick,) = at_desk(book, supervisor, "/quality/samples", day).json()["picks"]
    assert (pick["attempt"], pick["recording"], pick["reviews"]) == ("a-1", "REC-1", 0)
    marks = {item["item"]: "pass" for item in sheet["items"]}
    judged = {"attempt": "a-1", "sheet": "calls_cn", "marks": marks}
    answer = at_desk(book, supervisor, "/quality/reviews", judged)
    assert (answer.status_code, answer.json()["passed"]) == (200, True), answer.json()
    twice = at_desk(book, supervisor, "/quality/reviews", judged, accept_language="zh")
    assert (twice.status_code, twice.json()["detail"][:3]) == (409, "s-1")
    found = at_desk(book, supervisor, "/quality/results?from=2026-03-02&to=2026-03-02").json()
    for period, status in (
        ("from=2026-03-02&to=9999-12-31", 422),
        ("from=0001-01-01&to=2026-03-02", 422),
        ("from=2026-03-03&to=2026-03-02", 409),
        ("from=2026-03-02&to=2199-12-31", 200),
    ):
        answer = at_desk(book, supervisor, f"/quality/results?{period}")
        assert answer.status_code == status, (period, answer.json())
    assert [(each["name"], each["reviewed"]) for each in found["collectors"]] == [("c-1", 1)]
    due = at_desk(book, supervisor, "/quality/training?days=365").json()
    assert [each["staff"] for each in due["rows"]] == ["c-1"]
    assert at_desk(book, token, "/quality/samples", day).status_code == 403


def test_who_was_absent_is_back_as_often_as_they_were_away(book: Book) -> None:
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)

    def away() -> set[str]:
        rows = at_desk(book, supervisor, "/staff").json()["rows"]
        return {entry["staff"] for entry in rows if entry["absent"]}

    for hour in (11, 14):
        ill = {"staff": "c-1", "kind": "illness", "at": f"2026-03-02T{hour}:00:00+08:00"}
        assert at_desk(book, supervisor, "/staff/absences", ill).status_code == 200
        book.at(f"2026-03-02 {hour + 1}:00")
        assert away() == {"c-1"}
        back = at_desk(book, supervisor, "/staff/returns", {"staff": "c-1"})
        assert (back.status_code, back.json()["known"]) == (200, False), back.json()
        assert away() == set()

    # Ill again since the same moment, at last with an end, which changes; nothing is lost.
    for until, known in ((None, False), ("17:00", False), ("18:00", False), ("18:00", True)):
        book.clock.at += timedelta(minutes=1)
        ends = {"until": f"2026-03-02T{until}:00+08:00"} if until else {}
        said = at_desk(book, supervisor, "/staff/absences", ill | ends)
        assert (said.status_code, said.json()["known"]) == (200, known), said.json()
        assert away() == {"c-1"}
    left = {"staff": "c-1", "at": "2026-03-02T00:00:00+08:00"}
    for known in (False, True):
        book.clock.at += timedelta(minutes=1)
        said = at_desk(book, supervisor, "/staff/departures", left)
        assert (said.status_code, said.json()["known"]) == (200, known), said.json()


def test_nobody_ends_alone_the_work_of_who_may_grant(book: Book) -> None:
    book.staff("s-2", "supervisor")
    one = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    administrator = token_of(book.ctx.engine, "d-1", Role.ADMINISTRATOR)
    for who in ("s-1", "s-2"):
        left = {"staff": who, "at": "2026-03-02T10:00:00+08:00"}
        asked = at_desk(book, one, "/staff/departures", left)
        assert asked.status_code == 403, asked.json()
        (request,) = at_desk(book, administrator, "/requests").json()["rows"]
        assert f"that {who} works here no longer" in request["lines"][0]
        refused = at_desk(book, one, f"/requests/{request['request']}/grant", {})
        assert refused.status_code == 403
        if who == "s-1":
            taken_back = at_desk(book, one, f"/requests/{request['request']}/refuse", {})
            assert taken_back.status_code == 200
    granted = at_desk(book, administrator, f"/requests/{request['request']}/grant", {})
    assert granted.status_code == 200
    book.clock.at += timedelta(minutes=1)
    done = at_desk(book, one, "/staff/departures", left)
    assert (done.status_code, done.json()["known"]) == (200, False), done.json()
    assert at_desk(book, one, "/staff/departures", left).json()["known"]


def test_a_dispute_of_a_call_is_owed_an_answer_corrected_and_ended_by_no_release(
    book: Book, token: Token
) -> None:
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    came = {"attempt": "a-1", "outcome": "disputes", "dispute_kind": "other", "why": "not mine"}
    assert at_desk(book, token, "/outcomes", came).status_code == 200
    (owed,) = at_desk(book, token, "/duties?owner=supervisor").json()["rows"]
    assert (owed["loan"], owed["outcome"], owed["late"]) == ("L-1", "disputes", False)
    assert at_desk(book, token, "/duties?owner=team").json()["rows"] == []
    done = f"/duties/{owed['id']}/done"
    assert at_desk(book, token, done, {}).status_code == 403

    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    release = {"hold": "disputes:a-1", "ends_on": book.ctx.today().isoformat()}
    refused = at_desk(book, supervisor, "/holds/releases", release)
    assert refused.status_code == 409
    assert "decide the dispute" in refused.json()["detail"]
    right = {"kind": "not_mine", "why": "so she says"}
    corrected = at_desk(book, supervisor, "/disputes/disputes:a-1/correction", right)
    assert corrected.status_code == 200, corrected.json()
    assert at_desk(book, supervisor, "/disputes").json()["rows"][0]["kind"] == "not_mine"
    # What is owed is done by taking the dispute, and in no other way.
    refused = at_desk(book, supervisor, done, {})
    assert refused.status_code == 409
    assert "once somebody takes the dispute disputes:a-1" in refused.json()["detail"]
    assert at_desk(book, supervisor, "/disputes/disputes:a-1/take", {}).status_code == 200
    assert at_desk(book, supervisor, done, {}).status_code == 409


def test_nobody_reports_for_a_colleague(book: Book, token: Token) -> None:
    said = {"dispute": "d-1", "loan": "L-1", "starts_on": "2026-03-02", "why": "paid it before"}
    answer = at_desk(book, token, "/disputes", {**said, "actor": "c-2"})
    assert answer.status_code == 403
    assert at_desk(book, token, "/disputes", {**said, "actor": "c-1"}).status_code == 200


def test_each_use_is_on_record_with_who_asked(book: Book, token: Token) -> None:
    at_desk(book, token, "/worklist")
    at_desk(book, token, "/staff")
    used = {(row.actor, row.permission, row.granted) for row in book.rows(permission_use)}
    assert ("c-1", "loans:read", True) in used
    assert ("c-1", "roster:read", False) in used


def test_every_path_has_its_permission_and_says_how_to_sign_in(book: Book) -> None:
    allow(book, "crm")
    described = create_desk(book.ctx).openapi()
    paths = {
        f"{method.upper()} {path}": operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/api/")
    }
    assert set(paths) == set(AT_THE_DESK)
    for operation in paths.values():
        assert operation["security"] == [{"token": []}]
        assert {"401", "403", "409", "422", "503"} <= set(operation["responses"])
