"""
A database that goes back in time: a real file, put back as it was, under the real use cases.
"""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.doubles.high_water_mark import MemoryMark
from tests.doubles.journal import MemoryJournal
from tests.doubles.usecases import UseCases, an_upkeep
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import MERCHANT, TERMS, a_bare, a_trade, an_order
from worker.payouts.acceptance import Conflict
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.journal import JournaledClaim, Recalled
from worker.payouts.model import AttemptOutcome, CaseKind, Payout
from worker.payouts.policy.actions import Action, may_replace
from worker.payouts.progress import Progress
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.epochs import Epochs
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator
from worker.usecases.recall import recall

NOT_FOUND = a_bare(Meaning.NOT_FOUND)
#: Longer than any request of a forgotten claim may be under way.
LEASE = timedelta(seconds=75)
A_WEEK = timedelta(days=7)


class Installation:
    """
    The processes of one installation, its database, and a backup of that.
    """

    def __init__(
        self, ledger: SqlLedger, handler: EvidenceHandler, gateway: ScriptedGateway, clock: Clock
    ) -> None:
        self.ledger = ledger
        self.handler = handler
        self.gateway = gateway
        self.clock = clock
        self.mark = MemoryMark()
        self.journal = MemoryJournal()
        self.upkeep = an_upkeep(handler, ledger, self.mark)
        self._file = str(ledger._engine.url.database)
        self._backup = str(Path(self._file).with_suffix(".backup"))

    def process(self) -> UseCases:
        """
        One more worker.
        """
        return UseCases(
            self.handler,
            self.gateway,
            RecordingDispatcher(),
            TERMS,
            steady=self.clock.steady,
            mark=self.mark,
            journal=self.journal,
        )

    def back_up(self) -> None:
        """
        Keep the database as it is now.
        """
        _copy(self._file, self._backup)

    def go_back(self) -> None:
        """
        Make the database what the backup has, as an administrator or a failover does.
        """
        self.ledger.close()
        _copy(self._backup, self._file)

    def payout(self, number: str) -> Payout:
        """
        A payout's row.
        """
        found = self.ledger.find(MERCHANT, number)
        assert found is not None
        return found

    def ask(self, number: str, answer: object = NOT_FOUND) -> None:
        """
        JD is asked about one payout.
        """
        self.gateway.answers = [answer]  # type: ignore[list-item]
        self.process().query(self.payout(number).id)


def _copy(source: str, target: str) -> None:
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()


@pytest.fixture
def here(
    ledger: SqlLedger, handler: EvidenceHandler, gateway: ScriptedGateway, clock: Clock
) -> Installation:
    """
    An installation that swept once.
    """
    found = Installation(ledger, handler, gateway, clock)
    found.upkeep.run()
    return found


@pytest.mark.parametrize("is_same_process", [True, False])
def test_a_claim_that_a_failover_lost_is_noticed_before_the_next_one_is_sent(
    here: Installation, is_same_process: bool
) -> None:
    """
    No sweep came between: the mark knows of the claim, and the database does not.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.back_up()
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.send()
    here.go_back()

    assert here.payout("P-1").status is PayoutStatus.QUEUED
    (process if is_same_process else here.process()).send()

    assert len(here.gateway.sent) == 1
    row = here.payout("P-1")
    assert (row.status, row.exposed) == (PayoutStatus.QUEUED, False)
    assert row.doubted_at == here.clock.now
    (attempt,) = here.ledger.dossier(row.id).attempts
    assert (attempt.outcome, attempt.detail) == (AttemptOutcome.NOT_CONNECTED, "restored")

    here.ask("P-1", a_trade(TradeStatus.FINI, number="P-1"))
    assert here.payout("P-1").status is PayoutStatus.PAID
    assert len(here.gateway.sent) == 1


def test_a_larger_batch_does_not_hide_the_claims_that_were_lost(here: Installation) -> None:
    """
    The numbers of attempts run past those that were seen; their tokens are others.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.back_up()
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.send()
    here.go_back()
    for place in range(2, 7):
        process.accept(an_order(f"P-{place}"))
    process.send()

    assert len(here.gateway.sent) == 1
    assert here.ledger.health(MERCHANT).in_doubt == 6


def test_what_was_found_once_is_not_found_again(here: Installation) -> None:
    """
    A new epoch has a name of its own: sending goes on once JD has answered.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.back_up()
    here.gateway.replies = [MaybeSent("read_timeout"), a_trade(TradeStatus.FINI, number="P-1")]
    process.send()
    here.go_back()
    process.send()
    began_at = here.payout("P-1").doubted_at
    here.clock.now += LEASE + timedelta(minutes=2)
    here.ask("P-1")
    here.clock.now += timedelta(minutes=8)
    here.ask("P-1")
    for worker in (process, here.process()):
        worker.send()
    here.upkeep.run()

    assert began_at is not None
    assert here.payout("P-1").status is PayoutStatus.PAID
    assert here.ledger.health(MERCHANT).in_doubt == 0


def test_a_database_that_has_counted_less_was_restored(here: Installation) -> None:
    """
    Nothing was claimed since the backup; a sweep tells it.
    """
    here.process().accept(an_order("P-1"))
    here.back_up()
    here.upkeep.run()
    here.upkeep.run()
    assert here.payout("P-1").doubted_at is None
    here.go_back()
    here.upkeep.run()

    assert here.payout("P-1").doubted_at == here.clock.now


def test_a_sweep_that_overtakes_is_no_lost_one(here: Installation) -> None:
    """
    Another sweep ends while the mark is asked.
    """

    class Busy(MemoryMark):
        def known(self, uid: str) -> Progress:
            self.remember(here.ledger.count_sweep())
            return super().known(uid)

    here.process().accept(an_order("P-1"))
    Epochs(here.ledger, Busy(), here.handler.limits).check()

    assert here.payout("P-1").doubted_at is None


def test_claims_that_are_told_late_are_no_lost_ones(here: Installation) -> None:
    """
    Of two processes the one that claimed first tells the mark last.
    """
    overtaken = here.process()
    for number in ("P-1", "P-2"):
        overtaken.accept(an_order(number))

    class Overtaken(MemoryMark):
        def remember(self, progress: Progress) -> Progress:
            if not here.gateway.sent:
                here.mark = self
                here.gateway.sent.append("only once")
                here.process().submit(here.payout("P-2").id)
            return super().remember(progress)

    here.mark = Overtaken()
    here.gateway.replies = [MaybeSent("read_timeout")] * 2
    here.process().submit(here.payout("P-1").id)

    assert [text.partition("@")[0] for text in here.gateway.sent[1:]] == ["P-2", "P-1"]
    assert here.ledger.health(MERCHANT).in_doubt == 0


def test_an_epoch_that_another_process_began_is_no_second_one(here: Installation) -> None:
    """
    A process that has claimed before knows the old name: what it claims is given back once.
    """
    process = here.process()
    here.gateway.replies = [MaybeSent("read_timeout"), a_trade(TradeStatus.FINI, number="P-2")]
    process.accept(an_order("P-1"))
    process.send()
    here.ledger.begin_epoch("mei", "a backup", timedelta(0))
    here.ask("P-1", a_trade(TradeStatus.FINI, number="P-1"))
    process.accept(an_order("P-2"))
    process.send()
    assert here.payout("P-2").status is PayoutStatus.QUEUED
    here.clock.advance(seconds=5)
    process.send()

    assert here.payout("P-2").status is PayoutStatus.PAID
    assert here.ledger.health(MERCHANT).in_doubt == 0


@pytest.mark.parametrize("times", [1, 2])
def test_a_database_from_the_moment_before_an_epoch_is_noticed(
    here: Installation, times: int
) -> None:
    """
    It lacks nothing that was known of its own epoch, and everything of those that followed.

    Where people say twice that they restored it, nobody claims anything in the epoch between.
    """
    here.back_up()
    for _ in range(times):
        here.ledger.begin_epoch("mei", "a backup", timedelta(0))
    here.gateway.replies = [MaybeSent("read_timeout")] * 2
    process = here.process()
    process.accept(an_order("P-1"))
    process.send()
    here.go_back()
    process = here.process()
    process.accept(an_order("P-1"))
    process.send()

    assert len(here.gateway.sent) == 1
    assert here.payout("P-1").doubted_at == here.clock.now


def test_an_epoch_of_people_is_ended_before_it_is_claimed_in(here: Installation) -> None:
    """
    With the mark away that cannot be told, so nothing is sent; a second epoch ends the first.
    """
    here.back_up()
    here.ledger.begin_epoch("mei", "a backup", timedelta(0))
    here.mark.is_away = True
    process = here.process()
    process.accept(an_order("P-1"))
    process.send()
    assert here.gateway.sent == []

    here.mark.is_away = False
    here.upkeep.run()
    here.go_back()
    before = here.ledger.sweep_count().uid
    here.upkeep.run()
    assert here.ledger.sweep_count().uid != before


def replaced(here: Installation) -> None:
    """
    A person withdraws P-1, and has P-2 pay its debt.
    """
    Operator(here.ledger, "mei").act(Action.CANCEL, here.payout("P-1").id, "wrong card")
    old = here.ledger.dossier(here.payout("P-1").id)
    order = an_order("P-2", obligation=old.payout.obligation)
    here.ledger.replace(old, may_replace(old, "mei", "right card"), order, TERMS)


def test_what_was_cancelled_before_a_failover_was_noticed_is_asked_about(
    here: Installation,
) -> None:
    """
    It stood as queued, and was sent: another payout of its debt waits for JD's word about it.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.back_up()
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.send()
    here.go_back()
    replaced(here)
    process.send()
    assert here.payout("P-1").doubted_at == here.clock.now

    for minutes in (5, 10, 10):
        here.clock.now += timedelta(minutes=minutes)
        here.ask("P-2")
    here.ask("P-1", a_trade(TradeStatus.FINI, number="P-1"))
    here.clock.now += timedelta(minutes=10)
    process.send()

    assert len(here.gateway.sent) == 1
    assert here.payout("P-1").status is PayoutStatus.PAID
    assert CaseKind.UNEXPECTED in {case.kind for case in here.ledger.cases(open_only=True, limit=9)}


def test_what_jd_denies_after_all_frees_its_debt_again(here: Installation) -> None:
    """
    The other payout goes out, once, as soon as JD has said often enough that it has no such trade.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    replaced(here)
    here.ledger.begin_epoch("mei", "a backup", A_WEEK)
    here.gateway.replies = [MaybeSent("read_timeout")]
    for minutes in (5, 10, 10):
        here.clock.now += timedelta(minutes=minutes)
        process.send()
        here.ask("P-1")
        here.ask("P-2")
    here.clock.now += timedelta(minutes=1)
    process.send()

    assert [text.partition("@")[0] for text in here.gateway.sent] == ["P-2"]
    assert here.payout("P-1").doubted_at is None
    assert here.ledger.cases(open_only=True, limit=9) == []


def test_one_that_was_set_aside_frees_no_debt(here: Installation) -> None:
    """
    JD does not answer for it: all others go out, but not what pays the same debt.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    replaced(here)
    here.ledger.begin_epoch("mei", "a backup", A_WEEK)
    Operator(here.ledger, "mei").act(Action.SET_ASIDE, here.payout("P-1").id, "JD is silent")
    for minutes in (5, 10, 10, 1):
        here.clock.now += timedelta(minutes=minutes)
        here.ask("P-2")
        process.send()

    assert here.gateway.sent == []
    assert here.payout("P-2").doubted_at is None
    (case,) = here.ledger.cases(open_only=True, limit=9)
    assert (case.kind, case.out_trade_no) == (CaseKind.OVERPAYMENT, "P-2")


class Between(MemoryMark):
    """
    A mark that something happens before: between a claim and its being told.
    """

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = [happens]

    def remember(self, progress: Progress) -> Progress:
        """
        Let it happen, once, and remember.
        """
        while self._happens:
            self._happens.pop()()
        return super().remember(progress)


def test_what_was_claimed_before_an_epoch_began_is_not_sent_in_it(here: Installation) -> None:
    """
    A restore is told between the claim and the word with the mark: the payout is in doubt.
    """
    here.mark = Between(lambda: here.ledger.begin_epoch("mei", "a backup", A_WEEK))
    process = here.process()
    process.accept(an_order("P-1"))
    process.send()

    assert here.gateway.sent == []
    row = here.payout("P-1")
    assert (row.status, row.exposed) == (PayoutStatus.QUEUED, False)
    assert row.doubted_at == here.clock.now


def test_a_claim_that_is_lost_before_it_is_told_is_not_sent(here: Installation) -> None:
    """
    A failover loses it, and another process claims the same payout under the same number.
    """
    here.process().accept(an_order("P-1"))
    here.back_up()

    def fail_over() -> None:
        here.go_back()
        here.process().send()

    here.gateway.replies = [MaybeSent("read_timeout")] * 2
    here.mark = Between(fail_over)
    here.process().send()

    assert len(here.gateway.sent) == 1


@pytest.mark.parametrize("lacks", ["the mark", "the journal"])
def test_without_what_remembers_it_nothing_is_sent(here: Installation, lacks: str) -> None:
    """
    What was claimed is given back, unexposed, and goes out once the mark, or the disk, is back.
    """

    def is_lacking(now: bool) -> None:
        here.mark.is_away = now and lacks == "the mark"
        here.journal.is_full = now and lacks == "the journal"

    process = here.process()
    process.accept(an_order("P-1"))
    is_lacking(True)
    process.send()
    here.upkeep.run()

    row = here.payout("P-1")
    assert here.gateway.sent == []
    assert (row.status, row.exposed) == (PayoutStatus.QUEUED, False)
    is_lacking(False)
    here.clock.advance(seconds=5)
    here.gateway.replies = [a_trade(TradeStatus.FINI, number="P-1")]
    process.send()
    assert here.payout("P-1").status is PayoutStatus.PAID


def test_a_claim_is_in_the_journal_before_it_is_sent(here: Installation) -> None:
    """
    With its order, its request and the name of the epoch.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    seen: list[JournaledClaim] = []

    def reply() -> Answer:
        seen.extend(here.journal.claims)
        return a_trade(TradeStatus.FINI, number="P-1")

    here.gateway.replies = [reply]
    process.send()

    (claim,) = seen
    assert (claim.uid, claim.order) == (here.ledger.sweep_count().uid, an_order("P-1"))
    assert [claim.request] == here.gateway.sent


def test_a_journal_keeps_a_debt_from_being_paid_under_another_number(here: Installation) -> None:
    """
    The backup lacks the payout, and its producer would pay the debt by another one.
    """
    process = here.process()
    here.back_up()
    process.accept(an_order("P-1", obligation="rent"))
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.send()
    here.go_back()
    here.ledger.begin_epoch("mei", "last night's backup", A_WEEK)
    put_back = [*recall(here.ledger, here.journal.claims, LEASE)]
    outcome = process.accept(an_order("P-2", obligation="rent"))

    assert [one.found for one in put_back] == [Recalled.PAYOUT]
    assert isinstance(outcome, Conflict)
    assert here.payout("P-1").status is PayoutStatus.UNKNOWN
    here.ask("P-1", a_trade(TradeStatus.FINI, number="P-1"))
    assert here.payout("P-1").status is PayoutStatus.PAID
    assert len(here.gateway.sent) == 1


def test_a_journal_tells_where_the_mark_has_forgotten(here: Installation) -> None:
    """
    The broker was restored together with the database: a process that starts has its own files.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.back_up()
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.send()
    here.go_back()
    here.mark.memory.clear()
    epochs = Epochs(here.ledger, here.mark, here.handler.limits)
    epochs.check(here.journal)
    began = here.payout("P-1").doubted_at
    here.clock.advance(hours=1)
    epochs.check(here.journal)

    assert began is not None
    assert here.payout("P-1").doubted_at == began


def test_a_process_remembers_what_the_mark_has_forgotten(here: Installation) -> None:
    """
    The broker was emptied, and then a failover lost a claim: nothing goes out a second time.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.back_up()
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.send()
    here.mark.memory.clear()
    here.go_back()
    process.send()

    assert len(here.gateway.sent) == 1
    assert here.payout("P-1").doubted_at is not None


def test_a_sweep_that_the_mark_has_forgotten_is_missed(here: Installation) -> None:
    """
    By the process that counted it.
    """
    here.process().accept(an_order("P-1"))
    here.back_up()
    for _ in range(3):
        here.upkeep.run()
    here.mark.memory.clear()
    here.go_back()
    here.upkeep.run()

    assert here.payout("P-1").doubted_at == here.clock.now


def test_a_mark_that_was_away_is_not_told_less(here: Installation) -> None:
    """
    It cannot be asked at the first sweep after a restore; the next one finds it all the same.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.back_up()
    for _ in range(3):
        here.upkeep.run()
    here.go_back()
    here.mark.is_away = True
    here.upkeep.run()
    assert here.payout("P-1").doubted_at is None
    here.mark.is_away = False
    here.upkeep.run()

    assert here.payout("P-1").doubted_at == here.clock.now


def test_a_mark_that_forgot_raises_no_alarm(here: Installation) -> None:
    """
    A broker that was emptied knows nothing, and says so.
    """
    here.process().accept(an_order("P-1"))
    here.mark.memory.clear()
    here.upkeep.run()

    assert here.payout("P-1").doubted_at is None


def test_a_process_that_starts_is_no_sweep(here: Installation) -> None:
    """
    Workers that start again and again must not hide that nobody sweeps.
    """
    before = here.ledger.sweep_count()
    Epochs(here.ledger, here.mark, here.handler.limits).check()

    assert here.ledger.sweep_count() == before


def test_a_job_that_the_backup_lacks_is_asked_about_before_it_is_sent(here: Installation) -> None:
    """
    Its producer repeats it after the restore: JD has it, and it is not sent again.
    """
    process = here.process()
    here.back_up()
    process.accept(an_order("P-1"))
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.send()
    here.go_back()
    here.ledger.begin_epoch("mei", "last night's backup", A_WEEK)
    here.clock.advance(days=1)
    process.accept(an_order("P-1"))
    for _ in range(2):  # what is claimed first is given back, for the epoch that began
        process.send()
        here.clock.advance(minutes=10)
    due_in = here.ledger.until_next_query(MERCHANT)
    assert due_in is not None
    assert due_in <= timedelta(0)
    here.ask("P-1", a_trade(TradeStatus.FINI, number="P-1"))
    process.send()

    assert len(here.gateway.sent) == 1
    dossier = here.ledger.dossier(here.payout("P-1").id)
    assert dossier.payout.status is PayoutStatus.PAID
    assert [case.kind for case in dossier.open_cases] == [CaseKind.UNEXPECTED]


def test_what_jd_lacks_too_is_sent_after_two_answers(here: Installation) -> None:
    """
    A new payout after a restore waits for JD's word, two minutes apart, and holds up nobody else.
    """
    process = here.process()
    process.accept(an_order("P-0"))
    here.ledger.begin_epoch("mei", "last night's backup", A_WEEK)
    here.ask("P-0", a_trade(TradeStatus.CLOS, number="P-0"))
    here.clock.advance(days=1)
    for number in ("P-1", "P-2"):
        process.accept(an_order(number))
    here.ask("P-1")
    assert here.payout("P-1").next_query_at == here.clock.now + timedelta(minutes=2)
    process.send()
    assert here.gateway.sent == []
    here.clock.advance(minutes=2)
    here.ask("P-1")
    here.gateway.replies = [a_trade(TradeStatus.FINI, number="P-1")]
    process.send()

    assert [text.partition("@")[0] for text in here.gateway.sent] == ["P-1"]
    assert here.payout("P-2").doubted_at is not None


def test_in_time_a_restore_is_over(here: Installation) -> None:
    """
    What is accepted later than a backup can lack it is sent at once.
    """
    process = here.process()
    here.ledger.begin_epoch("mei", "last night's backup", A_WEEK)
    here.clock.now += A_WEEK
    process.accept(an_order("P-1"))
    here.gateway.replies = [a_trade(TradeStatus.FINI, number="P-1")]
    process.send()

    assert here.payout("P-1").status is PayoutStatus.PAID


@pytest.mark.parametrize(
    ("seconds", "is_lifted"),
    [
        ((30,), False),
        ((30, 900), False),
        ((75 + 120, 75 + 599), False),
        ((75 + 119, 75 + 600), False),
        ((75 + 599, 75 + 600), False),
        ((75 + 120, 75 + 600), True),
        ((75 + 600,), False),
        ((75 + 600, 75 + 720), True),
    ],
)
def test_a_doubt_is_lifted_by_the_gaps_of_a_resend(
    here: Installation, seconds: tuple[int, ...], is_lifted: bool
) -> None:
    """
    Two answers, 2 and 10 minutes after the last lease that can have been forgotten, 2 apart.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.ledger.begin_epoch("mei", "last night's backup", A_WEEK)
    began = here.clock.now
    for after in seconds:
        here.clock.now = began + timedelta(seconds=after)
        here.ask("P-1")
    here.gateway.replies = [a_trade(TradeStatus.FINI, number="P-1")]
    process.send()

    assert (here.payout("P-1").status is PayoutStatus.PAID) is is_lifted
    assert len(here.gateway.sent) == is_lifted


def test_the_questions_come_when_their_answers_count(here: Installation) -> None:
    """
    At once, and then at the gaps: a merchant waits no longer than it must.
    """
    process = here.process()
    process.accept(an_order("P-1"))
    here.ledger.begin_epoch("mei", "last night's backup", A_WEEK)
    began, asked = here.clock.now, []
    while (due := here.payout("P-1").next_query_at) is not None:
        here.clock.now = max(here.clock.now, due)
        asked.append((here.clock.now - began).total_seconds())
        here.ask("P-1")

    assert asked == [0, 75 + 120, 75 + 600]


def test_a_word_that_is_none_leaves_what_was_not_sent_in_doubt(here: Installation) -> None:
    """
    JD had no result: an unsent payout stays, for a person; one that was sent waits for JD anyway.
    """
    process = here.process()
    for number in ("P-1", "P-2"):
        process.accept(an_order(number))
    here.gateway.replies = [MaybeSent("read_timeout")]
    process.submit(here.payout("P-2").id)
    here.ledger.begin_epoch("mei", "last night's backup", A_WEEK)
    here.clock.advance(hours=1)
    for number in ("P-1", "P-2"):
        here.ask(number, a_bare(Meaning.NO_RESULT))

    assert here.payout("P-1").doubted_at is not None
    assert here.payout("P-2").doubted_at is None
