"""What `check` finds wrong with the routes of texts before anything is sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, union

from config.readers.template_files import LETTERS
from domain.compliance.vocabulary import Says, country_of
from domain.errors import ArrearsError
from domain.persons import PersonFact
from workers.context import Context
from workers.db.schema import borrower, loan, loan_party, person_fact
from workers.sms.providers.routing import ALL_OTHER_REGIONS, Routes, Sender

Spoken = Mapping[str, frozenset[str]]
"""By jurisdiction, the languages (BCP 47) of those who are contacted about its loans."""


@dataclass(frozen=True, slots=True)
class RouteCheck:
    """What is wrong with the routes, and what may become so."""

    errors: list[ArrearsError] = field(default_factory=list)
    """Everything that lets no text out, or texts that promise what their sender cannot do."""
    warnings: list[ArrearsError] = field(default_factory=list)
    """Languages that have templates and that nobody on record speaks, where no text goes out."""


def check_routes(ctx: Context, spoken: Spoken | None = None) -> RouteCheck:
    """Check the routes, against the languages that are spoken. None: that is not known."""
    errors = [*_nothing_goes_out(ctx), *_words_ask_for_replies(ctx)]
    if errors:
        return RouteCheck(errors)
    of_book = _by_region(ctx, spoken or {})
    warnings: list[ArrearsError] = []
    for region in ctx.sms.by_region:
        needed = of_book.get(region, frozenset())
        errors += _silent_in(ctx, region, needed)
        warnings += _silent_in(ctx, region, ctx.templates.locales() - needed)
    return RouteCheck(errors, warnings)


def read_spoken(connection: Connection) -> Spoken:
    """The languages of borrowers and other parties, by the jurisdiction of the loan. One statement.

    That of the record, and each that the person was recorded to speak.
    """
    parties = (
        select(loan.c.jurisdiction, loan_party.c.borrower_id)
        .join(loan_party, loan_party.c.loan_id == loan.c.id)
        .where(loan_party.c.ended_at.is_(None))
    )
    borrowers = select(loan.c.jurisdiction, loan.c.borrower_id)
    contacted = union(borrowers, parties).subquery()
    of_record = select(contacted.c.jurisdiction, borrower.c.locale).join(
        borrower, borrower.c.id == contacted.c.borrower_id
    )
    is_language = (person_fact.c.kind == PersonFact.LANGUAGE) & person_fact.c.ended_at.is_(None)
    said = select(contacted.c.jurisdiction, person_fact.c.locale).join(
        person_fact, (person_fact.c.borrower_id == contacted.c.borrower_id) & is_language
    )
    spoken: dict[str, set[str]] = {}
    for jurisdiction, locale in connection.execute(union(of_record, said)):
        spoken.setdefault(jurisdiction, set()).add(locale)
    return {jurisdiction: frozenset(locales) for jurisdiction, locales in spoken.items()}


def _by_region(ctx: Context, spoken: Spoken) -> Spoken:
    with_route = set(ctx.sms.by_region)
    found: dict[str, frozenset[str]] = {}
    for jurisdiction, locales in spoken.items():
        region = _route_of(jurisdiction, with_route)
        found[region] = found.get(region, frozenset()) | locales
    return found


def _silent_in(ctx: Context, region: str, locales: frozenset[str]) -> Iterator[ArrearsError]:
    """Texts that no provider of a region's route would send in one of these languages.

    A language without templates is a problem of each loan, and is shown there.
    """
    senders = _senders(ctx.sms, region)
    for locale in sorted(filter(ctx.templates.has_locale, locales)):
        unsent = sorted(
            template
            for template in _templates_used(ctx, region)
            if not any(sender.sends(template, locale) for sender in senders)
        )
        if unsent:
            yield ArrearsError(
                "ARREARS_SMS_ROUTES sends texts to {region} through {providers}, where {templates} "
                "is not registered in {locale}, so that text never goes out to who speaks that "
                "language. Register it in {locale} and write its id into "
                "sms_templates/{last}.yaml, or add a provider to the route.",
                region=region,
                providers=", ".join(sender.provider for sender in senders),
                templates=", ".join(unsent),
                locale=locale,
                last=senders[-1].provider,
            )


def _nothing_goes_out(ctx: Context) -> Iterator[ArrearsError]:
    """Texts of the ladders that no provider of a region's route would send, in any language."""
    for region in ctx.sms.by_region:
        senders = _senders(ctx.sms, region)
        unsent = sorted(
            template
            for template in _templates_used(ctx, region)
            if not any(
                sender.sends(template, locale)
                for sender in senders
                for locale in ctx.templates.locales()
            )
        )
        if unsent:
            yield ArrearsError(
                "ARREARS_SMS_ROUTES sends texts to {region} through {providers}, where {templates} "
                "is not registered, so that text never goes out. Register it and write its id into "
                "sms_templates/{last}.yaml, or add a provider to the route.",
                region=region,
                providers=", ".join(sender.provider for sender in senders),
                templates=", ".join(unsent),
                last=senders[-1].provider,
            )


def _words_ask_for_replies(ctx: Context) -> Iterator[ArrearsError]:
    for provider in dict.fromkeys(name for names in ctx.sms.by_region.values() for name in names):
        sender = ctx.sms.senders[provider]
        if sender.takes_replies:
            continue
        asking = sorted(
            f"{locale}/{name}.txt"
            for name in ctx.templates.names() - LETTERS
            for locale in ctx.templates.locales()
            if sender.sends(name, locale) and Says.REPLY in ctx.templates.says(name, locale)
        )
        if asking:
            yield ArrearsError(
                "The sender {sender} of {provider} is a name, which nobody can answer, and these "
                "templates ask for an answer: {templates}. Use a number as the sender, or word "
                "them so that they name another way, such as a number to call; statements.yaml "
                "says by which words they are recognised.",
                sender=sender.sender,
                provider=provider,
                templates=", ".join(asking),
            )


def _templates_used(ctx: Context, region: str) -> set[str]:
    """The templates of the texts that ladders send to a region, for one loan and for several.

    Where no ladder is for a region, those of all: a borrower may have a number of another region.
    """
    with_route = set(ctx.sms.by_region)
    of_region = [
        ladder
        for ladder in ctx.policy.ladders
        if any(
            _route_of(jurisdiction, with_route) == region
            for jurisdiction in ladder.applies_to.jurisdictions
        )
    ]
    named = {
        item.template
        for ladder in of_region or ctx.policy.ladders
        for item in ladder.all_items
        if item.template is not None and item.template not in LETTERS
    }
    return named.union(*(ctx.templates.for_several(name) for name in named))


def _route_of(jurisdiction: str, regions: set[str]) -> str:
    country = country_of(jurisdiction)
    return country if country in regions else ALL_OTHER_REGIONS


def _senders(routes: Routes, region: str) -> list[Sender]:
    return [routes.senders[provider] for provider in routes.by_region[region]]
