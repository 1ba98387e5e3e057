"""What the house says, in Chinese."""

from __future__ import annotations

from domain.actions import ACTION_TYPES
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.holds import HoldKind
from domain.inbound_texts import ReplyKind
from domain.language.phrases import Language, Phrase, kept_sentences

P = Phrase

PHRASES: dict[Phrase, str] = {
    P.LOAN: (
        "贷款 {loan}：产品 {product}，适用 {jurisdiction} 法律，币种 {currency}。"
        "共 {instalments} 期，首期 {first_due_on} 到期，末期 {last_due_on} 到期。"
    ),
    P.TRIED_BEFORE: "贷款转入之前，贷款机构已就 {delinquent_since} 起的逾期试过这些阶段：{steps}。",
    P.NEXT_LOOK: "下次复核日期为 {review_on}。",
    P.NO_LOOK_ANY_MORE: "不再复核：贷款已于 {written_off_on} 核销。",
    P.NO_NEXT_LOOK: "在事实变化之前不再复核。",
    P.PAYMENT: "记录还款 {payment}：{amount} {currency}，还款日 {paid_on}。",
    P.LAID_AGAINST: "入账至：{allocations}。",
    P.ALLOCATION: "{due_on} 到期的 {component}（{amount}）",
    P.LEFT_OVER: "余额：{amount}。",
    P.REVERSED: "还款 {payment}（{amount} {currency}）已于 {reversed_on} 冲回。",
    P.PROMISE: "{actor} 记录承诺还款 {promise}：{amount} {currency}，于 {due_on} 前还清。",
    P.PROMISE_KEPT: "承诺 {promise} 已履行。",
    P.PROMISE_BROKEN: "承诺 {promise} 已违约：约定之日已过。",
    P.PROMISE_WITHDRAWN: "承诺 {promise} 已撤回，或已由新的承诺代替。",
    P.WRITTEN_OFF: "贷款机构已于 {written_off_on} 核销该贷款。",
    P.HOLD_RELEASED: "{starts_on} 起的暂停（{kind}）已解除：自 {ends_on} 起不再暂停。",
    P.CONTACTS_CHANGED: "借款人的联系方式已变更：{changed}。",
    P.PHONE_CHANGED: "电话号码",
    P.ADDRESS_CHANGED: "地址",
    P.ZONES_CHANGED: "时区",
    P.LOCALE_CHANGED: "语言",
    P.REPLIED: "借款人回复了短信（{kind}）。",
    P.REPLY_ASSIGNED: "借款人的短信已交由 {staff} 阅读。",
    P.REPLY_HANDLED: "借款人的短信已由 {actor} 处理。",
    P.TAPE_BROUGHT_IN: "数据文件 {file}（基准日 {as_of}）将贷款转入：{after}。",
    P.TAPE_CHANGED: "数据文件 {file}（基准日 {as_of}）金额有变：原为{before}，现为{after}。",
    P.TAPE_CHANGED_NOTHING_DUE: (
        "数据文件 {file}（基准日 {as_of}）更新了贷款或借款人的信息：{after}，与之前相同。"
    ),
    P.STANDING: "逾期 {days_past_due} 天，{past_due} {currency}",
    P.NOTHING_DUE: "无逾期",
    P.OPENED_LETTER: "{actor} 打开了 {item} 的信函，以便打印。",
    P.OPENED_NUMBER: "因 {item} 向 {actor} 显示了电话号码，以便拨打。",
    P.OPENED_ADDRESS: "因 {item} 向 {actor} 显示了地址，以便上门。",
    P.OPENED_REPLY: "向 {actor} 显示了借款人所写的内容，以便阅读和处理。",
    P.OPENED_EVERYTHING: "所持有的关于借款人的全部资料已交给 {actor}。",
    P.ERASED: "所持有的关于借款人的资料已由 {actor} 删除。",
    P.HOLD: "{actor} 设置了暂停（{kind}）：自 {starts_on} 起，至 {ends_on} 前一日止。",
    P.HOLD_UNTIL_RELEASED: "{actor} 设置了暂停（{kind}）：自 {starts_on} 起，直至解除。",
    P.OPTED_OUT: "借款人退订了{channel}；来源：{source}。",
    P.PROBLEM: "发现数据缺陷（{kind}）：{detail}。",
    P.PROBLEM_RESOLVED: "数据缺陷（{kind}）已消除。",
    P.PROBLEM_SETTLED: "数据缺陷（{kind}）已由 {resolved_by} 处理。",
    P.EVENT_WAITS: "收到事件（{kind} {event}），等待处理。",
    P.EVENT_REJECTED: "收到事件（{kind} {event}），未予受理。",
    P.EVENT_DROPPED: "收到事件（{kind} {event}），已由人员作罢。",
    P.PAST_DUE: (
        "复核：自 {delinquent_since} 起逾期，逾期 {days_past_due} 天，{past_due} {currency}。"
    ),
    P.ON_LADDER_DAY: "催收阶梯 {ladder}，阶梯日 {ladder_day}，{position}。",
    P.IN_STEP: "阶段 {step}",
    P.IN_NO_STEP: "处于静默期",
    P.BY_LADDER: "催收阶梯 {ladder}。",
    P.PACKS: "规则包：{packs}。",
    P.NO_PACKS: "没有已知的规则包。",
    P.OUTCOME_ACT: "有事项需要进行。",
    P.OUTCOME_WAIT: "今日无需再做什么。",
    P.OUTCOME_HELD: "不采取行动：阶梯因暂停（{hold}）而停。",
    P.OUTCOME_IN_GRACE: "不采取行动：阶梯的宽限日未过。",
    P.OUTCOME_BELOW_MINIMUM: "不采取行动：逾期金额低于阶梯的下限。",
    P.OUTCOME_NO_LADDER: "不采取行动：没有适用于该贷款的阶梯。",
    P.OUTCOME_NOT_PAST_DUE: "复核：没有逾期，不采取行动。",
    P.OUTCOME_WRITTEN_OFF: "不采取行动：贷款已核销。",
    P.WAITS_FOR: "到期事项须等待先试过这些阶段：{steps}。",
    P.CASE_OPENED: "催收案件已建立。",
    P.CASE_CLOSED: "催收案件已结案。",
    P.PLANNED: (
        "{item}（{action_type}，阶段 {step}"
        "）已由阶梯 {ladder} 计划，针对 {delinquent_since} 起的逾期。"
    ),
    P.PLANNED_FOR_APPROVAL: (
        "{item}（{action_type}，阶段 {step}）已由阶梯 {ladder} 计划，针对 {delinquent_since} "
        "起的逾期，等待审批。"
    ),
    P.PLANNED_TOO_LATE: (
        "阶梯 {ladder} 中的 {item}（{action_type}，阶段 {step}）已跳过：其日子已过。"
    ),
    P.APPROVED: "{item} 已由 {actor} 以 {role} 身份批准。",
    P.MOVED_PLANNED: "{item} 已计划，等待其时间。",
    P.MOVED_DEFERRED: "{item} 已顺延。",
    P.MOVED_FAILED: "{item} 未产生效果，将再试。",
    P.MOVED_UNKNOWN: "{item} 可能已产生效果，因此不再重复。",
    P.MOVED_DEAD: "{item} 已放弃；可由人员恢复。",
    P.MOVED_DROPPED: "{item} 已彻底作罢。",
    P.MOVED_SKIPPED: "{item} 已跳过。",
    P.MOVED_ASSIGNED: "{item} 已安排。",
    P.MOVED_DONE: "{item} 已完成。",
    P.MOVED_CANCELLED: "{item} 已取消。",
    P.MOVED_BARRED: "{item} 被永久禁止。",
    P.UNTIL: "不早于 {until}。",
    P.UNTIL_A_FACT_CHANGES: "须待事实变化。",
    P.WHY: "原因：{reason}。",
    P.CURED: "已无逾期",
    P.SUPERSEDED: "所针对的逾期已还清，由其他逾期取代",
    P.RULES: "规则：{rules}。",
    P.RULE: "{rule}（{citation}）",
    P.RULE_FOR_REVIEW: "{rule}（{citation}；可信度 {confidence}，待复核）",
    P.CONFIDENCES: (
        "可信度说明规则来源的查阅方式：V 为原文，S 为二手来源，G 为一般知识。"
        "待复核：尚无人对照原文核对。"
    ),
    P.RULE_OF_THE_LENDER: "{rule}（内部规则）",
    P.RULE_NOT_LOADED: "{rule}（已不再加载）",
    P.CONTACT: "闸门允许 {item} 此刻以{channel}联系借款人。",
    P.CONTACT_TO_COME: "闸门允许 {item} 于 {at} 以{channel}联系借款人。",
    P.LOCAL_TIME: "借款人当地时间为 {local}（{zone}）。",
    P.MESSAGE: (
        "{item} 的短信已按模板 {template} 版本 {version}（{locale}）写成，共 {segments} 段，"
        "交给 {provider}。"
    ),
    P.MESSAGE_NOT_SENT: "交给 {provider} 的 {item} 短信确定未发出。",
    P.MESSAGE_REFUSED: "{provider} 拒绝了 {item} 的短信。",
    P.MESSAGE_PARKED: "无法判断交给 {provider} 的 {item} 短信是否已发出：留待人工核实。",
    P.CODE: "服务商代码为 {code}。",
    P.RECEIPT: "服务商报告 {item} 的短信状态为 {status}。",
    P.CALL: "{item} 已分派给 {staff}，使用语言 {language}。",
    P.CALL_CALLED_OFF: "分派给 {staff} 的电话 {item} 已取消。",
    P.OUTCOME: "{actor} 报告 {item} 的{channel}结果：{outcome}。",
    P.ARREARS_REASON: "借款人所说的逾期原因：{reason}。",
    P.MUST_LEARN: "须了解：{topics}。",
    P.MAY_OFFER: "可以提供：{offers}。",
    P.VISIT: "{item} 已安排在 {starts_at} 至 {ends_at}，由 {staff} 前往。",
    P.VISIT_CALLED_OFF: "由 {staff} 前往的 {starts_at} 上门 {item} 已取消。",
    P.DOCUMENT: "{item} 的文件（{kind}）已按模板 {template} 版本 {version}（{locale}）写成。",
    P.LEGAL_FILE: (
        "{item} 的诉讼卷宗已建立：本金 {principal}，利息 {interest}，费用 {fees} {currency}。"
    ),
    P.LIMITATION: "可在 {limitation_on} 前提出请求。",
    P.MET: "已在卷：{needs}。",
    P.MISSING: "尚缺：{needs}。",
}

WORDS: dict[str, str] = {
    **{action_type: action_type.words["zh"] for action_type in ACTION_TYPES.values()},
    Channel.SMS: "短信",
    Channel.CALL: "电话",
    Channel.VISIT: "上门",
    Channel.LEGAL: "法律途径",
    HoldKind.ARRANGEMENT: "还款安排",
    HoldKind.DEFERRAL: "延期还款",
    HoldKind.PROMISE: "承诺还款",
    HoldKind.DISPUTE: "异议",
    HoldKind.VULNERABILITY: "困难客户保护",
    HoldKind.MORATORIUM: "法定暂缓",
    HoldKind.BREATHING_SPACE: "喘息期",
    HoldKind.MENTAL_HEALTH_CRISIS: "心理危机暂缓",
    HoldKind.INSOLVENCY: "破产",
    HoldKind.DECEASED: "身故",
    HoldKind.LEGAL_STAY: "司法中止",
    HoldKind.MANUAL: "人工暂停",
    ReplyKind.STOP: "退订",
    ReplyKind.START: "恢复接收",
    ReplyKind.HELP: "求助",
    ContactOutcome.SPOKE: "已与本人通话",
    ContactOutcome.SPOKE_WITH_OTHER: "与他人通话",
    ContactOutcome.REFUSED: "本人拒绝交谈",
    ContactOutcome.VOICEMAIL: "语音信箱",
    ContactOutcome.NO_ANSWER: "无人应答",
    ContactOutcome.BUSY: "占线",
    ContactOutcome.NUMBER_INVALID: "号码无效",
    ArrearsReason.FORGOT: "忘记还款",
    ArrearsReason.PAYMENT_FAILED: "扣款失败",
    ArrearsReason.INCOME_FELL: "收入减少",
    ArrearsReason.UNEMPLOYED: "失业",
    ArrearsReason.ILLNESS: "疾病",
    ArrearsReason.FAMILY: "家庭变故",
    ArrearsReason.OTHER_DEBTS: "其他债务",
    ArrearsReason.DISPUTES_IT: "对债务有异议",
    ArrearsReason.WILL_NOT_PAY: "不愿偿还",
    ArrearsReason.OTHER: "其他",
}

KEPT = {
    "Nothing is past due any more.": "已无逾期。",
    "Less is past due than the ladder acts on.": "逾期金额低于阶梯的下限。",
    "No rule pack is known for the jurisdiction.": "该司法辖区没有已知的规则包。",
    "The borrower asked not to be contacted any more.": "借款人要求不再联系。",
    "The borrower opted out of {channel}.": "借款人已退订 {channel}。",
    "The borrower's time zone is not known.": "借款人的时区未知。",
    "There is no usable number or address for {channel}.": "没有可用于 {channel} 的号码或地址。",
    "A hold ({kind}) is in force until it is released.": "暂停（{kind}）生效中，直至解除。",
    "A hold ({kind}) is in force.": "暂停（{kind}）生效中。",
    "No moment is lawful in all of the borrower's time zones.": (
        "没有在借款人所有时区都合法的时刻。"
    ),
    "No contact hours are known for {channel}.": "没有 {channel} 的已知可联系时段。",
    "No rule is known about contact with third parties.": "没有关于联系第三方的已知规则。",
    "Something has come in about it and is not applied yet.": "收到的相关事件尚未处理。",
    "Outside the contact hours of {source}.": "不在{source}规定的可联系时段内。",
    "As many as {source} allows within {within} have been made.": (
        "{within} 内已达到{source}允许的次数。"
    ),
    "Sooner after its notice than {source} allows.": "距通知的时间短于{source}的规定。",
    "The message lacks what {source} asks for: {what}.": "短信缺少{source}要求的内容：{what}。",
    "The message says what {source} forbids: {what}.": "短信含有{source}禁止的内容：{what}。",
    "{source} asks for {staff} people on a visit.": "{source}要求由 {staff} 人上门。",
    "{source} asks for a notice before a visit.": "{source}要求上门前通知。",
    "{source} forbids contact with third parties.": "{source}禁止联系第三方。",
    "The day from which the time to sue runs is not known.": "诉讼时效的起算日未知。",
    "The time to sue has run out: {source}.": "诉讼时效已届满：{source}。",
    "There are no callers on the roster.": "排班中没有催收员。",
    "No caller on the roster speaks {language}.": "排班中没有会说 {language} 的催收员。",
    "No caller who speaks {language} was trained within the last year.": (
        "会说 {language} 的催收员在过去一年内均未受训。"
    ),
    "Every caller on shift who speaks {language} has a full day.": (
        "在班的会说 {language} 的催收员当日任务已满。"
    ),
    "No caller who speaks {language} is on shift.": "没有会说 {language} 的催收员在班。",
    "No two visitors who could go together are free within {days} days.": (
        "{days} 天内没有两名可同行的外访员空闲。"
    ),
    "No visitor who goes there speaks {language}.": "前往该地的外访员中无人会说 {language}。",
    "Roster one who does.": "请安排一名会说的。",
    "No legal checklist is known for {jurisdiction}.": "{jurisdiction} 没有已知的诉讼清单。",
    "approved by a {role}": "已由 {role} 批准",
    "refused by {by}, a {role}: {why}": "被 {by}（{role}）拒绝：{why}",
    "waits for approval by a {role}": "等待 {role} 审批",
    "called off by {by}: {why}": "由 {by} 取消：{why}",
    "resumed by {by}": "由 {by} 恢复",
    "dropped by {by}: {why}": "由 {by} 作罢：{why}",
    "dropped by {by}": "由 {by} 作罢",
    "it was made: {outcome}": "已进行：{outcome}",
    "a collector has the call": "已交由催收员",
    "two visitors have the visit": "已交由两名外访员",
    "a legal file is open": "诉讼卷宗已建立",
    "the provider has it": "服务商已受理",
    "the provider has it on its list of what it sent": "服务商的已发清单中有它",
    "a receipt proves that it was sent": "回执证明已发出",
    "its text certainly was not sent": "短信确定未发出",
    "its text certainly was not sent, once more": "短信再次确定未发出",
    "its text was sent, says {by}": "{by} 确认短信已发出",
    "its text was not sent, says {by}": "{by} 确认短信未发出",
    "its days had passed": "其日子已过",
    "hold": "暂停",
    "policy": "政策变更",
    "The provider could not send it (code {code}).": "服务商未能发出（代码 {code}）。",
    "The number is not in use.": "该号码未启用。",
}
"""Reasons are kept in English, as they were given at the time. Those of the house have words here;
what a provider or a person said stays as it was said."""

CHINESE = Language(
    PHRASES,
    WORDS,
    between_sentences="",
    between_listed="、",
    full_stop="。",
    kept=kept_sentences(KEPT),
)
