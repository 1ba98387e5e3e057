"""What is left of Celery's own pace where each loan has a message of its own?"""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.book import a_book
from tests.benchmarks.days import GIVE_UP_AFTER
from tests.benchmarks.figures import Figure, Target, rates, ratios
from tests.benchmarks.measuring import Contender, take_turns
from tests.benchmarks.peers import Template
from tests.benchmarks.places import Places
from tests.benchmarks.scans import publish
from tests.benchmarks.sizes import SINGLE_PROCESSES, Size
from tests.support.messages import messages_left
from tests.support.processes import happens
from workers.escalation.scan import Envelope

ARREARS, NOTHING = "arrears, one loan a message", "celery as it comes, nothing"
BATCHED_EVENTS = "celery with all that Arrears adds to it, nothing"
NOT_FAR_BELOW = Target(0.6, at_least=True)


def measure(places: Places, size: Size) -> list[Figure]:
    single = Places({**places.environment, "ARREARS_ENVELOPE": "1"})
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder,
        a_book(single, size.single_due, size.single_due) as ctx,
    ):
        template = Template(single, ctx, size.single_due, Path(folder))
        template.make()
        contenders = [
            template.arrears(ARREARS, SINGLE_PROCESSES),
            _nothing(NOTHING, "nothing", template),
            _nothing(BATCHED_EVENTS, "nothing_batched_events", template),
        ]
        seconds = take_turns(contenders, size.single_rounds, warm_up=False)
    return [
        ratios(
            "one loan a message, against a no-op",
            seconds[BATCHED_EVENTS],
            seconds[ARREARS],
            NOT_FAR_BELOW,
            key="single_vs_noop",
        ),
        ratios("the same, against Celery as it comes", seconds[NOTHING], seconds[ARREARS]),
        *(rates(name, "messages/s", size.single_due, runs) for name, runs in seconds.items()),
    ]


def _nothing(name: str, module_name: str, template: Template) -> Contender:
    """As many messages in the same pool, and nothing done about them."""
    module: Any = import_module(f"tests.benchmarks.textbook.{module_name}")
    broker = template.places.broker()

    def before() -> None:
        broker.flushall()
        template.begin(module)

    def work() -> None:
        publish([Envelope([loan_id], [f"L-{loan_id}"]) for loan_id in range(template.due)])
        happens(lambda: not messages_left(broker), within=GIVE_UP_AFTER)

    return Contender(name, work, before, template.open.close)
