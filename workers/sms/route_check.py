"""What `check` finds wrong with the routes of texts before anything is sent."""

from collections.abc import Iterator

from config.readers.templates import LETTERS
from domain.compliance.vocabulary import Says
from workers.context import Context
from workers.sms.providers.routing import ALL_OTHER_REGIONS, Routes, Sender


def wrong_routes(ctx: Context) -> list[str]:
    """Everything that lets no text out, or texts that promise what their sender cannot do."""
    return [*_nothing_goes_out(ctx), *_words_ask_for_replies(ctx)]


def _nothing_goes_out(ctx: Context) -> Iterator[str]:
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
            names = ", ".join(sender.provider for sender in senders)
            yield (
                f"ARREARS_SMS_ROUTES sends texts to {_named(region)} through {names}, where "
                f"{', '.join(unsent)} is not registered, so that text never goes out. Register it "
                f"and write its id into sms_templates/{senders[-1].provider}.yaml, or add a "
                "provider to the route."
            )


def _words_ask_for_replies(ctx: Context) -> Iterator[str]:
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
            yield (
                f"The sender {sender.sender} of {provider} is a name, which nobody can answer, and "
                f"these templates ask for an answer: {', '.join(asking)}. Use a number as the "
                "sender, or word them so that they name another way, such as a number to call; "
                "statements.yaml says by which words they are recognised."
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
        for _, item in ladder.items
        if item.template is not None and item.template not in LETTERS
    }
    return named.union(*(ctx.templates.for_several(name) for name in named))


def _route_of(jurisdiction: str, regions: set[str]) -> str:
    country = jurisdiction.split("-", 1)[0]
    return country if country in regions else ALL_OTHER_REGIONS


def _senders(routes: Routes, region: str) -> list[Sender]:
    return [routes.senders[provider] for provider in routes.by_region[region]]


def _named(region: str) -> str:
    return "all other regions" if region == ALL_OTHER_REGIONS else region
