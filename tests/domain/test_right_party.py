"""Who is on the line: what is right however it is said, and what is not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.right_party import AT_THEIR_ADDRESS, OnRecord, Question, asked_of, check

KIM = OnRecord(
    name="Kim O'Neil",
    address="12 High St, Flat 3, Springfield, IL 62704-1234",
    other_numbers=("+12175550123",),
)
WANG = OnRecord(name="王小明", address="上海市黄浦区南京东路100号3号楼501室 200001")


def test_at_their_door_fewer_answers_than_in_a_call_confirm_nobody() -> None:
    every = tuple(Question)
    assert asked_of(KIM, every, 2, at_their_address=True) == (AT_THEIR_ADDRESS, 2)
    without = replace(KIM, other_numbers=())
    asked, needed = asked_of(without, every, 2, at_their_address=True)
    assert (asked, needed) == ((Question.NAME, Question.ADDRESS_NUMBERS, Question.POSTCODE), 3)
    for record in (KIM, without, replace(without, address=None)):
        for at_least in (1, 2, 3):
            for there in (True, False):
                _, needed = asked_of(record, every, at_least, at_their_address=there)
                assert needed >= at_least


def test_a_name_is_right_however_it_is_written() -> None:
    for said in ("Kim O'Neil", "KIM ONEIL", " kim  o’neil "):
        assert KIM.matches(Question.NAME, said)
    for said in ("Kim", "O'Neil Kim", "", "王小明"):
        assert not KIM.matches(Question.NAME, said)
    assert WANG.matches(Question.NAME, "王 小明")


def test_the_numbers_of_an_address_are_right_in_their_order() -> None:
    assert KIM.matches(Question.ADDRESS_NUMBERS, "12, flat 3")
    assert not KIM.matches(Question.ADDRESS_NUMBERS, "3, 12")
    assert not KIM.matches(Question.ADDRESS_NUMBERS, "12")
    assert WANG.matches(Question.ADDRESS_NUMBERS, "100号3号楼501")
    assert WANG.matches(Question.ADDRESS_NUMBERS, "100-3-501"), "full-width digits are digits"


def test_a_postcode_is_right_with_or_without_what_follows_it() -> None:
    for said in ("62704", "62704-1234"):
        assert KIM.matches(Question.POSTCODE, said)
    assert not KIM.matches(Question.POSTCODE, "62705")
    assert WANG.matches(Question.POSTCODE, "200 001")


def test_a_house_number_of_five_digits_is_no_postcode() -> None:
    ranch = replace(KIM, address="12345 Main Street, Apt 4, Springfield, IL 62704, USA")
    assert ranch.matches(Question.ADDRESS_NUMBERS, "12345, apt 4")
    assert ranch.matches(Question.ADDRESS_NUMBERS, "12345, apt 4, 62704"), "with the postcode"
    assert not ranch.matches(Question.ADDRESS_NUMBERS, "99999, apt 4")
    assert ranch.matches(Question.POSTCODE, "62704")
    assert not ranch.matches(Question.POSTCODE, "12345")

    without = replace(KIM, address="12345 Main Street, Apt 4")
    assert without.matches(Question.ADDRESS_NUMBERS, "12345, 4")
    assert not without.can_answer(Question.POSTCODE)
    nothing_else = replace(KIM, address="Springfield, IL 62704")
    assert not nothing_else.can_answer(Question.ADDRESS_NUMBERS)
    front = replace(WANG, address="200001 上海市黄浦区南京东路100号")
    assert front.matches(Question.ADDRESS_NUMBERS, "100")
    assert front.matches(Question.POSTCODE, "200001")


def test_an_extension_is_no_end_of_a_number() -> None:
    office = replace(KIM, other_numbers=("+12125550188;ext=12",))
    assert office.matches(Question.OTHER_NUMBER, "0188")
    assert not office.matches(Question.OTHER_NUMBER, "8812")


def test_the_end_of_another_number_is_right_with_or_without_the_rest() -> None:
    assert KIM.matches(Question.OTHER_NUMBER, "0123")
    assert KIM.matches(Question.OTHER_NUMBER, "217 555 0123")
    assert not KIM.matches(Question.OTHER_NUMBER, "123")
    assert not WANG.can_answer(Question.OTHER_NUMBER)


def test_enough_right_answers_confirm_somebody_and_one_may_be_wrong() -> None:
    answers = {Question.NAME: "Kim O'Neil", Question.POSTCODE: "62704"}
    assert check(KIM, answers, 2) == (dict.fromkeys(answers, True), True)
    wrong = {**answers, Question.ADDRESS_NUMBERS: "13"}
    assert check(KIM, wrong, 2)[1]
    assert not check(KIM, {Question.NAME: "Kim O'Neil", Question.POSTCODE: "1"}, 2)[1]


def test_nothing_of_what_is_on_record_is_printed() -> None:
    assert "Kim" not in repr(KIM)


@given(st.sampled_from(Question), st.text(max_size=30))
def test_nobody_is_confirmed_by_what_is_not_on_record(question: Question, answer: str) -> None:
    assert not OnRecord(name=None, address=None).matches(question, answer)
