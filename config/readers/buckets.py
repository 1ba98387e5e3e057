"""Reads `config/buckets/*.yaml`: the classes of days past due in which the history counts loans."""

from functools import partial

from config.readers.yaml_reader import PolicyError, Value
from domain.buckets import Bucket, BucketScheme
from domain.errors import text_of


def read_buckets(document: Value) -> BucketScheme:
    """Convert one file into a scheme.

    Raises:
        PolicyError: something in the file is wrong, with its line and what to write instead.
    """
    top = document.section("id version effective_from effective_to current buckets source")
    effective_from, effective_to = top.effective()
    current = top.need("current")
    seen: dict[str, Value] = {current.text(): current}
    listed = top.need("buckets")
    buckets = listed.entries(partial(_read_bucket, seen=seen))
    expected: int | None = 1
    for value, bucket in zip(listed.values(), buckets, strict=True):
        if bucket.days.first != expected:
            raise _out_of_order(value, bucket, expected)
        expected = bucket.days.last + 1 if bucket.days.last else None
    if expected is not None:
        raise listed.values()[-1].refuse(
            "After day {last} there is no bucket.",
            "Let the last bucket have no end, such as {days}.",
            last=expected - 1,
            days=f"{buckets[-1].days.first}-",
        )
    return BucketScheme(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        effective_to=effective_to,
        current=current.text(),
        buckets=buckets,
        source=top.need("source").text(),
    )


def _read_bucket(value: Value, seen: dict[str, Value]) -> Bucket:
    entry = value.section("name days")
    name, written = entry.need("name"), entry.need("days")
    instead = text_of("Write days past due, such as 1-30, or 181- for day 181 and all that follow.")
    days = written.days(instead)
    if days.last is not None and days.last < days.first:
        raise written.refuse(
            "`{key}` is {shown}, which runs backwards.",
            instead,
            key=written.key,
            shown=written.shown,
        )
    return Bucket(
        name.unused(name.text(), seen, "There is a bucket {shown}", shown=name.shown), days
    )


def _out_of_order(value: Value, bucket: Bucket, expected: int | None) -> PolicyError:
    if expected is None:
        return value.refuse(
            "`{name}` comes after a bucket without an end.",
            "Put the bucket without an end last.",
            name=bucket.name,
        )
    return value.refuse(
        "`{name}` starts on day {first}, and the buckets before it end on day {last}.",
        "Let it start on day {expected}.",
        name=bucket.name,
        first=bucket.days.first,
        last=expected - 1,
        expected=expected,
    )
