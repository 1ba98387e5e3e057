"""What a borrower's text asks for: its kinds, read with the words of each language."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.contact_points import NEW_NUMBER_NEEDED, NumberFact
from domain.plain_text import (
    LONGEST,
    DroppedWords,
    dropped_words,
    is_innocent,
    key_of,
    plain,
    split_sentences,
    without_quotes,
    words_of,
)


class ReplyKind(StrEnum):
    """What we do about a borrower's text."""

    CEASE = "cease"  # no contact at all, by any channel
    WRONG_NUMBER = "wrong_number"  # somebody else has this number
    STOP = "stop"  # no more texts, at once
    NO_CALLS = "no_calls"  # no more calls; whether texts are meant too, a person reads
    START = "start"  # texts are welcome again
    HELP = "help"  # who is this, and where can I call
    OTHER = "other"  # not understood: for a person to read
    HARMLESS = "harmless"  # thanks, OK: nothing follows from it


class Meaning(StrEnum):
    """What a person who has read a text says that it means."""

    CEASE = "cease"
    WRONG_NUMBER = "wrong_number"
    STOP = "stop"
    NO_CALLS = "no_calls"
    START = "start"
    DISPUTE = "dispute"
    WISHES = "wishes"  # when, where or in which language they want to be contacted
    NO_CONSENT = "no_consent"  # takes back what they agreed to
    ASKS_PLAN = "asks_plan"  # asks for time or for instalments
    HARMLESS = "harmless"


ABOUT_SOMETHING_ELSE = frozenset(
    {Meaning.DISPUTE, Meaning.WISHES, Meaning.NO_CONSENT, Meaning.ASKS_PLAN}
)
"""They do not say whether contact goes on: what the machine read in the text beside them stays."""

READ_WITHIN = timedelta(days=2)
"""The lender's own deadline for reading a text. When it is over, it is over: no text goes out."""

ALONE = frozenset({ReplyKind.START, ReplyKind.HELP, ReplyKind.HARMLESS})
"""They count only if the text says nothing else, and no filler word is left out of them."""

MOST_SENTENCES = 40
"""A text with more of them goes to a person."""


@dataclass(frozen=True, slots=True)
class ReplyLanguage:
    """The words of one language, as its file in `config/replies/` lists them."""

    language: str
    """BCP 47."""
    version: int
    polite: tuple[str, ...]
    """May stand beside anything: please, thank you."""
    fillers: tuple[str, ...]
    """May stand inside a phrase and change nothing: me, again, these."""
    signatures: tuple[str, ...]
    """How a line begins that a telephone adds: Sent from my iPhone."""
    quotes: tuple[str, ...]
    """What stands before or after the colon of a line that opens quoted text: wrote, From."""
    words: Mapping[ReplyKind, tuple[str, ...]]
    """They count only as the whole text, or as its first line."""
    phrases: Mapping[ReplyKind, tuple[str, ...]]
    """They count also as one sentence of a longer text."""
    emoji: str
    """Harmless ones."""
    hardship: tuple[str, ...] = ()
    """Words by which somebody asks for time or instalments, anywhere in a text."""

    @property
    def id(self) -> str:
        """Under this name its versions are on record."""
        return self.language


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says. It can say several things: "Wrong number. Stop texting me." """

    kinds: frozenset[ReplyKind]

    @property
    def kind(self) -> ReplyKind:
        """The one with the most serious effect."""
        return next(kind for kind in ReplyKind if kind in self.kinds)

    @property
    def to_read(self) -> bool:
        """A person must read it: it says something that was not understood."""
        return ReplyKind.OTHER in self.kinds


@dataclass(frozen=True, slots=True)
class Effects:
    """What follows from a text, by whether the machine or a person read it."""

    number: frozenset[NumberFact]
    """Facts about the number, whoever has it."""
    ceases: bool
    """Everybody who has the number asked that nobody contact them any more."""
    refuses_calls: bool
    """Everybody who has the number asked not to be called."""

    @property
    def reach_people(self) -> bool:
        """Whether they change more than what may be texted to the number."""
        return self.ceases or self.refuses_calls or bool(self.number & NEW_NUMBER_NEEDED)


def effects_of(kinds: Collection[str], *, number_is_known: bool) -> Effects:
    """What follows from these kinds, of `ReplyKind` or `Meaning`.

    Whoever has somebody else's number says nothing about the borrower: what they ask for is a fact
    about the number. So is a cease from a number that nobody has, for whoever has it later.
    """
    is_other = ReplyKind.WRONG_NUMBER in kinds
    ceases, no_calls = ReplyKind.CEASE in kinds, ReplyKind.NO_CALLS in kinds
    refused = (is_other and (ceases or no_calls)) or (ceases and not number_is_known)
    facts = {
        NumberFact.OPTED_OUT: ceases or ReplyKind.STOP in kinds,
        NumberFact.SOMEBODY_ELSE: is_other,
        NumberFact.REFUSED: refused,
    }
    return Effects(
        number=frozenset(fact for fact, follows in facts.items() if follows),
        ceases=ceases and not is_other,
        refuses_calls=no_calls and not is_other,
    )


class ReplyVocabulary:
    """The words of all languages. Every text is read in all of them."""

    def __init__(self, languages: Iterable[ReplyLanguage]) -> None:
        """Takes the languages as they were read from their files."""
        self.languages = tuple(languages)
        everywhere = [word for language in self.languages for word in language.polite]
        self._polite = dropped_words(everywhere)
        self._emoji = frozenset(plain("".join(la.emoji for la in self.languages))) - {" "}
        self._signatures = _plain_of(word for la in self.languages for word in la.signatures)
        self._quotes = _plain_of(word for la in self.languages for word in la.quotes)
        self._hardship = [words_of(plain(words)) for la in self.languages for words in la.hardship]
        self._words: dict[str, ReplyKind] = {}
        self._alone: dict[str, ReplyKind] = {}
        self._phrases: list[tuple[DroppedWords, dict[str, ReplyKind]]] = []
        for language in self.languages:
            fillers = dropped_words([*everywhere, *language.fillers])
            phrases: dict[str, ReplyKind] = {}
            for kind, words in _listed(language.words):
                self._words[self._polite_key(words)] = kind
            for kind, words in _listed(language.phrases):
                if kind in ALONE:
                    self._alone[self._polite_key(words)] = kind
                else:
                    phrases[key_of(words, fillers)] = kind
            self._phrases.append((fillers, phrases))

    def _polite_key(self, words: str) -> str:
        """Without polite words, unless there are no others: thanks."""
        return key_of(words, self._polite) or key_of(words)

    def read(self, body: str, opt_out_type: str | None = None) -> Reading:
        """What a borrower's text asks for.

        Only the first 2,000 characters are read; a longer text goes to a person too. Case, width,
        accents, punctuation, emoji, repetition, quoted text and signatures do not matter. A phrase
        counts as the whole text or as one sentence of it, never as a part of a sentence: "stop
        calling my mother" goes to a person.

        `opt_out_type` is what the provider recognised, if it did: STOP, START or HELP. A stop of
        the provider always counts, its START and HELP unless the text itself asks for less contact.

        Source: 47 CFR 64.1200(a)(10): "any reasonable means", as a reasonable person understands.
        """
        own = self._read(body)
        given = (opt_out_type or "").strip().lower()
        if given == ReplyKind.STOP:
            more = own - ALONE if own != {ReplyKind.OTHER} else frozenset[ReplyKind]()
            return Reading(more | {ReplyKind.STOP})
        if given in {ReplyKind.START, ReplyKind.HELP} and own <= ALONE | {ReplyKind.OTHER}:
            return Reading(frozenset({ReplyKind(given)}))
        return Reading(own)

    def asks_for_time(self, body: str) -> bool:
        """Whether a text may ask for a deferral or for instalments, or tells of difficulties.

        A word of it anywhere is enough: a person reads the text, and nothing else follows. What the
        text quotes, such as our own offer, does not count.
        """
        lines, _ = without_quotes(plain(body), self._signatures, self._quotes)
        text = words_of("\n".join(lines))
        together = text.replace(" ", "")
        return any(
            words in text if words.isascii() else words.replace(" ", "") in together
            for words in self._hardship
        )

    def _read(self, body: str) -> frozenset[ReplyKind]:
        lines, is_cut = without_quotes(plain(body), self._signatures, self._quotes)
        kinds = self._kinds_of(lines)
        if len(body) > LONGEST or ReplyKind.NO_CALLS in kinds:
            kinds.add(ReplyKind.OTHER)
        if not kinds & ALONE or (
            kinds <= ALONE
            and len(kinds) == 1
            and not is_cut
            and (ReplyKind.HARMLESS not in kinds or is_innocent("".join(lines), self._emoji))
        ):
            return frozenset(kinds)
        rest = kinds - ALONE
        # Beside something more serious, thanks are nothing; a START or a HELP is for a person.
        if not rest or kinds & (ALONE - {ReplyKind.HARMLESS}):
            rest.add(ReplyKind.OTHER)
        return frozenset(rest)

    def _kinds_of(self, lines: list[str]) -> set[ReplyKind]:
        if kind := self._whole("\n".join(lines)):
            return {kind}
        kinds = set[ReplyKind]()
        if len(lines) > 1 and (first := self._whole(lines[0])):
            kinds.add(first)
            lines = lines[1:]
        sentences = list(dict.fromkeys(part for line in lines for part in split_sentences(line)))
        kinds |= {self._sentence(part) or ReplyKind.OTHER for part in sentences[:MOST_SENTENCES]}
        return kinds if 0 < len(sentences) <= MOST_SENTENCES else kinds | {ReplyKind.OTHER}

    def _whole(self, text: str) -> ReplyKind | None:
        return self._words.get(self._polite_key(words_of(text))) or self._sentence(text)

    def _sentence(self, text: str) -> ReplyKind | None:
        words = words_of(text)
        if not words:
            has_emoji = not self._emoji.isdisjoint(text)
            return ReplyKind.HARMLESS if has_emoji and is_innocent(text, self._emoji) else None
        if kind := self._alone.get(self._polite_key(words)):
            return kind
        for fillers, phrases in self._phrases:
            if kind := phrases.get(key_of(words, fillers)):
                return kind
        return None


def _plain_of(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(plain(text) for text in texts)


def _listed(by_kind: Mapping[ReplyKind, tuple[str, ...]]) -> Iterator[tuple[ReplyKind, str]]:
    return ((kind, words_of(plain(text))) for kind, texts in by_kind.items() for text in texts)


SHORT_NUMBER = 6
"""A number of fewer digits in a text is an amount, a day or a count, and no id of a loan."""


def names_in(words: str, names: Iterable[str]) -> list[str]:
    """Which of these ids of the lender's a text names, each one whole: not `L-1` in `L-10`."""
    text = words.lower()
    return [
        name
        for name in names
        if not (name.isdigit() and len(name) < SHORT_NUMBER)
        and re.search(rf"(?<![a-z0-9-]){re.escape(name.lower())}(?![a-z0-9-])", text)
    ]
