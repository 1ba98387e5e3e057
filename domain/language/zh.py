"""Chinese: the templates of phrases and reasons, and the words for values."""

from __future__ import annotations

from domain.actions import ACTION_TYPES
from domain.collectors import Role
from domain.compliance.vocabulary import Channel, Says
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.holds import HoldKind
from domain.inbound_texts import ReplyKind
from domain.language.phrases import Phrase
from domain.language.render import Language
from domain.loans import Component
from domain.promises import PromiseStatus
from domain.reasons import ReasonCode

P, R = Phrase, ReasonCode

TEMPLATES: dict[Phrase | ReasonCode, str] = {
    # The loan, and what came in about it.
    P.LOAN: (
        "贷款{loan}：{product}，适用{jurisdiction}法律，币种为{loan_currency}，"
        "共{instalments}期，首期到期日{first_due_on}，末期到期日{last_due_on}。"
    ),
    P.LUMP_SUM_LOAN: (
        "贷款{loan}：{product}，适用{jurisdiction}法律，币种为{loan_currency}，"
        "一次性还款，到期日{due_on}。"
    ),
    P.TRIED_BEFORE: (
        "贷款转入前，贷款机构已对自{delinquent_since}起的逾期采取过以下阶段的措施：{steps}。"
    ),
    P.NEXT_REVIEW: "下一复核日：{review_on}。",
    P.NO_REVIEW_AFTER_WRITE_OFF: "不再复核：贷款已于{written_off_on}核销。",
    P.NO_NEXT_REVIEW: "情况未变化前不再复核。",
    P.PAYMENT: "收到还款{payment}：{amount}{currency}，还款日{paid_on}。",
    P.ALLOCATED: "入账至：{allocations}。",
    P.ALLOCATION: "{due_on}到期的{component}{amount}",
    P.LEFT_OVER: "未入账余额：{amount}。",
    P.REVERSED: "还款{payment}（{amount}{currency}）已于{reversed_on}冲正。",
    P.PROMISE: "{actor}记录承诺{promise}：承诺于{due_on}（含当日）前还款{amount}{currency}。",
    P.PROMISE_KEPT: "承诺{promise}已履行。",
    P.PROMISE_BROKEN: "承诺{promise}到期未履行。",
    P.PROMISE_WITHDRAWN: "承诺{promise}已撤回，或已由新的承诺取代。",
    P.LOAN_WRITTEN_OFF: "贷款机构已于{written_off_on}核销该贷款。",
    P.HOLD_RELEASED: "自{starts_on}起的暂停催收（{hold}）已解除，自{ends_on}起恢复催收。",
    P.CONTACTS_CHANGED: "借款人联系信息已变更：{changed}。",
    P.REPLIED: "借款人回复了短信（{reply}）。",
    P.REPLY_ASSIGNED: "借款人的短信已分派给{staff}查阅。",
    P.REPLY_HANDLED: "借款人的短信已由{actor}处理。",
    P.TAPE_BROUGHT_IN: "数据文件{file}（数据基准日{as_of}）转入该贷款：{after}。",
    P.TAPE_CHANGED: "数据文件{file}（数据基准日{as_of}）更新了金额：原为{before}，现为{after}。",
    P.TAPE_CHANGED_NOTHING_DUE: (
        "数据文件{file}（数据基准日{as_of}）更新了贷款或借款人信息：{after}，与此前一致。"
    ),
    P.STANDING: "逾期{days_past_due}天，逾期金额{past_due}{currency}",
    P.NOTHING_DUE: "无逾期",
    P.OPENED_LETTER: "{actor}为打印查看了“{item}”的信函。",
    P.OPENED_NUMBER: "{actor}为拨打电话查看了“{item}”的号码。",
    P.OPENED_ADDRESS: "{actor}为上门查看了“{item}”的地址。",
    P.OPENED_REPLY: "{actor}为处理回复查看了借款人所发短信的内容。",
    P.OPENED_EVERYTHING: "已将所持有的该借款人的全部个人信息提供给{actor}。",
    P.ERASED: "所持有的该借款人的个人信息已由{actor}删除。",
    P.HOLD: "{actor}设置暂停催收（{hold}）：自{starts_on}起，至{ends_on}（不含当日）止。",
    P.HOLD_UNTIL_RELEASED: "{actor}设置暂停催收（{hold}）：自{starts_on}起，直至解除。",
    P.OPTED_OUT: "借款人拒绝接受{channel}联系（来源：{source}）。",
    P.PROBLEM: "发现问题（{problem}）：{detail}",
    P.PROBLEM_RESOLVED: "问题（{problem}）已解决。",
    P.PROBLEM_RESOLVED_BY: "问题（{problem}）已由{resolved_by}处理。",
    P.EVENT_WAITS: "收到事件（{event_kind}，{event_id}），等待处理。",
    P.EVENT_REJECTED: "收到事件（{event_kind}，{event_id}），未予受理。",
    P.EVENT_DISCARDED: "收到事件（{event_kind}，{event_id}），已由人工作废。",
    # A review of the loan.
    P.PAST_DUE: (
        "复核：自{delinquent_since}起逾期，已逾期{days_past_due}天，逾期金额{past_due}{currency}。"
    ),
    P.ON_LADDER_DAY: (
        "催收策略“{ladder}”（版本{ladder_version}），策略天数{ladder_day}，{position}。"
    ),
    P.IN_STEP: "处于“{step}”阶段",
    P.IN_NO_STEP: "处于阶段之间的静默期",
    P.BY_LADDER: "催收策略“{ladder}”（版本{ladder_version}）。",
    P.PACKS: "规则包：{packs}。",
    P.NO_PACKS: "未配置规则包。",
    P.OUTCOME_ACT: "需采取催收措施。",
    P.OUTCOME_WAIT: "今日无需采取其他催收措施。",
    P.OUTCOME_HELD: "不采取催收措施：暂停催收（{hold}）生效中。",
    P.OUTCOME_IN_GRACE: "不采取催收措施：仍在催收策略的宽限日内。",
    P.OUTCOME_BELOW_MINIMUM: "不采取催收措施：逾期金额低于催收策略的起催金额。",
    P.OUTCOME_NO_LADDER: "不采取催收措施：没有适用于该贷款的催收策略。",
    P.OUTCOME_NOT_PAST_DUE: "复核：无逾期，不采取催收措施。",
    P.OUTCOME_WRITTEN_OFF: "不采取催收措施：贷款已核销。",
    P.WAITS_FOR: "到期的措施须待以下阶段执行后方可进行：{steps}。",
    P.CASE_OPENED: "催收案件已建立。",
    P.CASE_CLOSED: "催收案件已结案。",
    # An action, and its moves.
    P.PLANNED: (
        "催收策略“{ladder}”（版本{ladder_version}）的“{step}”阶段已计划“{item}”（{action_type}），"
        "针对自{delinquent_since}起的逾期。"
    ),
    P.PLANNED_FOR_APPROVAL: (
        "催收策略“{ladder}”（版本{ladder_version}）的“{step}”阶段已计划“{item}”（{action_type}），"
        "针对自{delinquent_since}起的逾期，等待审批。"
    ),
    P.PLANNED_TOO_LATE: (
        "催收策略“{ladder}”（版本{ladder_version}）的“{step}”阶段跳过“{item}”（{action_type}）："
        "已过执行时间。"
    ),
    P.APPROVED: "“{item}”已由{actor}以{role}身份批准。",
    P.MOVED_PLANNED: "“{item}”已计划，等待执行时间。",
    P.MOVED_DEFERRED: "“{item}”已顺延。",
    P.MOVED_FAILED: "“{item}”执行失败，将重试。",
    P.MOVED_UNKNOWN: "“{item}”可能已执行，因此不再重复。",
    P.MOVED_DEAD: "“{item}”已终止，可由人工重新执行。",
    P.MOVED_DISCARDED: "“{item}”已人工作废。",
    P.MOVED_SKIPPED: "“{item}”已跳过。",
    P.MOVED_ASSIGNED: "“{item}”已分派。",
    P.MOVED_DONE: "“{item}”已完成。",
    P.MOVED_CANCELLED: "“{item}”已取消。",
    P.MOVED_BARRED: "“{item}”禁止执行。",
    P.UNTIL: "最早于{until}执行。",
    P.UNTIL_A_FACT_CHANGES: "情况未变化前不执行。",
    P.WHY: "原因：{reason}",
    P.RULES: "依据规则：{rules}。",
    P.RULE: "{rule}（{citation}）",
    P.RULE_FOR_REVIEW: "{rule}（{citation}；可信度{confidence}，待复核）",
    P.CONFIDENCES: (
        "可信度表示规则出处的查证程度：V为已查阅原文，S为二手来源，G为一般认知。"
        "待复核：尚未对照原文核对。"
    ),
    P.RULE_OF_THE_LENDER: "{rule}（机构内部规则）",
    P.RULE_NOT_LOADED: "{rule}（已停用）",
    # What was done.
    P.CONTACT: "合规校验通过：“{item}”此刻可通过{channel}联系借款人。",
    P.CONTACT_TO_COME: "合规校验通过：“{item}”可于{at}通过{channel}联系借款人。",
    P.LOCAL_TIME: "借款人当地时间为{local}（{zone}时间）。",
    P.MESSAGE: (
        "“{item}”的短信已按模板{template}（版本{version}，{language}）生成，"
        "共{segments}条，已提交{provider}。"
    ),
    P.MESSAGE_NOT_SENT: "提交{provider}的“{item}”短信确定未发出。",
    P.MESSAGE_REFUSED: "{provider}拒绝了“{item}”的短信。",
    P.MESSAGE_PARKED: "无法确认提交{provider}的“{item}”短信是否已发出，转人工核实。",
    P.CODE: "服务商返回码：{provider_code}。",
    P.RECEIPT: "服务商回执：“{item}”的短信{receipt}。",
    P.CALL: "“{item}”已分派给{staff}，通话语言为{language}。",
    P.CALL_CALLED_OFF: "分派给{staff}的电话“{item}”已取消。",
    P.OUTCOME: "{actor}反馈“{item}”的{channel}结果：{outcome}。",
    P.ARREARS_REASON: "借款人自述逾期原因：{arrears_reason}。",
    P.MUST_LEARN: "须了解：{topics}。",
    P.MAY_OFFER: "可提供：{offers}。",
    P.VISIT: "“{item}”已安排于{starts_at}至{ends_at}，由{staff}上门。",
    P.VISIT_CALLED_OFF: "原定{starts_at}由{staff}上门的“{item}”已取消。",
    P.DOCUMENT: "“{item}”的{document}已按模板{template}（版本{version}，{language}）生成。",
    P.LEGAL_FILE: (
        "已为“{item}”准备诉讼材料：本金{principal}，利息{interest}，费用{fees}，"
        "币种为{loan_currency}。"
    ),
    P.LIMITATION: "诉讼时效于{limitation_on}届满。",
    P.MET: "已具备：{needs}。",
    P.MISSING: "尚缺：{needs}。",
    P.TIMES: "以上均为{zone}时间。",
    # Reasons: the contact gate, and its rules.
    R.CURED: "已无逾期。",
    R.BELOW_MINIMUM: "逾期金额低于催收策略的起催金额。",
    R.NO_RULE_PACK: "未配置适用于该司法辖区的规则包。",
    R.CONTACT_CEASED: "借款人要求停止一切联系。",
    R.OPTED_OUT_OF: "借款人拒绝接受{channel}联系。",
    R.NO_ZONE: "借款人所在时区未知。",
    R.NO_ADDRESS: "没有可用于{channel}联系的号码或地址。",
    R.ON_HOLD: "暂停催收（{hold}）生效中。",
    R.ON_HOLD_UNTIL_RELEASED: "暂停催收（{hold}）生效中，直至解除。",
    R.NO_COMMON_MOMENT: "没有同时符合借款人所有时区规定的联系时间。",
    R.NO_CONTACT_HOURS: "未配置{channel}联系的可联系时段。",
    R.NO_THIRD_PARTY_RULE: "未配置联系第三方联系人的规则。",
    R.NO_RULE_FORBIDS: "未违反任何规则。",
    R.AGAINST_RULE: "违反{citation}。",
    R.OUTSIDE_HOURS: "不在{citation}规定的可联系时段内。",
    R.NO_HOURS_AHEAD: "未来{days}天内没有{citation}规定的可联系时段。",
    R.CAP_REACHED: "{window}内的触达次数已达{citation}规定的频次上限。",
    R.CAP_REACHED_IN_DAYS: "连续{days}天内的触达次数已达{citation}规定的频次上限。",
    R.CAP_NEVER_FREE: "按{citation}规定的频次上限，无法再触达。",
    R.LIMITATION_UNKNOWN: "诉讼时效起算日未知。",
    R.LIMITATION_OVER: "诉讼时效已届满（{citation}）。",
    R.MESSAGE_LACKS: "短信缺少{citation}要求的内容：{says}。",
    R.MESSAGE_SAYS: "短信含有{citation}禁止的内容：{says}。",
    R.THIRD_PARTY_FORBIDDEN: "{citation}禁止联系第三方联系人。",
    R.THIRD_PARTY_IF_UNREACHABLE: (
        "{citation}仅允许在无法联系到借款人时联系第三方联系人：号码无效，或连续{failures}次呼叫未接通。"
    ),
    R.VALIDATION_NOTICE_MISSING: "未见{citation}要求在首次联系后{days}天内发出的书面债务通知。",
    R.VISIT_STAFF: "{citation}要求上门人员不少于{staff}人。",
    R.VISIT_NOTICE_MISSING: "{citation}要求上门前事先通知。",
    R.VISIT_NOTICE_TOO_SHORT: "通知与上门的间隔短于{citation}的规定。",
    # Reasons: the moves of an action.
    R.SUPERSEDED: "原逾期款项已还清，现为其他款项逾期。",
    R.WRITTEN_OFF: "贷款已核销。",
    R.REMOVED_BY_POLICY: "催收策略已调整，不再要求执行。",
    R.PAUSED: "暂停催收生效中。",
    R.DAYS_PASSED: "已过执行时间。",
    R.EVENT_PENDING: "收到相关事件，尚未处理。",
    R.NOT_TO_BE_MADE: "无需再执行。",
    R.AWAITS_APPROVAL: "等待{role}审批。",
    R.APPROVED_AS: "已由{role}批准。",
    R.APPROVAL_REFUSED: "{actor}（{role}）驳回：“{why}”。",
    R.NOT_APPROVED: "{role}尚未批准。",
    R.STEPS_NOT_TRIED: "以下阶段尚未执行：{steps}。",
    R.NO_CHECKLIST: "未配置适用于{jurisdiction}的诉讼材料清单。",
    R.CALLED_OFF: "{actor}取消：“{why}”。",
    R.RETRIED: "{actor}重新执行。",
    R.DISCARDED: "{actor}作废。",
    R.EVENT_DISCARDED_BY: "{actor}作废：“{why}”。",
    R.ATTEMPT_MADE: "已执行：{outcome}。",
    R.COLLECTOR_HAS_CALL: "已分派给催收员。",
    R.VISITORS_HAVE_VISIT: "已分派给两名外访员。",
    R.LEGAL_FILE_OPEN: "诉讼材料已备。",
    R.FAILED: "无法执行（{error}），详见工作进程的日志。",
    R.FAILED_SAYING: "无法执行：“{message}”",
    R.REVIEW_FAILED: "无法作出决策（{error}），详见工作进程的日志。",
    # Reasons: nobody is free for a call or a visit.
    R.NO_CALLERS: "人员名册中没有电话催收员。",
    R.NO_CALLER_SPEAKS: "人员名册中没有使用{language}的电话催收员。",
    R.NO_CALLER_TRAINED: "使用{language}的电话催收员近一年内均未参加培训。",
    R.CALLERS_FULL: "当班且使用{language}的电话催收员当日任务已满。",
    R.NO_CALLER_ON_SHIFT: "没有使用{language}的电话催收员当班。",
    R.NO_TWO_VISITORS: "{days}天内没有两名可同行且空闲的外访员。",
    R.NO_VISITOR_SPEAKS: "负责该地区的外访员均不使用{language}，请在人员名册中增加。",
    # Reasons: a text, and its provider.
    R.PROVIDER_HAS_IT: "服务商已受理。",
    R.PROVIDER_LISTS_IT: "服务商的发送记录中有该短信。",
    R.PROVIDER_REFUSED: "服务商拒绝发送（返回码{provider_code}）。",
    R.PROVIDER_REFUSED_WITH_CODE: "{provider}拒绝发送，返回码{provider_code}，参见{see}。",
    R.PROVIDER_FAILED: "服务商发送失败（返回码{provider_code}）。",
    R.EVERY_PROVIDER_REFUSED: "该号码可用的服务商均已拒绝发送。",
    R.ANOTHER_PROVIDER: "改由其他服务商发送。",
    R.RECEIPT_PROVES_SENT: "回执证明短信已发出。",
    R.RECEIPT_PROVES_SENT_AFTER_ALL: "回执证明短信实际已发出。",
    R.TEXT_NOT_SENT: "短信确定未发出。",
    R.TEXT_NOT_SENT_AGAIN: "短信再次确定未发出。",
    R.SAID_SENT: "{actor}确认短信已发出。",
    R.SAID_NOT_SENT: "{actor}确认短信未发出。",
    R.SENDER_STOPPED: "发送进程在记录服务商应答前中断。",
    R.MAY_BE_SENT: "短信是否已发出尚不确定。",
    R.NO_CONNECTION: "无法连接{provider}。",
    R.NO_ANSWER_IN_TIME: "{provider}应答超时。",
    R.CONNECTION_BROKE: "与{provider}的连接在收到应答前中断。",
    R.ANSWER_UNREADABLE: "无法解析{provider}的应答（{error}）。",
    R.ANSWER_WITHOUT_ID: "{provider}的应答中没有短信编号。",
    R.ANSWERED_STATUS: "{provider}返回HTTP状态码{status}。",
    R.ANSWERED_ERROR: "{provider}返回内部错误。",
    R.TOO_MANY_REQUESTS: "{provider}要求降低请求频率。",
    R.TEXTS_LIMITED: "{provider}要求降低发送频率，或减少向该号码的发送次数。",
    R.QUEUE_FULL: "该发送方在{provider}积压的短信过多。",
    R.BAD_CREDENTIALS: "{provider}不接受账户凭证，请在设置中更正。",
    R.BAD_CREDENTIALS_OR_CLOCK: "{provider}不接受账户凭证，或本机时钟有误，请更正。",
    R.NUMBER_INVALID: "号码不是有效的电话号码。",
    R.NUMBER_CANNOT_RECEIVE: "该号码无法接收短信。",
    R.NUMBER_UNREACHABLE_FROM_SENDER: "发送方无法向该号码发送短信，请检查设置中的发送方。",
    R.REGION_NOT_PERMITTED: "账户无权向该号码所在地区发送短信。",
    R.SENDER_INVALID: "发送方不是有效的电话号码，请在设置中更正。",
    R.SENDER_NOT_OURS: "发送方不是账户名下的号码，请在设置中更正。",
    R.SENDER_NOT_REGISTERED: "发送方未在运营商登记，请登记或更换。",
    R.OPTED_OUT_OF_SENDER: "借款人已退订该发送方的短信。",
    R.TEXTS_REFUSED_BY_BORROWER: "借款人或其运营商拒收短信。",
    R.DAILY_LIMIT_USED: "账户当日可发送的短信已用完。",
    R.TEMPLATE_NOT_REGISTERED: "短信{template}（{language}）未在{provider}登记。",
    R.TEMPLATE_VALUES_MISSING: "短信{template}在{provider}登记的变量{missing}在本系统中不存在。",
    # Reasons: what came of an event from outside.
    R.LOAN_NOT_KNOWN: "贷款{loan}不存在，请先导入；{event}已保留。",
    R.BORROWER_NOT_KNOWN: "借款人{borrower}不存在；{event}已保留。",
    R.BORROWER_WAS_ERASED: "借款人{borrower}的个人信息已删除。",
    R.NO_NEW_CONTACTS_AFTER_ERASURE: (
        "借款人{borrower}的个人信息已于{on}删除；新的联系信息须随新贷款提供。"
    ),
    R.EVENT_TOO_LATE: "处理前，该借款人的个人信息已被删除。",
    R.DATE_IN_FUTURE: "{on}尚未到来；请在贷款{loan}的该事项发生后再报送。",
    R.WRONG_CURRENCY: (
        "金额币种为{given_currency}，而贷款{loan}的币种为{loan_currency}；请换算后以新的编号记录。"
    ),
    R.AMOUNT_NOT_PAYABLE: "{amount}不是可支付的金额：须大于零、小于一千亿，且最多两位小数。",
    R.PAYMENT_CURED: "已无逾期，已计划的催收措施均已取消。",
    R.STILL_PAST_DUE: "自{delinquent_since}起仍逾期{amount}{currency}，已逾期{days_past_due}天。",
    R.LEFT_OVER_OF_PAYMENT: "其中{amount}{currency}未入账：已无应还款项。",
    R.PAYMENT_IN_TAPE: (
        "还款{payment}已包含在{on}的数据文件中（入账日早于该日），仅作记录，不再入账。"
    ),
    R.PAYMENT_KNOWN: "还款{payment}已有记录，无变化。",
    R.PAYMENT_ID_TAKEN: (
        "还款{payment}已记录在贷款{loan}名下，金额{amount}{currency}；其他还款请使用各自的编号。"
    ),
    R.PAYMENT_IN_FUTURE: "还款{payment}的日期{on}尚未到来；请在入账后报送，或更正日期。",
    R.PAYMENT_NOT_KNOWN: "还款{payment}不存在，请先记录；冲正已保留。",
    R.REVERSAL_KNOWN: "还款{payment}已于{on}冲正，无变化。",
    R.REVERSAL_BEFORE_PAYMENT: "还款{payment}的还款日为{paid_on}，不可能于{on}冲正，请更正日期。",
    R.REVERSAL_IN_TAPE: "还款{payment}已包含在{on}的数据文件中；冲正已记录，以下一份数据文件为准。",
    R.WRITE_OFF_KNOWN: "贷款{loan}已于{on}核销，无变化。",
    R.WRITE_OFF_IN_FUTURE: "{on}尚未到来；请在贷款{loan}核销后再报送。",
    R.WRITE_OFF_RECORDED: "贷款{loan}已核销，不再催收。",
    R.PROMISE_KNOWN: "承诺{promise}已有记录，无变化。",
    R.PROMISE_FOR_WRITTEN_OFF: "贷款{loan}已于{on}核销，不再催收，承诺无可暂停的催收。",
    R.PROMISE_IN_PAST: "承诺{promise}的日期{on}已过，请约定今后的日期。",
    R.PROMISE_NOT_KNOWN: "承诺{promise}不存在；撤销已保留。",
    R.PROMISE_OVER: "承诺{promise}{promise_status}，无变化。",
    R.PROMISE_TAKEN_BACK: "承诺{promise}已撤销，催收策略从原处继续。",
    R.LADDER_PAUSES_UNTIL: "贷款{loan}暂停催收，至{ends_on}（不含当日）止。",
    R.LADDER_PAUSES: "贷款{loan}自{starts_on}起暂停催收，至{ends_on}（不含当日）止。",
    R.LADDER_PAUSES_UNTIL_RELEASED: "贷款{loan}自{starts_on}起暂停催收，直至解除。",
    R.HOLD_KIND_UNKNOWN: "“{given}”不是可设置的暂停催收类型，可选：{known}。",
    R.HOLD_DATES_REVERSED: "暂停催收{hold_id}的结束日{ends_on}早于开始日{starts_on}，请更正日期。",
    R.HOLD_KNOWN: "暂停催收{hold_id}已有记录，无变化。",
    R.HOLD_NOT_KNOWN: "暂停催收{hold_id}不存在；解除已保留。",
    R.HOLD_OVER_BY_THEN: "暂停催收{hold_id}届时已结束，无变化。",
    R.HOLD_ENDS: "暂停催收{hold_id}自{ends_on}起解除，催收策略从原处继续。",
    R.CONTACTS_UP_TO_DATE: "借款人{borrower}的联系信息已更新。",
    R.ZONES_NOT_KNOWN: "{zones}不是时区，请写作Asia/Shanghai。",
    R.LOCALE_UNREADABLE: "“{locale}”不是语言代码，请写作zh-Hans或en。",
    R.LOCALE_WITHOUT_TEMPLATES: "没有{locale}的模板，现有：{known}。",
    R.NUMBER_NOT_IN_USE: "该号码不是在用的电话号码，请另行索取。",
    R.NOBODY_CONTACTS: "今后不再联系借款人{borrower}。",
    R.NOT_REACHED_BY: "今后不再通过{channel}联系借款人{borrower}。",
    R.RECEIPT_OF_UNKNOWN_TEXT: "回执所对应的短信在本系统中没有记录。",
    R.RECEIPT_RECORDED: "短信{text}：{receipt}。",
    R.RECEIPT_OF_UNSENT_TEXT: "短信{text}：{receipt}，但此前认定为未发出。",
    R.ATTEMPT_NOT_KNOWN: "联系{attempt}不存在；其结果已保留。",
    R.OUTCOME_DIFFERS: "联系{attempt}的结果已记录为“{outcome}”，记录不予更改。",
    R.OUTCOME_KNOWN: "联系{attempt}的结果已有记录，无变化。",
    R.OUTCOME_RECORDED: "贷款{loan}的{channel}结果：{outcome}。",
    R.OUTCOME_RECORDED_TRY_AGAIN: "贷款{loan}的{channel}结果：{outcome}，可再次尝试。",
    R.VISIT_NOT_STARTED: "上门{attempt}尚未开始，不可能有结果；请取消上门以释放外访员。",
    R.ARREARS_REASON_MISSING: "该通话须了解逾期原因；请填写原因：{known}。",
    R.VALIDATION_NOTICE_RECORDED: "贷款{loan}的债务通知已于{on}发出。",
    R.DEBT_ACKNOWLEDGED: "借款人已于{on}承认贷款{loan}的债务。",
    # Reasons: defects of a loan's data.
    R.NO_LADDER_FOR: (
        "没有适用于{jurisdiction}、{product}、{currency}的有效催收策略，未对该贷款采取措施；"
        "请增加催收策略，或更正数据文件。"
    ),
    R.TAPE_SHOWS_LESS: (
        "{on}的数据文件所示已还金额比记录少{amount}{currency}，以记录为准。"
        "如数据文件早于该日期，请导入较新的；如款项已退回，请记录还款冲正。"
    ),
    R.CURRENCY_CHANGED: "数据文件中该贷款的币种不同，未作更新；请向贷款机构核实。",
    R.PHONE_MISSING: "数据文件中没有电话号码，请向贷款机构索取。",
    R.PHONE_NOT_IN_USE: "{phone}不是在用的电话号码，请向贷款机构另行索取。",
    R.ZONE_MISSING: "借款人地址所在时区未知，不得联系；请向贷款机构索取所在地区。",
    R.SENT_AFTER_ALL: "“{item}”的短信实际已发出，但此前认定为未发出；借款人可能收到两次。",
    R.TEXTED_TWICE: "服务商的发送记录比要求发送的多一条。",
    # Reasons: the lender's systems, as receivers of events.
    R.RECEIVER_TOOK_IT: "接收方已收到。",
    R.RECEIVER_GONE: "接收方不再接收此类事件（410）。",
    R.RECEIVER_ANSWERED: "接收方返回{status}。",
    R.RECEIVER_SILENT: "接收方应答超时。",
    R.RECEIVER_UNREACHABLE: "无法连接接收方（{error}）。",
    # What meets a need of a court.
    R.TEXT_DELIVERED_ON: "短信{sid}，{on}送达。",
    R.ATTEMPT_ON_RECORD: "{on}的联系{attempt}：{outcome}。",
    R.CLAIM_IN_PARTS: (
        "本金{principal}，利息{interest}，费用{fees}，币种为{loan_currency}，共{instalments}期。"
    ),
    R.LIMITATION_DATE: "诉讼时效于{limitation_on}届满。",
}

_CHANNELS: dict[str, str] = {
    Channel.SMS: "短信",
    Channel.CALL: "电话",
    Channel.VISIT: "上门",
    Channel.LEGAL: "法律途径",
}
_EVENTS = {
    "acknowledgement": "债务确认",
    "contact_change": "联系信息变更",
    "contact_outcome": "联系结果",
    "dispute": "异议",
    "hold": "暂停催收",
    "opt_out": "拒绝联系",
    "payment": "还款",
    "promise": "承诺还款",
    "promise_withdrawal": "撤销承诺",
    "receipt": "短信回执",
    "release": "解除暂停",
    "reversal": "冲正",
    "validation_notice": "债务通知",
    "write_off": "核销",
}
_CURRENCIES = {"CNY": "人民币", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "HKD": "港元"}

WORDS: dict[str, dict[str, str]] = {
    "action_type": {each: each.words["zh"] for each in ACTION_TYPES.values()},
    "arrears_reason": {
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
    },
    "changed": {
        "phone_encrypted": "电话号码",
        "address_encrypted": "地址",
        "zones": "时区",
        "locale": "语言",
    },
    "channel": _CHANNELS,
    "component": {
        Component.PRINCIPAL: "本金",
        Component.INTEREST: "利息",
        Component.FEES: "费用",
    },
    "currency": _CURRENCIES | {"CNY": "元"},
    "document": {"written_notice": "书面通知"},
    "event": _EVENTS,
    "event_kind": _EVENTS,
    "given_currency": _CURRENCIES,
    "hold": {
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
    },
    "jurisdiction": {"CN": "中国", "US": "美国"},
    "language": {"zh-Hans": "简体中文", "zh-Hant": "繁体中文", "en": "英语", "es": "西班牙语"},
    "loan_currency": _CURRENCIES,
    "offers": {"deferral": "延期还款", "instalments": "分期还款"},
    "outcome": {
        ContactOutcome.SPOKE: "已与本人通话",
        ContactOutcome.SPOKE_WITH_OTHER: "与他人通话",
        ContactOutcome.REFUSED: "本人拒绝交谈",
        ContactOutcome.VOICEMAIL: "语音信箱",
        ContactOutcome.NO_ANSWER: "无人应答",
        ContactOutcome.BUSY: "占线",
        ContactOutcome.NUMBER_INVALID: "号码无效",
    },
    "problem": {
        "currency_changed": "币种不一致",
        "escalation_failed": "复核失败",
        "no_ladder": "无适用的催收策略",
        "phone_invalid": "号码无效",
        "phone_missing": "缺少号码",
        "sent_after_all": "短信实际已发出",
        "tape_shows_less_paid": "数据文件已还金额偏少",
        "texted_twice": "短信重复发送",
        "zone_missing": "缺少时区",
    },
    "product": {
        "consumer_loan": "个人消费贷款",
        "mortgage": "个人住房贷款",
        "personal_loan": "个人贷款",
    },
    "promise_status": {
        PromiseStatus.OPEN: "待履行",
        PromiseStatus.KEPT: "已履行",
        PromiseStatus.BROKEN: "到期未履行",
        PromiseStatus.WITHDRAWN: "已撤回",
    },
    "provider": {"tencent": "腾讯云", "twilio": "Twilio"},
    "receipt": {
        "accepted": "已受理",
        "scheduled": "已排期",
        "queued": "已排队",
        "sending": "发送中",
        "sent": "已发送",
        "delivered": "已送达",
        "read": "已读",
        "undelivered": "未送达",
        "failed": "发送失败",
        "canceled": "已取消",
        "SUCCESS": "已送达",
        "FAIL": "未送达",
    },
    "reply": {
        ReplyKind.STOP: "退订",
        ReplyKind.START: "恢复接收",
        ReplyKind.HELP: "求助",
        ReplyKind.OTHER: "其他回复",
    },
    "role": {
        Role.CALLER: "电话催收员",
        Role.VISITOR: "外访员",
        Role.SUPERVISOR: "主管",
        Role.LAWYER: "法务",
    },
    "says": {
        Says.IDENTITY: "机构身份",
        Says.OPT_OUT: "退订方式",
        Says.DEBT: "债务信息",
        Says.LEGAL_CONSEQUENCES: "法律后果",
    },
    "topics": {"reason": "逾期原因"},
    "window": {"day": "一个自然日", "week": "一个自然周", "month": "一个自然月"},
    "zone": {
        "Asia/Shanghai": "北京",
        "America/New_York": "美国东部",
        "America/Chicago": "美国中部",
        "America/Denver": "美国山地",
        "America/Los_Angeles": "美国太平洋",
    },
}
"""By the name of a value; what is not in a table is shown as it is."""

CHINESE = Language(TEMPLATES, WORDS, between_sentences="", between_listed="、")
