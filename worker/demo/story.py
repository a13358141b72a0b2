"""
The payouts of the demo: one for each scenario of the sandbox, and what became of them.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from celery import Celery

from worker.broker.names import QueueName, TaskName
from worker.payouts.model import Payout
from worker.sandbox.debts import Job
from worker.sandbox.scenarios import SCENARIOS, End, Scenario
from worker.usecases.ports import Ledger

#: Last of all, and alone: a short balance pauses the channel, as it should.
PAUSING = "balance_short"


@dataclass(frozen=True, slots=True)
class Actor:
    """
    One payout of the demo: its number, its scenario, and what it should end in.
    """

    out_trade_no: str
    scenario: Scenario
    expected: End


@dataclass(frozen=True, slots=True)
class Result:
    """
    What became of one payout; the fields are those of ``payouts demo --json``.
    """

    out_trade_no: str
    scenario: str
    expected: str
    status: str
    expected_case: str | None
    case: str | None
    #: The kind of evidence that first moved it to `status`; None where none did.
    learnt_from: str | None

    @property
    def is_reached(self) -> bool:
        """
        Whether status and case are the expected ones.
        """
        return (self.status, self.case) == (self.expected, self.expected_case)

    def as_dict(self) -> dict[str, str | None]:
        """
        The result as JSON has it.
        """
        return asdict(self)


def cast(state: str = "normal") -> list[Actor]:
    """
    One payout for each scenario, with the end it has in this state of the channel.

    `state` is ``normal``, ``no_notifications`` or ``no_replies``, as in the sandbox's table.
    """
    run = secrets.token_hex(4).upper()
    return [
        Actor(f"DEMO{run}{place:04}", scenario, getattr(scenario.ends, state))
        for place, scenario in enumerate(SCENARIOS, start=1)
    ]


def job(actor: Actor, amount_fen: int) -> dict[str, object]:
    """
    The job that a producer would send.
    """
    return {
        "out_trade_no": actor.out_trade_no,
        "amount_fen": amount_fen,
        "payee_account_no": actor.scenario.account_no,
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "payee_card_type": "DE",
        "subject": f"demo {actor.scenario.name}",
    }


def enqueue(broker_url: str, actors: Sequence[Actor]) -> list[Job]:
    """
    Send the jobs as any application would, with nothing but Celery; return them as it notes them.
    """
    wanted = [job(actor, 10_000 + place) for place, actor in enumerate(actors)]
    noted = [note(one) for one in wanted]
    send(broker_url, wanted)
    return noted


def send(broker_url: str, jobs: Iterable[Mapping[str, object] | str]) -> None:
    """
    Send jobs, sealed or not, with nothing but Celery.

    Raises kombu's `OperationalError` if nobody takes them.
    """
    with Celery("producer", broker=broker_url, set_as_current=False) as producer:
        with producer.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0)
        for one in jobs:
            producer.send_task(
                TaskName.ENQUEUE.value,
                kwargs={"job": one},
                queue=QueueName.ENTRY.value,
                retry=False,
            )


def note(wanted: Mapping[str, Any]) -> Job:
    """
    A job that is sent now, as its producer's own records have it.
    """
    number = wanted["out_trade_no"]
    name = wanted.get("obligation", number)
    owed_fen = wanted.get("owed_fen")
    return Job(number, wanted["amount_fen"], name, datetime.now(UTC), owed_fen)


def results(ledger: Ledger, customer_no: str, actors: Sequence[Actor]) -> list[Result]:
    """
    Where the payouts are now.
    """
    return [
        _result(ledger, actor, ledger.find(customer_no, actor.out_trade_no)) for actor in actors
    ]


def _result(ledger: Ledger, actor: Actor, payout: Payout | None) -> Result:
    if payout is None:
        status, case, learnt_from = "waiting", None, None
    else:
        status = payout.status.value
        cases = sorted(c.kind.value for c in ledger.dossier(payout.id).open_cases)
        case = ", ".join(cases) or None
        moves = (t for t in ledger.history(payout.id) if t.to_status is payout.status)
        source = next(moves).learnt_from
        learnt_from = source.value if source else None
    return Result(
        out_trade_no=actor.out_trade_no,
        scenario=actor.scenario.name,
        expected=actor.expected.status,
        status=status,
        expected_case=actor.expected.case,
        case=case,
        learnt_from=learnt_from,
    )
