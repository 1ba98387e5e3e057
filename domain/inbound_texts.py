"""What a borrower's text asks for."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class ReplyKind(StrEnum):
    """What we do about a borrower's text."""

    STOP = "stop"  # no more texts, at once
    START = "start"  # texts are welcome again
    HELP = "help"  # who is this, and where can I call
    OTHER = "other"  # for a person to read


# 47 CFR 64.1200(a)(10) names the English words. TD, T, R and N are what Chinese texts tell people
# to answer with (回复TD退订, 拒收请回复R).
_STOP = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
    | {"退订", "退訂", "td", "t", "r", "n", "停止", "停发", "取消", "取消订阅", "拒收"}
    | {"我要退订", "退订短信"}
)
_START = frozenset({"start", "unstop", "恢复", "恢复接收", "恢复短信"})
_HELP = frozenset({"help", "info", "帮助"})

_POLITE = re.compile(
    r"^(?:please|pls|plz|hello|hi|请|麻烦|您好|你好)+"
    r"|(?:please|pls|plz|thanks|thankyou|thx|谢谢|吧)+$"
)

# The same rule allows any reasonable means of revoking consent. Each pattern must match the whole
# text: with a "don't", a "when" or another request beside it, the text goes to a person.
_TAIL = (
    r"(?:to|from|me|us|my|this|these|the|your|any|all|more|anymore|again|now|ever|"
    r"numbers?|phone|texts?|messages?|sms|texting|messaging|list)*"
)
_UNMISTAKABLE = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:stop|quit|cease)(?:all|these|the|your|any)*"
        rf"(?:texting|messaging|contacting|sending|texts|messages|sms){_TAIL}",
        rf"(?:donot|dont|never)(?:ever)?(?:text|message|sms|contact|send){_TAIL}",
        rf"nomore(?:texts|messages|texting|messaging|sms){_TAIL}",
        rf"(?:iwantto|iwouldliketo|idliketo|iwishto)?(?:optout|optmeout|unsubscribe)(?:of)?{_TAIL}",
        rf"(?:remove|take)(?:me|mynumber|thisnumber)(?:from|off){_TAIL}",
        rf"i?(?:revoke|withdraw)(?:my)?consent{_TAIL}",
        r"(?:你们|你|您)?(?:以后|今后)?(?:不要|别|勿|请勿|停止|不许|不准)(?:再|继续)*"
        r"(?:给我|向我)?再?(?:发送|发|联系)(?:我|给我|任何|此类|这种|催收)*"
        r"(?:短信|信息|消息)?(?:给我)?了?",
    )
)
_LONGEST = 80
"""Letters and digits. A longer text says more than stop, so a person reads it."""


def classify(body: str, opt_out_type: str | None = None) -> ReplyKind:
    """What a borrower's text asks for.

    `opt_out_type` is what the provider recognised, if it did: STOP, START or HELP. It is a stop if
    either the provider or this function finds one. Case, width and punctuation do not matter. A
    word counts only as the whole text: "I will stop by tomorrow" goes to a person.

    Source: 47 CFR 64.1200(a)(10) for the words and for "any reasonable means"; Chinese words by
    custom.
    """
    provider_says = (opt_out_type or "").strip().lower()
    said = _POLITE.sub("", _squeezed(body))
    if provider_says == ReplyKind.STOP or said in _STOP or _is_unmistakable(said):
        return ReplyKind.STOP
    if provider_says == ReplyKind.START or said in _START:
        return ReplyKind.START
    if provider_says == ReplyKind.HELP or said in _HELP:
        return ReplyKind.HELP
    return ReplyKind.OTHER


def _is_unmistakable(said: str) -> bool:
    return len(said) <= _LONGEST and any(asks.fullmatch(said) for asks in _UNMISTAKABLE)


def _squeezed(body: str) -> str:
    """Letters and digits only, in one width and case: `Ｓ.Ｔ.Ｏ.Ｐ！` is `stop`."""
    plain = unicodedata.normalize("NFKC", body).casefold()
    return "".join(character for character in plain if character.isalnum())
