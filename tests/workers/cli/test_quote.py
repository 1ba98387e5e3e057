"""`arrears quote`: what somebody reads before they agree, in both languages."""

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, update

from domain.actors import Role
from domain.loans import Instalment
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.clock import Clock
from workers.db.schema import loan

TODAY = Clock().now().date()


@pytest.fixture
def environment(database_url: str, engine: Engine) -> dict[str, str]:
    book = Book(engine, zone="UTC")
    due = (TODAY + timedelta(days=30 * n - 5) for n in range(3))
    book.loan("L-1", instalments=[Instalment(day, Decimal(1000), Decimal(10)) for day in due])
    with engine.begin() as connection:
        paid_out = TODAY - timedelta(days=200)
        connection.execute(update(loan).values(annual_rate_percent=12, disbursed_on=paid_out))
    return {**an_environment(database_url), "ARREARS_ZONE": "UTC"}


def test_a_deferral_is_shown_to_the_cent_in_both_languages(environment: dict[str, str]) -> None:
    shown = arrears(environment, "quote", "L-1", "--deferral", "20")
    assert shown.returncode == 0, shown.stderr
    # 1000 × 12 % × 20 / 365 = 6.58
    for said in (
        "Deferral for loan L-1",
        f"Due on {TODAY + timedelta(days=20)}: principal 1000.00, interest 16.58, fees 0.00",
        "Rate: 12 % a year, day count actual/365.",
        "Still to pay without it: 3030.00 CNY. With it: 3036.58. Difference: 6.58.",
        "What stops while it is kept: collection, late fees.",
        "Who may agree: caller or above.",
        "This changes nothing.",
    ):
        assert said in shown.stdout
    chinese = arrears(environment, "quote", "L-1", "--deferral", "20", "--language", "zh").stdout
    for said in ("延期还款报价", "本金1000.00元，利息16.58元", "相差6.58元", "电话催收员及以上"):
        assert said in chinese
    assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", re.sub(r"条件：.*|依据：.*", "", chinese))


def test_a_program_gets_a_plan_with_its_sums(environment: dict[str, str]) -> None:
    done = arrears(environment, "quote", "L-1", "--instalments", "4", "--json")
    plan = json.loads(done.stdout)
    assert (plan["offered"], plan["kind"], plan["who_may_agree"]) == (
        *(True, "instalment_plan"),
        Role.SUPERVISOR,
    )
    assert sum(Decimal(row["principal"]) for row in plan["after"]) == 3000
    assert sum(Decimal(row["amount"]) for row in plan["after"]) == Decimal(plan["to_pay_after"])
    until = plan["last_day_after"]
    again = arrears(environment, "quote", "L-1", "--until", until, "--json")
    assert json.loads(again.stdout) == plan
    monthly = max((row["amount"] for row in plan["after"]), key=Decimal)
    again = arrears(environment, "quote", "L-1", "--monthly", monthly, "--json")
    assert json.loads(again.stdout) == plan


def test_what_is_not_offered_says_why_and_what_to_do(environment: dict[str, str]) -> None:
    refused = arrears(environment, "quote", "L-1", "--instalments", "100")
    assert refused.returncode == 1
    assert "supervisor may agree to 60" in refused.stdout
    # No instalment may be less than 100; the interest of so many months depends on the day.
    closest = re.search(r"this can be offered: (\d+) instalment\(s\) until", refused.stdout)
    assert closest
    assert 30 < int(closest[1]) <= 36
    in_json = json.loads(arrears(environment, "quote", "L-1", "--deferral", "900", "--json").stdout)
    assert (in_json["offered"], in_json["reason"][0]["code"]) == (False, "deferral_too_long")
    assert arrears(environment, "quote", "L-404", "--deferral", "9").returncode == 2
    assert "one of --deferral" in arrears(environment, "quote", "L-1").stderr
