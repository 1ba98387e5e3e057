"""What Flower shows of a message: the lender's ids, and of many loans the first ones."""

from workers.messaging.publish import MOST_SHOWN, NAMES_SHOWN, for_all, for_each


def test_a_message_of_one_action_shows_its_loan_and_its_item() -> None:
    assert list(for_each({7: "L-001 text_day_1"})) == [((7,), "L-001 text_day_1")]


def test_a_message_of_many_loans_shows_them_all_while_they_fit() -> None:
    assert for_all([7, 8], ["L-001", "L-002"]) == (([7, 8],), "L-001, L-002")


def test_of_more_loans_than_fit_it_shows_whole_ids_and_how_many_there_are() -> None:
    names = [f"L-{n:03d}" for n in range(NAMES_SHOWN)]
    message = for_all(range(500), names)

    assert message.args == (list(range(500)),)
    assert message.shown == f"{', '.join(names)} ... 500 in all"


def test_of_long_ids_it_shows_as_many_as_fit() -> None:
    names = [f"{n:030d}" for n in range(NAMES_SHOWN)]
    message = for_all(range(NAMES_SHOWN), names)

    assert message.shown is not None
    assert len(message.shown) < MOST_SHOWN + 20
    first, _, rest = message.shown.partition(" ... ")
    assert first.split(", ") == names[:12]
    assert rest == f"{NAMES_SHOWN} in all"
