"""What a borrower's text asks for: a stop is never overlooked, and never made up."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inbound_texts import ReplyKind
from tests.domain.inbound_text_examples import ASKED, EXAMPLES
from tests.support.loans import shipped_policy

VOCABULARY = shipped_policy().replies
STOPS = [
    body
    for body in EXAMPLES[ReplyKind.STOP,]
    if "\n" not in body and len(body) > 1 and body != "Ｔ"
]
SPACES = st.sampled_from(["", " ", "  ", "\n", "\t", "\u00a0", "\u3000", "\u200b"])
MARKS = st.sampled_from(["", ".", "!", "!!!", "。", "！", "~", " 🙏", "👍", " 😡", ")", "…", "*"])
SIGNATURES = st.sampled_from(
    ["", "\n-- \nLi Example", "\nSent from my iPhone", "\n发自我的iPhone", "\n> L-1 回复TD退订"]
)


def kinds(body: str, opt_out_type: str | None = None) -> frozenset[ReplyKind]:
    return VOCABULARY.read(body, opt_out_type).kinds


def test_a_text_asks_for_what_a_reasonable_person_understands() -> None:
    read = {body: (kinds(body), asked) for body, asked in ASKED}
    assert {body: both for body, both in read.items() if both[0] != both[1]} == {}


def test_the_examples_are_many_and_each_comes_once() -> None:
    assert len({body for body, _ in ASKED}) == len(ASKED) > 300


def test_every_phrase_of_every_language_is_read_as_its_file_says() -> None:
    for language in VOCABULARY.languages:
        for by_kind in (language.words, language.phrases):
            for kind, phrases in by_kind.items():
                assert {VOCABULARY.read(phrase).kind for phrase in phrases} == {kind}


def test_a_stop_word_that_is_the_whole_text_stops_however_it_is_written() -> None:
    texts = [
        written.format(body)
        for written in (
            "{}",
            "{}.",
            "  {}\n",
            "“{}”!!",
            "please {}",
            "{} please, thanks",
            "请{}，谢谢",
        )
        for word in ("STOP", "UNSUBSCRIBE", "END", "TD", "T", "R", "退订", "拒收")
        for body in (word, word.lower(), word.capitalize())
    ]
    assert [text for text in texts if kinds(text) != {ReplyKind.STOP}] == []


@given(
    st.sampled_from(STOPS),
    st.sampled_from([str, str.upper, str.lower, str.title]),
    SPACES,
    MARKS,
    SIGNATURES,
)
def test_case_spaces_marks_and_signatures_do_not_change_a_stop(
    body: str, case: type[str], space: str, mark: str, signature: str
) -> None:
    assert kinds(f"{space}{case(body)}{space}{mark}{space}{signature}") == {ReplyKind.STOP}


@given(st.sampled_from(STOPS), st.integers(2, 5), st.sampled_from([" ", ", ", "\n", "! "]))
def test_a_stop_that_is_repeated_stays_a_stop(body: str, times: int, between: str) -> None:
    assert ReplyKind.STOP in kinds(between.join([body] * times))


@given(st.sampled_from(STOPS), st.text(max_size=300))
def test_whatever_stands_in_the_lines_below_a_stop_stays_a_stop(body: str, below: str) -> None:
    assert kinds(f"{body}\n{below}") & {ReplyKind.STOP, ReplyKind.CEASE, ReplyKind.WRONG_NUMBER}


@given(st.text())
def test_any_text_at_all_has_a_reading(body: str) -> None:
    reading = VOCABULARY.read(body)
    assert reading.kinds
    assert reading.kind in reading.kinds
    assert reading.to_read == (ReplyKind.OTHER in reading.kinds)


@given(st.text(alphabet="stop callingmy.\n,!> -📱退订别发了不要再联系我家人"))
def test_what_says_nothing_else_stands_alone(body: str) -> None:
    found = kinds(body)
    assert len(found) == 1 or not found & {ReplyKind.HARMLESS, ReplyKind.START, ReplyKind.HELP}


@pytest.mark.attack("quadratic text")
@pytest.mark.parametrize(
    "piece",
    [
        "x",
        "stop ",
        "t ",
        "a. ",
        "\ufdfa",
        "退订",
        "-\n",
        "A\u0300",
        "don't stop. ",
        "(",
        "【",
        "> ",
    ],
)
def test_a_text_of_any_length_costs_milliseconds(piece: str) -> None:
    body = piece * (100_000 // len(piece))
    kinds(body)
    began = time.process_time()
    assert ReplyKind.OTHER in kinds(body)
    assert time.process_time() - began < 0.1


def test_the_providers_own_reading_counts_and_a_stop_wins() -> None:
    assert kinds("arrêtez-moi ça", "STOP") == {ReplyKind.STOP}
    assert kinds("yes", "START") == {ReplyKind.START}
    assert kinds("who is it", "HELP") == {ReplyKind.HELP}
    assert kinds("stop", "START") == {ReplyKind.STOP}
    assert kinds("start", "STOP") == {ReplyKind.STOP}
    assert kinds("leave me alone", "STOP") == {ReplyKind.CEASE, ReplyKind.STOP}
    assert kinds("wrong number", "HELP") == {ReplyKind.WRONG_NUMBER}
    assert kinds("hello there", "SOMETHING") == {ReplyKind.OTHER}
