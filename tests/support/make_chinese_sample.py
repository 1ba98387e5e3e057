"""Makes `config/samples/chinese_sample.csv`: a made-up loan book in China, as of 3 March 2026.

    python -m tests.support.make_chinese_sample config/samples/chinese_sample.csv

Nothing in it is anybody's: docs/decisions/0044-a-chinese-book.md says how the numbers were chosen.
It makes the same file each time.
"""

import csv
import hashlib
import re
import sys
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path

HEADER = (
    *("合同号", "客户号", "姓名", "手机号", "通讯地址", "省级行政区", "还款计划", "累计还款"),
    *("年利率", "已采取阶段", "贷款状态", "保证人姓名", "保证人手机号"),
)

AS_OF = date(2026, 3, 3)
WANTED: tuple[tuple[int, tuple[date, ...]], ...] = (
    # 1 March is a Sunday: what is due then falls due on Monday, 2 March.
    (9, (date(2026, 3, 1),)),
    (3, (date(2026, 3, 2),)),
    # A Saturday that is worked in exchange for the Spring Festival.
    (7, (date(2026, 2, 28),)),
    # On days 4 to 6 nobody is contacted.
    (6, (date(2026, 2, 25), date(2026, 2, 26), date(2026, 2, 27))),
    # The Spring Festival, 15 to 23 February: all of it falls due on the 24th.
    (16, tuple(date(2026, 2, day) for day in range(15, 25))),
    (20, tuple(date(2026, 2, day) for day in range(3, 15) if day not in {7, 8})),
    # A Sunday: on its 29th day nobody visits yet.
    (3, (date(2026, 2, 1),)),
    (20, tuple(date(2026, 1, day) for day in range(5, 31))),
    # New Year's holiday: it falls due on 4 January, a Sunday that is worked.
    (2, (date(2026, 1, 1), date(2026, 1, 2))),
    (24, tuple(date(2025, 12, day) for day in range(3, 30))),
    (2, (date(2025, 11, 6), date(2025, 11, 20))),
)
"""How many loans, and the due dates of their oldest unpaid instalment."""
SETTLED = 15
CURRENT = 273
GUARANTORS = 6
STATUSES = ((0, "正常"), (30, "M1"), (60, "M2"), (90, "M3"), (9999, "M4+"))
"""The lender's own word by days past due: each up to and including these."""
TERM = 12
RATE = "1.85"
"""In percent a year: the interest of the whole plan, over the principal for as long as it is owed.
"""

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜"
GIVEN = ("某甲", "某乙", "某丙", "某丁", "某戊", "某己", "某庚", "某辛", "某壬", "某癸")
"""As a court of China writes a name that it withholds."""

CITIES = """
北京市 110000 10
天津市 120000 22
上海市 310000 21
重庆市 500000 23
河北省 130000 310邯郸 311石家庄 312保定 313张家口 314承德 315唐山 316廊坊 317沧州 318衡水 319邢台
辽宁省 210000 411大连 412鞍山 415丹东 416锦州 417营口 418阜新 419辽阳 421朝阳 427盘锦 429葫芦岛
江苏省 320000 25南京 510无锡 511镇江 512苏州 513南通 514扬州 515盐城 516徐州 517淮安 518连云港
浙江省 330000 570衢州 571杭州 572湖州 573嘉兴 574宁波 575绍兴 576台州 577温州 578丽水 579金华
安徽省 340000 550滁州 551合肥 552蚌埠 553芜湖 554淮南 555马鞍山 556安庆 557宿州 558阜阳 559黄山
福建省 350000 591福州 592厦门 593宁德 594莆田 595泉州 596漳州 597龙岩 598三明 599南平
江西省 360000 701鹰潭 790新余 791南昌 792九江 793上饶 794抚州 795宜春 796吉安 797赣州 798景德镇
山东省 370000 530菏泽 531济南 532青岛 533淄博 534德州 535烟台 536潍坊 537济宁 538泰安 539临沂
河南省 410000 370商丘 371郑州 372安阳 373新乡 374许昌 375平顶山 376信阳 377南阳 379洛阳 391焦作
湖北省 420000 27武汉 710襄阳 711鄂州 712孝感 713黄冈 714黄石 715咸宁 716荆州 717宜昌 719十堰
湖南省 430000 730岳阳 734衡阳 735郴州 736常德 737益阳 738娄底 739邵阳 744张家界 745怀化 746永州
广东省 440000 20广州 660汕尾 662阳江 663揭阳 668茂名 750江门 751韶关 752惠州 753梅州 754汕头
四川省 510000 28成都 812攀枝花 813自贡 816绵阳 817南充 818达州 826广安 827巴中 831宜宾 832内江
陕西省 610000 29西安 911延安 912榆林 913渭南 914商洛 915安康 916汉中 917宝鸡 919铜川
"""
"""The provinces with their codes (GB/T 2260), and cities with their area codes."""

MAGIC = ("311", "411", "591")
"""Area codes whose numbers mean something to the simulated providers."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up."""

    id: str
    name: str
    phone: str
    address: str
    region: str


def main(sample: Path) -> None:
    """Write the sample."""
    with sample.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows())


def rows() -> list[tuple[str, ...]]:
    """The rows of the sample, in the order of the contracts."""
    persons = _persons()
    oldest = [
        days[_draw(f"{days[0]} {n}", len(days))] for count, days in WANTED for n in range(count)
    ]
    debtors = list(islice(persons, len(oldest)))
    debtors[1] = debtors[0]  # two loans of one person: they share a text
    debtors[-1] = replace(debtors[-1], phone="1380013")  # no whole number
    guarantors = islice(persons, GUARANTORS)
    others = cycle(persons)
    loans: list[tuple[Person, date | None, Person | None]] = []
    for person, day in zip(debtors, oldest, strict=True):
        guarantor = next(guarantors, None) if day.year < AS_OF.year else None
        loans.append((person, day, guarantor))
    loans += [(next(others), None, None) for _ in range(SETTLED)]
    loans += [(next(others), date(2026, 3, 3 + n % 29), None) for n in range(CURRENT)]
    drawn = sorted(range(len(loans)), key=lambda n: _draw(f"order {n}", 1 << 32))
    return [_row(number, *loans[n]) for number, n in enumerate(drawn, start=1)]


def _persons() -> Iterator[Person]:
    """Each in a city of their own, with a number that is nobody's. Those whose number means
    something to the simulated providers come after the first two."""
    cities = [
        (re.sub(r"\D", "", city), re.sub(r"\d", "", city), province, region)
        for line in CITIES.strip().splitlines()
        for province, region, *of_province in [line.split(" ")]
        for city in of_province
    ]
    cities.sort(key=lambda city: _draw(city[0], 1 << 32))
    magic = [city for city in cities if city[0] in MAGIC]
    ordinary = [city for city in cities if city[0] not in MAGIC]
    for n, (area, city, province, region) in enumerate((*ordinary[:2], *magic, *ordinary[2:])):
        place = f"{province}{city}市" if city else province
        yield Person(
            f"KH{n + 1:04}",
            SURNAMES[n % len(SURNAMES)] + GIVEN[n // len(SURNAMES)],
            f"13800{area.ljust(3, '0')}500",
            f"{place}示例路{1 + _draw(f'house {n}', 400)}号",
            region,
        )


def _row(
    number: int, person: Person, oldest: date | None, guarantor: Person | None
) -> tuple[str, ...]:
    """One loan. `oldest` is the due date of its oldest unpaid instalment; None: it is paid."""
    paid = TERM if oldest is None else 2 + _draw(f"paid {number}", 9)
    day = (oldest or date(2026, 2, 1 + number % 28)).day
    last_paid = _months_before(oldest, 1) if oldest else date(2026, 2, 1)
    principal = Decimal(500 + _draw(f"principal {number}", 3500))
    interest = principal * Decimal("0.01")
    plan = [_on_day(_months_before(last_paid, paid - 1 - month), day) for month in range(TERM)]
    tried = oldest is not None and oldest.year < AS_OF.year and _draw(f"tried {number}", 3) < 2
    return (
        f"HT{number:04}",
        person.id,
        person.name,
        person.phone,
        person.address,
        person.region,
        "; ".join(f"{due_on} {principal:.2f} {interest:.2f}" for due_on in plan),
        f"{paid * (principal + interest):.2f}",
        RATE,
        "remind;enquire;visit" if tried else "",
        _status(oldest),
        guarantor.name if guarantor else "",
        guarantor.phone if guarantor else "",
    )


def _status(oldest: date | None) -> str:
    if oldest is None:
        return "已结清"
    # Counted from the day that the contract names, as the lender counts.
    days = (AS_OF - oldest).days
    return next(word for most, word in STATUSES if days <= most)


def _months_before(day: date, months: int) -> date:
    """The first of the month that many months before."""
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, 1)


def _on_day(month: date, day: int) -> date:
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))


def _draw(purpose: str, below: int) -> int:
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8]) % below


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python -m tests.support.make_chinese_sample SAMPLE")
    main(Path(sys.argv[1]))
