"""The rules of the packs as Chinese sentences; `workers.cli.rules` has the English ones."""

from collections.abc import Iterable

from config.readers.rule_kinds import WEEK
from domain.compliance.calendars import DayKind
from domain.compliance.conduct import Conduct
from domain.compliance.contact_hours import ContactHours, Hours
from domain.compliance.fact_reach import FactReach, ReachingFact
from domain.compliance.frequency_caps import CalendarUnit, Cap, Counter, Scope
from domain.compliance.hold_length import HoldLength
from domain.compliance.inconvenient_times import InconvenientTimes
from domain.compliance.limitation import Limitation, RunsFrom
from domain.compliance.message_content import MessageContent
from domain.compliance.party_reach import PartyReach
from domain.compliance.permitted import Permitted
from domain.compliance.retention import RetainedKind, Retention
from domain.compliance.rules import Rule, RuleStatus, Source
from domain.compliance.suspension import LimitationSuspension
from domain.compliance.third_parties import ThirdPartyContact
from domain.compliance.validation_notice import ValidationNotice
from domain.compliance.visit_notice import VisitDuty
from domain.compliance.vocabulary import Collects, Interrupts, Party, Place, Purpose, Says, Suspends
from domain.language.speak import LANGUAGES
from domain.persons import PersonFact

WORDS = LANGUAGES["zh"].words
DAYS = dict(zip(WEEK, ("周一", "周二", "周三", "周四", "周五", "周六", "周日"), strict=True))
COUNTED = {Counter.ATTEMPT: "尝试", Counter.CONNECTED: "通话", Counter.UNANSWERED: "未接通的尝试"}
SCOPED = {
    Scope.PERSON: "此人名下全部贷款合计",
    Scope.DEBT: "每笔债务分别计算",
    Scope.NUMBER: "同一号码",
}
REACHES = {
    Scope.PERSON: "此人的全部债务",
    Scope.DEBT: "该笔债务",
    Scope.NUMBER: "该号码，不论由谁使用",
}
PURPOSES = {
    Purpose.COLLECT: "催收",
    Purpose.LOCATE: "询问借款人的联系方式",
    Purpose.ANSWER: "答复询问或投诉",
    Purpose.REQUESTED: "应本人要求",
    Purpose.NOTICE: "送达法律要求的通知",
}
FACTS = {
    ReachingFact.CEASED: "停止一切联系的要求",
    ReachingFact.REPRESENTED: "已委托他人代理",
    ReachingFact.INSOLVENCY: "破产",
    ReachingFact.OPTED_OUT: "拒收短信的要求",
}
WISHED = {
    PersonFact.CEASED: "本人要求停止一切联系",
    PersonFact.INCONVENIENT_TIME: "本人表示不便联系的时间",
}
SAID = {
    Says.IDENTITY: "贷款机构是谁",
    Says.OPT_OUT: "如何退订",
    Says.REPLY: "如何答复",
    Says.DEBT: "存在债务",
    Says.LEGAL_CONSEQUENCES: "可能采取法律行动",
}
INTERRUPTS = {
    Interrupts.PAYMENT: "部分还款",
    Interrupts.ACKNOWLEDGEMENT: "承认债务",
    Interrupts.SIGNED_ACKNOWLEDGEMENT: "签字承认债务",
    Interrupts.PROMISE: "还款承诺",
    Interrupts.DELIVERED_DEMAND: "已送达的催告",
    Interrupts.SUIT: "起诉、仲裁或申请支付令",
    Interrupts.ASSIGNMENT_NOTICE: "债权转让通知到达",
    Interrupts.DEBIT_IN_VAIN: "扣款未果",
}
SUSPENDS = {
    Suspends.FORCE_MAJEURE: "不可抗力",
    Suspends.NO_GUARDIAN: "债务人无行为能力且无法定代理人",
    Suspends.NO_SUCCESSOR: "尚未确定继承人或遗产管理人",
    Suspends.MILITARY_SERVICE: "债务人服兵役",
    Suspends.BREATHING_SPACE: WORDS["hold"]["breathing_space"],
    Suspends.MENTAL_HEALTH_CRISIS: WORDS["hold"]["mental_health_crisis"],
}
PLACES = {None: "", Place.WORK: "，在工作单位", Place.ELSEWHERE: "，住所与本人手机以外"}
BOUND = {
    Collects.FIRST_PARTY: "贷款机构自行催收",
    Collects.THIRD_PARTY: "受托机构",
    Collects.BANK: "银行",
    Collects.CONSUMER_FINANCE: "消费金融公司",
}
RETAINED = {RetainedKind.RECORDS: "记录", RetainedKind.RECORDINGS: "录音"}
KINDS_OF_DAY = {
    DayKind.WORKING: "工作日",
    DayKind.REST: "休息日",
    DayKind.HOLIDAY: "法定节假日",
}
MEANINGS = (
    "强制：违反规则的联系不会执行。推定违规：同样不会执行；除非贷款机构证明相反，即视为违规。"
    "提示：联系照常执行，并记录警告。",
    "V为已查阅原文，S*为转引原文，S为二手来源，G为一般认知，L为贷款机构自定的限制。本页不是法律意见。",
)
"""What the words and the letters of a listing mean."""


def describe_rule(rule: Rule) -> str:
    """What a rule asks, in a sentence without its article."""
    match rule:
        case ContactHours():
            unless = "，但本人同意其他时段的除外" if rule.consent_frees else ""
            return f"只可在以下时段联系：{'；'.join(map(_hours, rule.hours))}{unless}。"
        case Cap():
            return _cap(rule)
        case MessageContent():
            return _content(rule)
        case VisitDuty():
            notice = f"，且在通知{rule.notice_days}天之后" if rule.notice_days else ""
            return f"上门人员不少于{rule.staff}人{notice}。"
        case ValidationNotice():
            return f"首次联系后{rule.within_days}天内须送达债务书面通知。"
        case ThirdPartyContact():
            return _third_parties(rule)
        case Limitation():
            return _limitation(rule)
        case Conduct():
            return rule.text_zh or rule.text
        case InconvenientTimes():
            return "不在本人表示不便的时间联系。"
        case Permitted():
            during = [f"暂停催收（{WORDS['hold'][hold]}）" for hold in sorted(rule.during)]
            during += [WISHED[wish] for wish in sorted(rule.wishes)]
            purposes = _or(PURPOSES[purpose] for purpose in sorted(rule.purposes))
            return f"{_or(during)}期间，仍可为以下目的联系：{purposes}。"
        case FactReach():
            return f"{FACTS[rule.fact]}适用于{REACHES[rule.scope]}。"
        case Retention():
            years, months = divmod(rule.months, 12)
            kept = f"{rule.months}个月" if months else f"{years}年"
            return f"{RETAINED[rule.of]}自最后一次活动起保存{kept}。"
        case LimitationSuspension():
            return _suspension(rule)
        case HoldLength():
            since = "自解除之日起" if rule.after_release else ""
            return f"未写明终止日的暂停催收（{WORDS['hold'][rule.hold]}）{since}持续{rule.days}天。"
        case PartyReach():
            holds = _or(WORDS["hold"][hold] for hold in sorted(rule.holds))
            of = _or(WORDS["party"][party] for party in sorted(rule.of))
            to = _or(WORDS["party"][party] for party in sorted(rule.to))
            stops = "同时暂停" if rule.reaches else "不影响"
            return f"同一笔贷款中，{of}的暂停催收（{holds}）{stops}与{to}的联系。"
    raise NotImplementedError(type(rule))


def lines(rule: Rule, strength: str) -> tuple[str, str, str]:
    """A rule as it is listed: its id, what it asks, and where that stands."""
    channels = _and(WORDS["channel"][channel] for channel in sorted(rule.channels))
    of_products = f"，产品：{'、'.join(sorted(rule.products))}" if rule.products else ""
    bound = f"，约束{_and(BOUND[each] for each in sorted(rule.applies_to))}"
    of = f"（{channels}{PLACES[rule.place]}{of_products}{bound if rule.applies_to else ''}）"
    until = f"，至{rule.effective_to}止" if rule.effective_to else ""
    draft = rule.status is RuleStatus.DRAFT
    return (
        f"  {rule.id} — {'草案：不执行' if draft else strength}{of if rule.channels else ''}",
        f"      {describe_rule(rule)}",
        f"      {_source(rule.source)}；自{rule.effective_from}起{until}",
    )


def _source(source: Source) -> str:
    review = "，待复核" if source.needs_review else ""
    return f"{source.citation}（{source.confidence}{review}）"


def _hours(hours: Hours) -> str:
    end = "24:00" if hours.end.microsecond else f"{hours.end:%H:%M}"
    days = "每天"
    if len(hours.weekdays) < len(WEEK):
        days = _and(DAYS[WEEK[day]] for day in sorted(hours.weekdays))
    if len(hours.kinds) == 1:
        days = KINDS_OF_DAY[next(iter(hours.kinds))]
    elif DayKind.HOLIDAY not in hours.kinds:
        days += "，法定节假日除外"
    return f"{hours.start:%H:%M}至{end}（{days}）"


def _cap(rule: Cap) -> str:
    window = rule.window
    within = WORDS["window"][window] if isinstance(window, CalendarUnit) else f"连续{window.days}天"
    counted = _and(WORDS["channel"][channel] for channel in sorted(rule.counts))
    sentence = (
        f"{within}内最多{rule.at_most}次{COUNTED[rule.counter]}（{counted}），{SCOPED[rule.scope]}"
    )
    if rule.counts_third_parties:
        sentence += "，与第三方的联系也计入"
    if rule.counts_inbound:
        sentence += "；借款人主动发起的也计入"
    if rule.ignores:
        sentence += f"；结果为{_or(WORDS['outcome'][each] for each in sorted(rule.ignores))}的不计"
    if rule.consent_days:
        sentence += f"；本人同意后{rule.consent_days}天内不受此限"
    return sentence + "。"


def _third_parties(rule: ThirdPartyContact) -> str:
    if rule.when_unreachable:
        days = f"（分布于{rule.failed_days}天）" if rule.failed_days > 1 else ""
        return f"仅在号码无效，或连续{rule.failures}次电话{days}无法联系本人时，可联系他人。"
    if rule.to_locate:
        channels = _and(WORDS["channel"][channel] for channel in sorted(rule.to_locate))
        return f"只可联系借款人本人；可向他人询问一次借款人的联系方式（{channels}）。"
    return "只可联系借款人本人。"


def _limitation(rule: Limitation) -> str:
    each = rule.runs_from is RunsFrom.EACH_INSTALMENT
    since = "每期还款日分别" if each else "最后一期还款日"
    sentence = f"自{since}起{rule.years}年后，不得起诉，也不得提及起诉"
    sentence += f"；{_or(INTERRUPTS[kind] for kind in sorted(rule.interrupted_by))}使期间重新起算"
    if rule.revived_by:
        revived = _or(INTERRUPTS[kind] for kind in sorted(rule.revived_by))
        sentence += f"；期间届满后，{revived}也使其重新起算"
    if rule.each_debtor:
        sentence += "；某一债务人的行为只对其本人重新起算"
    if rule.outer_years:
        sentence += f"；最长不超过{rule.outer_years}年"
    return sentence + ("。此后债务消灭。" if rule.extinguishes else "。")


def _suspension(rule: LimitationSuspension) -> str:
    what = _or(SUSPENDS[kind] for kind in sorted(rule.during))
    months, weeks = rule.ends_after_months, rule.ends_after_weeks
    if months is None and weeks is None:
        return f"{what}的期间不计入诉讼时效。"
    when = f"最后{rule.in_last_months}个月内" if rule.in_last_months else "届满时"
    after = f"{months}个月" if months else f"{weeks}周"
    return f"诉讼时效期间{when}有{what}的，自其消除之日起满{after}届满。"


def _content(rule: MessageContent) -> str:
    must = f"必须写明{_and(SAID[each] for each in sorted(rule.must_say))}" if rule.must_say else ""
    never = (
        f"不得提及{_and(SAID[each] for each in sorted(rule.must_not_say))}"
        if rule.must_not_say
        else ""
    )
    to = {Party.BORROWER: "发给借款人的", Party.THIRD_PARTY: "发给第三方的"}
    return f"{to[rule.to] if rule.to else ''}信息{'，'.join(filter(None, (must, never)))}。"


def _and(words: Iterable[str]) -> str:
    return "、".join(words)


def _or(words: Iterable[str]) -> str:
    return "或".join(words)
