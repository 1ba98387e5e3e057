"""The story of a loan in Chinese, and as it stood at a moment that is past."""

import re
from datetime import date

import pytest
from sqlalchemy import Engine

from domain.holds import HoldKind
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.history import loan_history
from workers.legal.legal_files import open_legal_file
from workers.visits.schedule import schedule_visit

ENGLISH_WORDS = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b")
"""Two words of English one after the other: an id or a code is one."""


def story(book: Book, language: str = "zh", at: str | None = None) -> list[str]:
    moment = book.moment(at) if at else None
    with book.ctx.engine.connect() as connection:
        whole = loan_history(connection, book.ctx, "L-1", at=moment, language=language)
    return [sentence.text for sentence in whole]


@pytest.fixture
def book(engine: Engine) -> Book:
    """From the first text to the legal file, with a night, a hold and a full roster between."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "nobody free"
    book.staff("c-1", "caller", shift=("2026-03-01 08:00", "2026-03-30 20:00"))
    book.at("2026-03-03 10:00")
    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))
    book.called("L-1", actor="c-1", outcome="no_answer", reason=None)
    book.called("L-1", actor="c-1", reason="income_fell")
    book.at("2026-03-04 22:30").escalate("L-1")
    book.send("L-1", "text_day_3")
    book.at("2026-03-08 10:00").escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "enquiry_call"))
    book.called("L-1", actor="c-1", reason="illness")
    for name in ("v-1", "v-2"):
        book.staff(name, "visitor")
    book.at("2026-03-31 10:00").escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    book.visited("L-1", actor="v-1")
    book.at("2026-04-30 10:00").escalate("L-1")
    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    book.hold("L-1", HoldKind.DISPUTE, "2026-05-01", None)
    return book


def test_a_whole_story_is_told_in_chinese(book: Book) -> None:
    lines = story(book)
    assert len(lines) == len(story(book, "en"))
    cited = re.compile("依据规则：.*?。(?=规则包|$)")  # the names of laws stay as they are
    as_typed = "a test needs it"
    plain = [cited.sub("", line).replace(as_typed, "") for line in lines]
    assert [line for line in plain if ENGLISH_WORDS.search(line)] == []
    whole = "\n".join(lines)
    for expected in (
        "复核：自2026-03-01起逾期，已逾期1天，逾期金额1000.00元。",
        "催收策略“个人消费贷款”（版本4）的“短信提醒”阶段已计划“首次提醒短信”（短信），",
        "“再次提醒短信”已顺延。最早于2026-03-05 08:00执行。原因：不在",
        "规定的可联系时段内。",
        "原因：人员名册中没有电话催收员。",
        "借款人自述逾期原因：疾病。",
        "c-1反馈“友好提醒电话”的电话结果：无人应答。",
        "已为“准备诉讼材料”准备诉讼材料：本金1000.00",
        "设置暂停催收（异议）",
    ):
        assert expected in whole, expected


def test_a_story_ends_with_what_had_happened_by_a_moment(book: Book) -> None:
    whole, by_then = story(book, "en"), story(book, "en", at="2026-03-08 09:00")
    assert 3 < len(by_then) < len(whole)
    written = "\n".join(by_then)
    assert "friendly_call was assigned" in written
    assert "enquiry_call" not in written
    assert whole[-2] == "There is no next review until a fact changes."
    assert whole[-2] not in by_then, "that is what holds now"
    assert set(by_then) < set(whole)


def test_before_anything_happened_there_is_only_the_loan(book: Book) -> None:
    only, legend = story(book, at="2026-03-01 09:00")
    assert only.startswith("贷款L-1：个人消费贷款，适用中国法律，币种为人民币，一次性还款，")
    assert legend.startswith("可信度")
    assert str(date(2026, 3, 1)) in only
