"""What borrowers' texts mean is a lender's data: every mistake in it names its line and remedy."""

import re
from pathlib import Path

import pytest

from config.readers.replies import STOPS_BY_LAW, ReplyReader, assert_stops_by_law
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import PolicyError
from domain.inbound_texts import ReplyKind, ReplyLanguage, ReplyVocabulary

SMALL = """\
language: en
version: 1
polite: [please]
fillers: [me]
stop:
  words: [end]
  phrases:
    - stop (texting)?
"""


def read(folder: Path, **files: str) -> ReplyVocabulary:
    reader = ReplyReader()
    languages: list[ReplyLanguage] = []
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        languages.append(reader.read(read_yaml(path)))
    return ReplyVocabulary(languages)


def test_a_choice_makes_every_phrase_that_it_can(tmp_path: Path) -> None:
    text = SMALL.replace("(texting)?", "(texting|sending)? (all)?")
    vocabulary = read(tmp_path, en=text)
    for body in ("stop", "stop texting", "stop sending all", "please stop sending me", "end"):
        assert vocabulary.read(body).kinds == {ReplyKind.STOP}
    assert vocabulary.read("stop me all texting").kinds == {ReplyKind.OTHER}


@pytest.mark.parametrize(
    ("old", "new", "line", "remedy"),
    [
        ("language: en", "language: English", 1, "Write a code such as en"),
        ("language: en\n", "", 1, "Write language: and its value"),
        ("version: 1", "version: one", 2, "Write a whole number"),
        ("fillers", "filler", 4, "Did you mean fillers?"),
        ("stop:", "halt:", 6, "Write one of: .*stop"),
        ("words:", "word:", 6, "Did you mean words?"),
        ("stop (texting)?", "stop texting)?", 8, "Write a choice as"),
        ("stop (texting)?", "stop (it)? now?", 8, "Write a choice as"),
        ("stop (texting)?", "stop (a|b", 8, "Write a choice as"),
        ("stop (texting)?", "please me", 8, "Write it under words"),
        ("stop (texting)?", "t", 8, "Write it under words"),
        ("stop (texting)?", '"!"', 8, "take its words out of polite"),
        ("stop (texting)?", "x " + "(a|b|c|d|e)" * 4, 8, "in several lines"),
        ("[end]", "[end]\nharmless:\n  words: [END!]", 8, "in one of the two places"),
        ("[end]", "end", 6, "Write one entry or more"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_a_remedy(
    tmp_path: Path, old: str, new: str, line: int, remedy: str
) -> None:
    small = SMALL.replace("[please]", "[please, the]")
    assert old in small
    with pytest.raises(PolicyError, match=rf"en\.yaml line {line}: .*{remedy}"):
        read(tmp_path, en=small.replace(old, new, 1))


def test_two_languages_may_not_contradict_each_other(tmp_path: Path) -> None:
    other = "language: es\nversion: 1\nharmless:\n  phrases: [Énd]\n"
    with pytest.raises(PolicyError, match=r"es.yaml line 4: .*under stop in .*en.yaml line 6"):
        read(tmp_path, en=SMALL, es=other)


def test_a_language_has_one_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"b.yaml line 1: en is in .*a.yaml already. Write all"):
        read(tmp_path, a=SMALL, b=SMALL)


@pytest.mark.parametrize("word", STOPS_BY_LAW)
def test_a_word_that_the_law_names_may_not_be_taken_out(tmp_path: Path, word: str) -> None:
    others = ", ".join(other for other in STOPS_BY_LAW if other != word)
    path = tmp_path / "en.yaml"
    path.write_text(f"language: en\nversion: 1\nstop:\n  words: [{others}]\n", encoding="utf-8")
    language = ReplyReader().read(file := read_yaml(path))
    with pytest.raises(PolicyError, match=rf"en.yaml line 1: `{word}` .*Write {word} under stop"):
        assert_stops_by_law(ReplyVocabulary([language]), ((file, language),))


def test_the_example_on_the_page_about_replies_is_a_good_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "replies.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    vocabulary = read(tmp_path, en=example)
    assert vocabulary.read("Please stop texting me again").kinds == {ReplyKind.STOP}
    assert vocabulary.read("OK 👍").kinds == {ReplyKind.HARMLESS}
