"""The desk: what supervisors do there."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.desk import a_call_to_make, at_desk, call_confirmed, token_of
from tests.support.loans import Book
from workers.db.roles import Role as DatabaseRole
from workers.db.roles import rights_of
from workers.db.schema import approval

Token = dict[str, str]


@pytest.fixture
def book(engine: Engine) -> Book:
    return a_call_to_make(engine)


@pytest.fixture
def token(book: Book) -> Token:
    return token_of(book.ctx.engine, "c-1", Role.CALLER)


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
    assert at_desk(book, supervisor, "/complaints/k-1").json()["letter_printed_at"] is None
    assert at_desk(book, supervisor, "/complaints/k-1/letter", {}).json()["loan"] == "L-1"
    printed_at = at_desk(book, supervisor, "/complaints/k-1").json()["letter_printed_at"]
    assert printed_at == "2026-03-02T10:00:00+08:00"


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
