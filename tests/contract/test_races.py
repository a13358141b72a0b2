"""
Several threads at one database, as several workers would be.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from tests.contract.samples import (
    KEY,
    KEYRING,
    MERCHANT,
    NOON,
    TERMS,
    VirtualClock,
    a_judge,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    an_update,
    applied,
    due_queries,
    record,
    recorded,
    try_claim,
)
from tests.contract.stories import partly_returned, withdrawn
from tests.factories import a_claimant
from worker.payouts.evidence import Source
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Dossier, Order
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.status import PayoutStatus
from worker.payouts.update import Update
from worker.store.keyring import Form, Keyring
from worker.store.ledger import SqlLedger

T = TypeVar("T")


def at_once(threads: int, work: Callable[[int], T]) -> list[T]:
    """
    Run `work` in so many threads that start together; return what each of them got.
    """
    start = threading.Barrier(threads)

    def run(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def test_one_of_two_threads_claims(ledger: SqlLedger) -> None:
    """
    Two workers that saw the same row at the same time: one sends.
    """
    payout = accepted(ledger)

    got = at_once(2, lambda number: try_claim(ledger, payout, f"worker-{number}"))

    assert [attempt is None for attempt in got].count(False) == 1
    assert len(ledger.dossier(payout.id).attempts) == 1


def test_each_of_many_rows_is_claimed_once(ledger: SqlLedger) -> None:
    """
    Eight workers go through the same hundred payouts, and each payout is sent by one of them.
    """
    queued = [accepted(ledger, f"P-{number}") for number in range(100)]

    def claim_all(number: int) -> list[int]:
        tries = (try_claim(ledger, payout, f"worker-{number}") for payout in queued)
        return [attempt.payout_id for attempt in tries if attempt is not None]

    got = at_once(8, claim_all)

    assert Counter(one for claims in got for one in claims) == Counter(
        payout.id for payout in queued
    )


def test_workers_share_what_is_due(ledger: SqlLedger) -> None:
    """
    Many workers at once, in batches, send each due payout once and ask each due question once.
    """
    ids = [accepted(ledger, f"P-{number}").id for number in range(40)]
    for payout_id in ids:
        applied(ledger, payout_id, next_query_at=NOON)

    def work(number: int) -> tuple[list[int], list[int]]:
        sends: list[int] = []
        queries: list[int] = []
        for _round in range(40):
            claims = ledger.claim_due_sends(5, a_claimant(actor=f"worker-{number}")).claims
            sends += [claim.payout.id for claim in claims]
            queries += due_queries(ledger, 5, lambda _: timedelta(hours=1))
        return sends, queries

    got = at_once(6, work)

    assert sorted(one for sends, _ in got for one in sends) == ids
    assert sorted(one for _, queries in got for one in queries) == ids


def test_nobody_judges_without_the_newest_word(ledger: SqlLedger) -> None:
    """
    Six answers at once, each judged: every judge sees all that was stored before it, and one moves.
    """
    payout = accepted(ledger)

    def decide(dossier: Dossier, _now: datetime) -> Update:
        status = PayoutStatus.PAID if len(dossier.evidence) == 6 else dossier.payout.status
        return an_update(dossier.payout, status=status, next_send_at=None)

    def tell(number: int) -> int:
        answer = a_verified_answer(raw=b"%d" % number)
        judged = record(
            ledger, payout, Source.QUERY, answer, judge=Judge(decide, f"worker-{number}", 9)
        )
        assert judged is not None
        return len(judged.dossier.evidence)

    assert sorted(at_once(6, tell)) == [1, 2, 3, 4, 5, 6]
    assert len(ledger.history(payout.id)) == 2
    assert ledger.find_unapplied(10) == []


def test_a_notification_that_comes_six_times_at_once_is_stored_once(ledger: SqlLedger) -> None:
    """
    Concurrent identical notifications are one piece of evidence, and one orphan case.
    """
    payout = accepted(ledger)
    orphan = a_verified_answer(number="P-404")

    def notify(_: int) -> None:
        record(ledger, payout, Source.NOTIFICATION, a_verified_answer())
        ledger.notify(MERCHANT, [orphan])

    at_once(6, notify)

    dossier = ledger.dossier(payout.id)
    assert (len(dossier.evidence), dossier.payout.version) == (1, 2)
    assert len(ledger.cases(open_only=False, limit=10)) == 1


class Interrupted(Keyring):
    """
    Seals, or opens, only after something else had a second to happen: the first time, or a later.
    """

    def __init__(self, at: str, meanwhile: Callable[[], object], times_before: int = 0) -> None:
        super().__init__([KEY])
        self._at = at
        self._left = times_before
        self._other = threading.Thread(target=meanwhile)

    def seal(
        self, key_id: str, content: str | bytes, bound_to: bytes, form: Form = Form.VOUCHED
    ) -> bytes:
        """
        Seal, late.
        """
        self._interrupt("seal")
        return super().seal(key_id, content, bound_to, form)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """
        Open, late.
        """
        self._interrupt("open")
        return super().open(sealed, bound_to)

    def _interrupt(self, at: str) -> None:
        if at != self._at or self._other.ident is not None:
            return
        self._left -= 1
        if self._left < 0:
            self._other.start()
            self._other.join(1)

    def wait(self) -> None:
        """
        Let the other end.
        """
        self._other.join()


def test_a_notification_and_its_job_at_once_find_each_other(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    A job that is accepted while an orphan is stored, and not yet committed, knows it all the same.
    """
    ledger = SqlLedger(engine, KEYRING, clock.told)
    keyring = Interrupted("seal", lambda: accepted(ledger))

    SqlLedger(engine, keyring, clock.told).notify(MERCHANT, [a_verified_answer()])

    keyring.wait()
    payout = ledger.find(MERCHANT, "P-1")
    assert payout is not None
    assert ledger.find_unapplied(9) == [payout.id]


def test_a_notification_that_comes_amid_the_acceptance_finds_it(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    It looked for its payout while that was not committed yet, and looks again before it gives up.
    """
    ledger = SqlLedger(engine, KEYRING, clock.told)
    other = accepted(ledger, "P-0", obligation="DEBT", owed_fen=2 * 12_345)
    recorded(ledger, other.id, number="P-0")
    got: list[object] = []
    # What JD told of the debt's other payout is read, and opened, amid the acceptance.
    keyring = Interrupted(
        "open", lambda: got.extend(ledger.notify(MERCHANT, [a_verified_answer()], a_judge()))
    )

    accept(SqlLedger(engine, keyring, clock.told), an_order(obligation="DEBT"))

    keyring.wait()
    assert [type(kept) for kept in got] == [Judged]
    assert ledger.cases(open_only=False, limit=9) == []


def test_two_jobs_at_once_do_not_share_what_is_left_once(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Of a debt of 10,000 fen 6,000 were kept and 4,000 came back: the second of two jobs has no room.
    """
    ledger = SqlLedger(engine, KEYRING, clock.told)
    debt: dict[str, Any] = {"obligation": "DEBT", "amount_fen": 10_000}
    part = accepted(ledger, "P-0", **debt)
    returned = partly_returned(ledger, clock, part, refund_fen=4_000)
    instead = an_order("P-1", obligation="DEBT", amount_fen=4_000)
    decision = may_replace(returned, "cli:mei", "wrong card")
    first = ledger.dossier(ledger.replace(returned, decision, instead, TERMS))
    gone = withdrawn(ledger, first.payout)
    ledger.carry_out(gone, decide(Action.RELEASE, gone, "cli:mei", "wrong again"))

    def job(number: str) -> Order:
        return an_order(number, obligation="DEBT", amount_fen=4_000)

    got: list[int | None] = []
    # The first that is opened is the debt's, and the next ones are those of payouts that were read.
    keyring = Interrupted("open", lambda: got.append(accept(ledger, job("P-2"))), times_before=1)
    got.append(accept(SqlLedger(engine, keyring, clock.told), job("P-3")))

    keyring.wait()
    assert [one is None for one in got].count(False) == 1


def test_a_number_sent_in_six_times_at_once_is_accepted_once(ledger: SqlLedger) -> None:
    """
    The broker may repeat an order as it likes.
    """
    got = at_once(6, lambda _: accept(ledger, an_order()))

    assert [one is None for one in got].count(False) == 1


def test_an_alert_is_told_to_one_of_many(ledger: SqlLedger) -> None:
    """
    Several workers see at once that it begins, and that it ends: one writes the line.
    """
    begun = [told.begun for told in at_once(4, lambda _: ledger.tell(MERCHANT, ["paused"]))]
    over = [told.over for told in at_once(4, lambda _: ledger.tell(MERCHANT, []))]

    assert sorted(begun) == sorted(over) == [(), (), (), ("paused",)]
