"""
Faults of the whole, each made as it comes about, and mended when its block ends.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import redis
import sqlalchemy as sa
import time_machine
from kombu import Connection

from tests.contract.samples import (
    MERCHANT,
    TERMS,
    a_judge,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    applied,
    claimed,
    record,
)
from tests.integration.alerts.conftest import SECOND, Place
from worker.broker.names import QueueName, TaskName
from worker.payouts.endpoint import EndpointKind
from worker.payouts.errors import StoreError
from worker.payouts.evidence import Source, TradeStatus
from worker.payouts.health import CertificateKind
from worker.payouts.limits import Limits
from worker.payouts.model import CaseKind, Rejection
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action, decide
from worker.payouts.policy.alerts import AlertKind
from worker.payouts.proposal import End
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote
from worker.store.writes import write_row
from worker.usecases.decide import Decider
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

Fault = Callable[[Place], AbstractContextManager[None]]

OTHER = "360080000000000002"


@contextlib.contextmanager
def every_sweep_fails(place: Place) -> Iterator[None]:
    """
    A query of each sweep raises; the sweeps are begun, and counted, all the same.
    """
    place.limited(silence_limit=SECOND)
    place.execute("ALTER TABLE transitions RENAME TO transitions_away")
    with pytest.raises(StoreError):
        place.sweep()
    yield
    place.execute("ALTER TABLE transitions_away RENAME TO transitions")
    place.limited(silence_limit=timedelta(minutes=5))
    place.sweep()


@contextlib.contextmanager
def broker_away(place: Place) -> Iterator[None]:
    """
    It is stopped, and started again.
    """
    place.broker.stop()
    yield
    place.broker.start()


@contextlib.contextmanager
def unread_queue(place: Place) -> Iterator[None]:
    """
    The sender is woken, and there is none.
    """
    place.limited(late_limit=SECOND)
    place.app.send_task(TaskName.SUBMIT.value, queue=QueueName.SEND.value)
    place.app.send_task(TaskName.SUBMIT.value, queue=QueueName.SEND.value)
    yield
    place.client.brpop([QueueName.SEND.value])
    place.client.brpop([QueueName.SEND.value])


@contextlib.contextmanager
def unread_entries(place: Place) -> Iterator[None]:
    """
    Jobs come in, and nobody accepts them.
    """
    place.limited(late_limit=SECOND)
    place.app.send_task(TaskName.ENQUEUE.value, kwargs={"job": {}}, queue=QueueName.ENTRY.value)
    yield
    place.client.brpop([QueueName.ENTRY.value])


def sent_astray(key: str, send: Callable[[Place], object]) -> Fault:
    """
    A job that a producer sends, and that lies under this key.
    """

    @contextlib.contextmanager
    def fault(place: Place) -> Iterator[None]:
        send(place)
        assert place.client.llen(key) == 1
        yield
        place.client.delete(key)

    return fault


def published(queue: str, **options: Any) -> Callable[[Place], None]:
    """
    Send a job as a producer of its own does, with a transport set up in its own way.
    """
    priority = options.pop("priority", None)

    def send(place: Place) -> None:
        with Connection(place.broker.url, transport_options=options) as connection:
            headers = {"task": TaskName.ENQUEUE.value, "id": "1"}
            body = [[], {"job": {}}, {}]
            with connection.SimpleQueue(queue) as simple:
                simple.put(body, headers=headers, priority=priority)

    return send


def pushed(queue: str) -> Callable[[Place], None]:
    """
    Push a bare job, as one without Celery might.
    """

    def send(place: Place) -> None:
        place.client.lpush(queue, json.dumps({"out_trade_no": "P-1"}))

    return send


@contextlib.contextmanager
def held_in_hand(place: Place) -> Iterator[None]:
    """
    Somebody takes a message and does not end it.
    """
    place.limited(in_hand_limit=SECOND)
    with (
        Connection(place.broker.url) as connection,
        connection.SimpleQueue(QueueName.SWEEP.value) as simple,
    ):
        simple.put({})
        message = simple.get()
        yield
        message.ack()


@contextlib.contextmanager
def lost_in_hand(place: Place) -> Iterator[None]:
    """
    What was taken is in no list of those that may come back.
    """
    place.client.hset("unacked", "tag", "message")
    yield
    place.client.hdel("unacked", "tag")


@contextlib.contextmanager
def in_doubt(place: Place) -> Iterator[None]:
    """
    A database that was restored, and JD's answer.
    """
    payout = accepted(place.ledger)
    place.ledger.begin_epoch("mei", "restored", timedelta(0))
    yield
    finish(place, payout.id)


@contextlib.contextmanager
def paused(place: Place) -> Iterator[None]:
    """
    A person pauses, and resumes.
    """
    place.ledger.pause(MERCHANT, "kill switch", "mei")
    yield
    place.ledger.resume(MERCHANT, "mended", "mei")


@contextlib.contextmanager
def nothing_sent(place: Place) -> Iterator[None]:
    """
    What is due is claimed by nobody, then it is.
    """
    place.limited(late_limit=SECOND)
    payout = accepted(place.ledger)
    yield
    claimed(place.ledger, payout)


@contextlib.contextmanager
def nothing_asked(place: Place) -> Iterator[None]:
    """
    A question that is due, and is asked at last.
    """
    place.limited(late_limit=SECOND)
    now = place.ledger.now()
    payout = accepted(place.ledger)
    applied(place.ledger, payout.id, next_send_at=None, next_query_at=now)
    yield
    finish(place, payout.id)


@contextlib.contextmanager
def evidence_unapplied(place: Place) -> Iterator[None]:
    """
    What JD said is stored, and judged late.
    """
    place.limited(late_limit=SECOND)
    payout = accepted(place.ledger)
    applied(place.ledger, payout.id, next_send_at=None)
    record(place.ledger, payout, Source.QUERY, a_verified_answer())
    yield
    place.ledger.judge(payout.id, a_judge())


@contextlib.contextmanager
def others_left(place: Place) -> Iterator[None]:
    """
    The merchant of the settings was changed; then workers with the old ones run beside.
    """
    place.limited(silence_limit=3 * SECOND)
    left = accept(place.ledger, an_order("P-1"), replace(TERMS, customer_no=OTHER))
    assert left is not None
    yield
    place.limited(silence_limit=timedelta(minutes=5))
    place.ledger.end_sweep(OTHER)


@contextlib.contextmanager
def orphan(place: Place) -> Iterator[None]:
    """
    JD notifies of a number that we lack, without a merchant; a person looks into it.
    """
    assert place.handler.notify(a_verified_answer(number="P-404", merchant=None))
    yield
    (case,) = place.ledger.cases(open_only=True, limit=9)
    place.ledger.close_case(case, "mei", "another system's")


@contextlib.contextmanager
def foreign(place: Place) -> Iterator[None]:
    """
    JD notifies of another merchant's number; a person looks at it.
    """
    assert not place.handler.notify(a_verified_answer(number="P-404", merchant=OTHER))
    yield
    Operator(place.ledger, "mei").look(MERCHANT)


@contextlib.contextmanager
def rejected(place: Place) -> Iterator[None]:
    """
    A job is not accepted; a person looks at it.
    """
    place.ledger.reject(Rejection("invalid", ("amount_fen: missing",), 12, "0" * 64))
    yield
    Operator(place.ledger, "mei").look(MERCHANT)


def ends_in(**ends: timedelta) -> Fault:
    """
    Workers start with certificates that end so soon, then with new ones.
    """

    @contextlib.contextmanager
    def fault(place: Place) -> Iterator[None]:
        now = datetime.now(UTC)
        new = dict.fromkeys(CertificateKind, now + timedelta(days=365))
        old = {CertificateKind(kind): now + left for kind, left in ends.items()}
        place.ledger.note_certificates(MERCHANT, {**new, **old})
        yield
        place.ledger.note_certificates(MERCHANT, new)

    return fault


@contextlib.contextmanager
def breaker_open(place: Place) -> Iterator[None]:
    """
    The circuit breaker opens, and rests for as long as it is told.
    """
    place.ledger.open_breaker(MERCHANT, 3 * SECOND)
    yield


@contextlib.contextmanager
def behind(place: Place) -> Iterator[None]:
    """
    Work gets on, and what is due waits for long all the same.
    """
    place.limited(backlog_limit=SECOND)
    waiting = accepted(place.ledger, "P-1")
    claimed(place.ledger, accepted(place.ledger, "P-2"))
    yield
    claimed(place.ledger, waiting)


@contextlib.contextmanager
def flooded(place: Place) -> Iterator[None]:
    """
    More jobs come in than are accepted; then the queue is worked off.
    """
    place.limited(backlog_limit=SECOND)
    jobs = [f'{{"out_trade_no": "P-{n}"}}' for n in range(1000)]
    place.client.lpush(QueueName.ENTRY.value, *jobs)
    yield
    place.client.rpop(QueueName.ENTRY.value)


@contextlib.contextmanager
def proposed(place: Place) -> Iterator[None]:
    """
    One person proposes an end, and nobody approves it, until somebody declines it.
    """
    place.limited(approval_limit=SECOND)
    payout = place.ledger.dossier(claimed_and_processing(place)).payout
    yesterday = place.ledger.now() - timedelta(days=1)
    ended = replace(payout, lease_token=None, lease_until=None, lease_ended_at=yesterday)
    with place.ledger._transaction() as conn:
        assert write_row(conn, payout, ended, place.ledger.seals)
    word, now = a_verified_answer(trade_status=TradeStatus.WPAR), place.ledger.now()
    nothing_new = a_judge(status=PayoutStatus.PROCESSING)
    record(place.ledger, payout, Source.QUERY, word, asked_at=now, judge=nothing_new)
    decider = Decider(place.ledger, Person(1001, "mei"))
    proposal = decider.propose(payout.id, End.FAILED, None, "SLIP-1", "JD's letter")
    yield
    decider.decline(proposal.id, "another slip")


@contextlib.contextmanager
def unrelayed(place: Place) -> Iterator[None]:
    """
    Somebody wants to hear of what happens, and no relay runs for a while.
    """
    place.limited(late_limit=SECOND)
    _listened(place)
    dossier = place.ledger.dossier(accepted(place.ledger, producer="shop").id)
    place.ledger.carry_out(dossier, decide(Action.CANCEL, dossier, "cli:mei", "wanted"))
    yield
    place.ledger.announce(100)


@contextlib.contextmanager
def unheard(place: Place) -> Iterator[None]:
    """
    An endpoint takes nothing, until somebody gives it up.
    """
    place.limited(endpoint_limit=SECOND)
    endpoint_id = _listened(place)
    accepted(place.ledger, producer="shop")
    place.ledger.announce(100)
    yield
    place.ledger.disable_endpoint(endpoint_id)


def _listened(place: Place) -> int:
    url = "https://shop.example/hook"
    return place.ledger.add_endpoint("shop", EndpointKind.WEBHOOK, url, (), key="whsec_YQ==")


@contextlib.contextmanager
def transaction_open(place: Place) -> Iterator[None]:
    """
    Somebody at the database's own command line forgets a transaction, with a lock.
    """
    place.limited(transaction_limit=SECOND)
    with place.engine.connect() as conn:
        conn.execute(sa.text("LOCK TABLE rejections IN SHARE MODE"))
        yield
        conn.rollback()


@contextlib.contextmanager
def clock_wrong(place: Place) -> Iterator[None]:
    """
    The clock of this host goes wrong by a minute.
    """
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        yield


@contextlib.contextmanager
def restarting(place: Place) -> Iterator[None]:
    """
    A worker starts five times; a quarter of an hour passes in the broker's memory of it.
    """
    for _ in range(5):
        place.probe.note_start("sender@host")
    yield
    forget_starts(place.client)


@contextlib.contextmanager
def overdue(place: Place) -> Iterator[None]:
    """
    JD has no final state for long, and then it has.
    """
    payout = claimed_and_processing(place)
    place.ledger.mark_overdue(10, timedelta(0))
    yield
    finish(place, payout)


@contextlib.contextmanager
def held(place: Place) -> Iterator[None]:
    """
    What could not be sent in time is held; a person withdraws it.
    """
    payout = accepted(place.ledger, "P-1")
    applied(place.ledger, payout.id, status=PayoutStatus.HELD, next_send_at=None)
    yield
    dossier = place.ledger.dossier(payout.id)
    place.ledger.carry_out(dossier, decide(Action.CANCEL, dossier, "mei", "too late"))


@contextlib.contextmanager
def case_open(place: Place) -> Iterator[None]:
    """
    Something contradicts itself; a person closes the case.
    """
    payout = accepted(place.ledger, "P-1")
    applied(place.ledger, payout.id, next_send_at=None)
    place.ledger.open_case(payout.id, CaseNote(CaseKind.UNREADABLE, None, True))
    yield
    (case,) = place.ledger.cases(open_only=True, limit=9)
    place.ledger.close_case(case, "mei", "the key is back")


@contextlib.contextmanager
def tampered(place: Place) -> Iterator[None]:
    """
    Someone changed a row of the database, and JD tells of it; a person puts it right.
    """
    payout = accepted(place.ledger, "P-1")
    applied(place.ledger, payout.id, next_send_at=None)
    place.execute("UPDATE payouts SET amount_fen = amount_fen + 1")
    record(place.ledger, payout, Source.NOTIFICATION, a_verified_answer())
    EvidenceHandler(place.ledger, MERCHANT, Limits(), "worker").apply(payout.id)
    yield
    place.execute("UPDATE payouts SET amount_fen = amount_fen - 1")
    (case,) = place.ledger.cases(open_only=True, limit=9)
    place.ledger.close_case(case, "mei", "the row is as it was")


def claimed_and_processing(place: Place) -> int:
    """
    A payout that JD has.
    """
    payout = accepted(place.ledger, "P-1")
    claimed(place.ledger, payout)
    return applied(place.ledger, payout.id, status=PayoutStatus.PROCESSING).id


def finish(place: Place, payout_id: int) -> None:
    """
    Have a payout be done with, whatever JD said.
    """
    over = {"doubted_at": None, "next_send_at": None, "next_query_at": None}
    applied(place.ledger, payout_id, status=PayoutStatus.FAILED, **over)


def forget_starts(client: redis.Redis) -> None:
    """
    Let a quarter of an hour pass in what the broker remembers of starts.
    """
    found = client.zrange("payouts:starts", 0, -1, withscores=True)
    for start, at in cast(list[tuple[bytes, float]], found):
        client.zadd("payouts:starts", {start: at - 901})


KINDS = AlertKind
ASTRAY = {
    "default": sent_astray("celery", lambda p: p.app.send_task("payouts.enqueue", queue="celery")),
    "misspelt": sent_astray("payout.entry", pushed("payout.entry")),
    "priority": sent_astray(
        "payouts.entry\x06\x163",
        published("payouts.entry", priority=3, priority_steps=[0, 3, 6, 9]),
    ),
    "prefix": sent_astray(
        "shop:payouts.entry", published("payouts.entry", global_keyprefix="shop:")
    ),
}

#: Each fault with the alerts that it is, all of them, and no others.
FAULTS: dict[str, tuple[Fault, set[AlertKind]]] = {
    "every_sweep_fails": (every_sweep_fails, {KINDS.SILENCE}),
    "broker_away": (broker_away, {KINDS.BROKER}),
    "unread_queue": (unread_queue, {KINDS.UNREAD}),
    "unread_entries": (unread_entries, {KINDS.UNREAD}),
    **{f"astray_{how}": (fault, {KINDS.MISROUTED}) for how, fault in ASTRAY.items()},
    "held_in_hand": (held_in_hand, {KINDS.IN_HAND}),
    "lost_in_hand": (lost_in_hand, {KINDS.IN_HAND}),
    "restarting": (restarting, {KINDS.RESTARTS}),
    "in_doubt": (in_doubt, {KINDS.RESTORED}),
    "paused": (paused, {KINDS.PAUSED}),
    "nothing_sent": (nothing_sent, {KINDS.LATE_SENDS}),
    "nothing_asked": (nothing_asked, {KINDS.LATE_QUESTIONS}),
    "evidence_unapplied": (evidence_unapplied, {KINDS.LATE_EVIDENCE}),
    "others_left": (others_left, {KINDS.OTHER_MERCHANT}),
    "tampered": (tampered, {KINDS.TAMPERED, KINDS.CASES}),
    "orphan": (orphan, {KINDS.ORPHANS, KINDS.CASES}),
    "ours_ends": (ends_in(merchant=timedelta(days=2)), {KINDS.EXPIRED, KINDS.EXPIRING}),
    "breaker_open": (breaker_open, {KINDS.BREAKER}),
    "behind": (behind, {KINDS.BACKLOG}),
    "flooded": (flooded, {KINDS.LONG_QUEUE}),
    "proposed": (proposed, {KINDS.PROPOSALS}),
    "unrelayed": (unrelayed, {KINDS.LATE_EVENTS}),
    "unheard": (unheard, {KINDS.ENDPOINT}),
    "transaction_open": (transaction_open, {KINDS.TRANSACTION}),
    "clock_wrong": (clock_wrong, {KINDS.CLOCK}),
    "jds_ends": (ends_in(jd=timedelta(days=20)), {KINDS.EXPIRING}),
    "foreign": (foreign, {KINDS.FOREIGN}),
    "rejected": (rejected, {KINDS.REJECTED}),
    "overdue": (overdue, {KINDS.OVERDUE}),
    "held": (held, {KINDS.STALE}),
    "case_open": (case_open, {KINDS.CASES}),
}
