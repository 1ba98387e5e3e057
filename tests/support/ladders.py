"""The shipped policy with another call plan in it."""

from dataclasses import replace
from datetime import timedelta

from config.readers.policy import Policy
from domain.call_plan import CallPlan, Hours, Until
from tests.support.loans import shipped_policy

UNTIL_LEARNT = CallPlan(
    most=3,
    apart=timedelta(hours=20),
    until=Until.LEARNT,
    hours=(Hours(8, 12), Hours(12, 17), Hours(17, 20)),
)


def with_call_plan(plan: CallPlan | None, item_id: str = "enquiry_call") -> Policy:
    """The shipped policy; the call of this item has the plan in every ladder."""
    policy = shipped_policy()
    ladders = tuple(
        replace(
            ladder,
            steps=tuple(
                replace(
                    step,
                    items=tuple(
                        replace(item, tries=plan) if item.id == item_id else item
                        for item in step.items
                    ),
                )
                for step in ladder.steps
            ),
        )
        for ladder in policy.ladders
    )
    return replace(policy, ladders=ladders)
