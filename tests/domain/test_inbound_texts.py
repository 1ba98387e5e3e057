"""What a borrower's text asks for: a stop is never overlooked, and never made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inbound_texts import ReplyKind, classify

ENGLISH = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
CHINESE = ["退订", "TD", "T", "R", "N", "停止", "取消", "拒收"]


@pytest.mark.parametrize("word", ENGLISH + CHINESE)
@pytest.mark.parametrize(
    "written", ["{}", "{}.", "  {}\n", "“{}”!!", "please {}", "{} please, thanks", "请{}，谢谢"]
)
def test_a_stop_word_that_is_the_whole_text_stops_however_it_is_written(
    word: str, written: str
) -> None:
    for said in (word, word.lower(), word.capitalize()):
        assert classify(written.format(said)) is ReplyKind.STOP


@pytest.mark.parametrize(
    "body",
    [
        "Opt out",
        "opt-out",
        "S.T.O.P",
        "ＳＴＯＰ",
        "Ｔ Ｄ",
        "STOP 🙏",
        "st\u200bop",
        "Stop all",
        "please stop texting me",
        "Stop sending me these messages!",
        "Don't text me again",
        "don’t ever contact me again",
        "do not message this number",
        "No more texts, please.",
        "Never text me again",
        "I want to opt out",
        "I'd like to unsubscribe from these messages",
        "remove me from your list",
        "Take my number off this list",
        "I revoke my consent",
        "我要退订",
        "不要再发了",
        "不要再给我发短信",
        "请不要再给我发短信了，谢谢！",
        "别发了",
        "别再发短信给我",
        "你们不要再发信息",
        "请停止发送短信",
        "以后别再联系我",
    ],
)
def test_an_unmistakable_wish_to_be_left_alone_is_a_stop(body: str) -> None:
    assert classify(body) is ReplyKind.STOP


@pytest.mark.parametrize(
    "body",
    [
        "",
        "👍",
        "?",
        "I'll stop by your office tomorrow",
        "please don't stop texting me",
        "Never stop sending me reminders",
        "When does it end",
        "Can I cancel the direct debit?",
        "stop calling my mother",
        "Stop sending letters",
        "Don't text me today, I pay tomorrow",
        "I did not ask you to stop texting me",
        "Who is this? Stop it",
        "no",
        "yes",
        "我明天还款",
        "不要联系我家人",
        "取消分期可以吗",
        "取消了",
        "什么时候停止计息",
        "我已经还了，别发错人",
        "stop " * 1_000 + "!",
    ],
)
def test_whatever_says_more_or_something_else_is_for_a_person(body: str) -> None:
    assert classify(body) is ReplyKind.OTHER


@pytest.mark.parametrize("body", ["START", "unstop", "Start, please", "恢复", "恢复接收。"])
def test_a_borrower_may_ask_for_texts_again(body: str) -> None:
    assert classify(body) is ReplyKind.START


@pytest.mark.parametrize("body", ["HELP", "info", "Help!", "帮助", "ｉｎｆｏ"])
def test_a_borrower_may_ask_who_this_is(body: str) -> None:
    assert classify(body) is ReplyKind.HELP


def test_the_providers_own_reading_counts_and_a_stop_wins() -> None:
    assert classify("arrêt", "STOP") is ReplyKind.STOP
    assert classify("yes", "START") is ReplyKind.START
    assert classify("ayuda", "HELP") is ReplyKind.HELP
    assert classify("stop", "START") is ReplyKind.STOP
    assert classify("hello there", "SOMETHING") is ReplyKind.OTHER


@given(st.text())
def test_any_text_at_all_has_an_answer(body: str) -> None:
    assert classify(body) in ReplyKind
