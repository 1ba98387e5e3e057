"""The policy as a whole: what only shows when all documents lie side by side."""

import json
import shutil
from pathlib import Path

import pytest

from config.readers.legal_checklists import SatisfiedBy, checklist_for
from config.readers.policy import Policy, PolicyKind, load_policy
from config.readers.yaml_reader import PolicyError
from domain.actions import ACTION_TYPES
from domain.compliance.rules import EVERYWHERE

TEMPLATES = {
    *("reminder_first", "reminder_second", "legal_notice", "guarantor_notice", "visit_notice"),
    "promise_reminder",
    *("arrangement_missed", "arrangement_default_notice", "nothing_offered"),
}
SHIPPED = Path(__file__).parents[2] / "config"
FOLDERS = ("ladders", "rule_packs", "legal_checklists")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the shipped policy that a test may spoil."""
    for folder in FOLDERS:
        shutil.copytree(SHIPPED / folder, tmp_path / folder)
    (tmp_path / "replies").mkdir()
    shutil.copy(SHIPPED / "replies" / "en.yaml", tmp_path / "replies")
    return tmp_path


def load(directory: Path) -> Policy:
    return load_policy(directory, TEMPLATES)


def change(path: Path, old: str, new: str, to: Path | None = None) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    (to or path).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_policy_loads() -> None:
    policy = load(SHIPPED)
    assert {ladder.id for ladder in policy.ladders} == {"consumer_loan_cn", "consumer_loan_us"}
    assert {pack.jurisdiction for pack in policy.rule_packs} == {
        "CN",
        "US",
        "US-MA",
        "US-WA",
        "GB",
        "IN",
        "AU",
        EVERYWHERE,
        "AU-NSW",
        "AU-NT",
        "GB-SCT",
    }
    assert {terms.id for terms in policy.arrangements} == {"arrangements_cn", "arrangements_us"}
    assert {terms.id for terms in policy.promises} == {"promises_cn", "promises_us"}
    assert len(policy.documents) == 43


def test_what_was_shipped_stays_as_it_was() -> None:
    """An installation has these digests on record, and starts with no other words under them.

    A change of a document raises its version; a ladder keeps the file of the former version too.
    What is released is added to the list.
    """
    shipped = json.loads(Path(__file__).with_name("shipped_versions.json").read_text())
    now = {f"{d.kind} {d.id} v{d.version}": d.digest for d in load(SHIPPED).documents}
    assert {name for name in now if now[name] != shipped.get(name, now[name])} == set()
    assert {name for name in shipped if name.startswith("ladder")} <= set(now)


@pytest.mark.parametrize("jurisdiction", ["CN", "US", "US-MA"])
def test_a_legal_file_has_a_checklist_that_asks_for_every_kind_of_evidence(
    jurisdiction: str,
) -> None:
    checklist = checklist_for(load(SHIPPED).checklists, jurisdiction)
    assert checklist is not None
    assert {needed.satisfied_by for needed in checklist.evidence} == set(SatisfiedBy)
    assert all(needed.text_en and needed.text_zh for needed in checklist.evidence)


def test_a_jurisdiction_without_a_checklist_has_none() -> None:
    assert checklist_for(load(SHIPPED).checklists, "GB") is None


class TestDigests:
    def test_a_comment_does_not_change_the_digest(self, directory: Path) -> None:
        before = load(directory).digest
        change(directory / "rule_packs" / "cn.yaml", "id: cn\n", "# Read again.\nid:   cn\n")
        assert load(directory).digest == before

    def test_a_word_of_the_law_does_and_only_in_its_own_document(self, directory: Path) -> None:
        before = load(directory)
        change(directory / "rule_packs" / "cn.yaml", "22:00", "21:00")
        after = load(directory)
        assert after.digest != before.digest
        changed = set(after.documents) - set(before.documents)
        assert [(d.kind, d.id, d.version) for d in changed] == [(PolicyKind.RULE_PACK, "cn", 6)]


class TestTermsUnderTheLaw:
    @pytest.fixture
    def terms(self, directory: Path) -> Path:
        shutil.copytree(SHIPPED / "arrangements", directory / "arrangements")
        return directory / "arrangements" / "consumer_loan_cn.yaml"

    def test_a_fixed_rate_above_the_law_is_refused_with_its_line(
        self, directory: Path, terms: Path
    ) -> None:
        change(terms, "rate: contract", "rate: 24")
        assert load(directory)
        change(terms, "rate: 24", "rate: 24.5")
        with pytest.raises(PolicyError, match=r"line \d+: .* in CN at most 24 % .*24 or less"):
            load(directory)

    def test_a_law_that_came_later_leaves_older_terms_as_they_are(
        self, directory: Path, terms: Path
    ) -> None:
        change(terms, "rate: contract", "rate: 36")
        change(terms, "effective_from: 2026-01-02", "effective_from: 2025-09-30")
        (terms.parent / "consumer_loan_cn_v1.yaml").unlink()
        assert load(directory)


class TestLaddersTogether:
    def test_two_versions_of_a_ladder_live_side_by_side(self, directory: Path) -> None:
        ladders = directory / "ladders"
        second = ladders / "consumer_loan_us_v4.yaml"
        change(ladders / "consumer_loan_us.yaml", "version: 3", "version: 4", to=second)
        change(second, "effective_from: 2018-01-03", "effective_from: 2026-07-01")
        versions = [x.version for x in load(directory).ladders if x.id == "consumer_loan_us"]
        assert sorted(versions) == [1, 2, 3, 4]

    def test_a_newer_version_takes_effect_on_a_later_day(self, directory: Path) -> None:
        ladders = directory / "ladders"
        second = ladders / "consumer_loan_us_v4.yaml"
        change(ladders / "consumer_loan_us.yaml", "version: 3", "version: 4", to=second)
        with pytest.raises(PolicyError, match=r"line \d+: .* on a later day."):
            load(directory)

    def test_a_role_that_nobody_can_have_is_refused(self, directory: Path) -> None:
        ladder = directory / "ladders" / "consumer_loan_cn.yaml"
        change(ladder, "approval: supervisor", "approval: boss")
        with pytest.raises(PolicyError, match=r"line \d+: `approval` is `aaaa` .*supervisor"):
            load(directory)

    def test_one_version_twice_is_refused(self, directory: Path) -> None:
        ladders = directory / "ladders"
        shutil.copy(ladders / "consumer_loan_cn.yaml", ladders / "copy.yaml")
        with pytest.raises(PolicyError, match=r"copy.yaml line \d+: .* Raise the version."):
            load(directory)

    @pytest.mark.parametrize(
        "products", ["[consumer_loan]", "[card, consumer_loan]"], ids=["same", "some"]
    )
    def test_two_ladders_for_the_same_loans_are_refused(
        self, directory: Path, products: str
    ) -> None:
        ladders = directory / "ladders"
        other = ladders / "other.yaml"
        change(ladders / "consumer_loan_cn.yaml", "id: consumer_loan_cn", "id: other", to=other)
        change(other, "[consumer_loan]", products)
        with pytest.raises(PolicyError, match=r"other.yaml line .* for the same loans"):
            load(directory)

    def test_a_ladder_for_a_part_of_a_country_competes_with_the_countrys(
        self, directory: Path
    ) -> None:
        ladders = directory / "ladders"
        other = ladders / "other.yaml"
        change(ladders / "consumer_loan_us.yaml", "id: consumer_loan_us", "id: other", to=other)
        change(other, "[US]", "[US-MA]")
        with pytest.raises(PolicyError, match="for the same loans"):
            load(directory)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("[consumer_loan]", "[card]"),
            ("currency: CNY", "currency: HKD"),
            ("effective_from: 2026-01-04", "effective_from: 2025-01-01\neffective_to: 2025-12-31"),
        ],
        ids=["another product", "another currency", "another time"],
    )
    def test_two_ladders_for_different_loans_are_welcome(
        self, directory: Path, old: str, new: str
    ) -> None:
        ladders = directory / "ladders"
        other = ladders / "other.yaml"
        change(ladders / "consumer_loan_cn.yaml", "id: consumer_loan_cn", "id: other", to=other)
        change(other, old, new)
        assert len(load(directory).ladders) == 8

    def test_a_ladder_where_no_law_is_known_is_refused(self, directory: Path) -> None:
        change(directory / "ladders" / "consumer_loan_cn.yaml", "[CN]", "[CN, DE]")
        with pytest.raises(PolicyError, match="no rule pack for DE, so nobody there may be"):
            load(directory)

    def test_a_ladder_to_a_court_that_nobody_has_a_checklist_for_is_refused(
        self, directory: Path
    ) -> None:
        change(directory / "ladders" / "consumer_loan_cn.yaml", "[CN]", "[CN, IN]")
        with pytest.raises(PolicyError, match="IN has no legal checklist"):
            load(directory)


class TestLawTogether:
    def test_a_second_pack_for_a_jurisdiction_is_refused(self, directory: Path) -> None:
        packs = directory / "rule_packs"
        text = (packs / "cn.yaml").read_text(encoding="utf-8")
        (packs / "cn_more.yaml").write_text(
            text.replace("id: cn", "id: cn_more").replace("- id: cn.", "- id: cn_more."),
            encoding="utf-8",
        )
        with pytest.raises(PolicyError, match=r"cn_more.yaml line \d+: CN is in"):
            load(directory)

    def test_a_state_without_its_country_is_refused(self, directory: Path) -> None:
        (directory / "rule_packs" / "us.yaml").unlink()
        with pytest.raises(PolicyError, match="no rule pack for US, which US-MA comes on top of"):
            load(directory)

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("[us.limitation]", "[us.limitations]", "replaces us.limitations, which is no rule"),
            ("[us.limitation]", "[us.voicemail]", "which is no rule of that kind"),
            ("[us.limitation]", "[cn.limitation]", "in the pack of US"),
            (
                "signed_acknowledgement]\n    effective_from: 2021-11-30",
                "signed_acknowledgement]\n    effective_from: 2022-01-01",
                "is not in force for as long as us.limitation",
            ),
            (
                "years: 6\n",
                "years: 6\n    effective_to: 2030-01-01\n",
                "is not in force for as long as us.limitation",
            ),
        ],
    )
    def test_a_rule_that_would_leave_a_hole_where_it_replaces_another_is_refused(
        self, directory: Path, old: str, new: str, says: str
    ) -> None:
        change(directory / "rule_packs" / "us_ma.yaml", old, new)
        with pytest.raises(PolicyError, match=says) as refused:
            load(directory)
        assert "us_ma.yaml line" in str(refused.value)

    def test_a_second_checklist_for_a_jurisdiction_is_refused(self, directory: Path) -> None:
        lists = directory / "legal_checklists"
        shutil.copy(lists / "CN.yaml", lists / "CN_more.yaml")
        with pytest.raises(PolicyError, match="legal_file_cn is in"):
            load(directory)

    def test_evidence_from_nowhere_is_refused(self, directory: Path) -> None:
        path = directory / "legal_checklists" / "CN.yaml"
        change(path, "satisfied_by: call_record", "satisfied_by: call_records")
        with pytest.raises(PolicyError, match=r"Did you mean call_record\?"):
            load(directory)

    def test_evidence_listed_twice_is_refused(self, directory: Path) -> None:
        change(directory / "legal_checklists" / "CN.yaml", "id: identity", "id: contract")
        with pytest.raises(PolicyError, match="contract is on the list already"):
            load(directory)


def test_a_score_sheet_that_names_a_rule_of_no_pack_is_refused(directory: Path) -> None:
    sheets = directory / "score_sheets"
    sheets.mkdir()
    invented = "[cn.no_such_rule]"
    change(
        SHIPPED / "score_sheets" / "calls_cn.yaml",
        "[cn.no_harassment]",
        invented,
        sheets / "c.yaml",
    )
    with pytest.raises(PolicyError, match=r"c\.yaml line 23: There is no conduct rule"):
        load(directory)


def test_problems_in_several_files_are_told_at_once(directory: Path) -> None:
    for name in ("consumer_loan_cn", "consumer_loan_us"):
        change(directory / "ladders" / f"{name}.yaml", "grace_days: 0", "grace_days: none")
    with pytest.raises(PolicyError) as refused:
        load(directory)
    assert len(refused.value.texts) == 2


def test_a_folder_without_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="There is no policy in"):
        load(tmp_path)


def test_a_file_that_would_be_overlooked_is_refused(directory: Path) -> None:
    shutil.copy(directory / "rule_packs" / "in.yaml", directory / "rule_packs" / "in2.yml")
    with pytest.raises(PolicyError, match=r"Name the file in2\.yaml"):
        load(directory)


def test_the_ladders_ask_for_templates_that_exist() -> None:
    written = {path.stem for path in (SHIPPED / "templates").glob("*/*.txt")}
    asked = {item.template for ladder in load(SHIPPED).ladders for _, item in ladder.items}
    assert asked - {None} <= written


def test_every_kind_of_work_is_on_the_shipped_ladders() -> None:
    for ladder in load(SHIPPED).ladders:
        assert {item.do for _, item in ladder.items} == set(ACTION_TYPES.values())
