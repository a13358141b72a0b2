"""
Where everything known puts a payout.
"""

import itertools
from datetime import timedelta

import pytest

from tests.doubles.world import written
from tests.factories import (
    AMOUNT,
    NOON,
    a_bare,
    a_case,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_answer,
    an_attempt,
    at,
    not_found,
)
from worker.payouts.evidence import Answer, Evidence, Meaning, Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.policy.classification import BALANCE_SHORT
from worker.payouts.policy.state import derive_update
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import Update

LIMITS = Limits()
QUEUED, HELD, SENDING, REFUSED, UNKNOWN, PROCESSING, FAILED, PAID, RETURNED, CANCELLED = (
    PayoutStatus
)
WPAR = a_trade(TradeStatus.WPAR)
CLOS = a_trade(TradeStatus.CLOS)
FINI = a_trade(TradeStatus.FINI)
REFU = a_trade(TradeStatus.REFU)


def judged(
    status: PayoutStatus, *evidence: Evidence, outcomes: str = "?", minutes: float = 15
) -> Update:
    """
    The standing after attempts that ended so.

    ? is no answer, A answered, N not connected, L lost, and a dot is one that runs.
    """
    return derive_update(sent(status, *evidence, outcomes=outcomes), at(minutes), LIMITS)


def sent(status: PayoutStatus, *evidence: Evidence, outcomes: str = "?") -> Dossier:
    """
    What is known of a payout with such attempts.
    """
    attempts = tuple(an_attempt(n, OUTCOMES[letter]) for n, letter in enumerate(outcomes, 1))
    return a_dossier(a_payout(status), *evidence, attempts=attempts)


OUTCOMES = {
    "?": AttemptOutcome.NO_ANSWER,
    "A": AttemptOutcome.ANSWERED,
    "N": AttemptOutcome.NOT_CONNECTED,
    "L": AttemptOutcome.LOST,
    ".": None,
}


@pytest.mark.parametrize("source", ["reply", "query", "notification"])
@pytest.mark.parametrize("old", PayoutStatus)
@pytest.mark.parametrize(
    ("answer", "shown"),
    [(WPAR, PROCESSING), (CLOS, FAILED), (FINI, PAID), (REFU, RETURNED)],
)
def test_a_trade_status_moves_every_status_up_and_none_down(
    source: str, old: PayoutStatus, answer: Answer, shown: PayoutStatus
) -> None:
    """
    In every status, from every source, the highest evidenced is where it stands.
    """
    build = {"reply": a_reply, "query": a_query, "notification": a_notification}[source]
    expected = max(old, shown, key=lambda status: status.rank)

    assert expected is judged(old, build(answer)).status


NOTHING = [
    a_reply(a_bare(Meaning.UNCLEAR)),  # a system error, or a code nobody listed
    a_reply(an_answer()),  # 0000 without a trade
    a_reply(an_answer(trade_status=TradeStatus.FINI, currency=None)),
    a_reply(an_answer(trade_status=TradeStatus.CLOS, merchant="other")),
    a_reply(a_bare(Meaning.NOT_FOUND)),
    a_reply(a_bare(Meaning.DUPLICATE)),
    a_reply(a_bare(Meaning.PAYEE, verified=False)),
    a_reply(a_trade(TradeStatus.CLOS, verified=False)),
    a_query(a_bare(Meaning.PAYEE)),
    a_query(a_bare(Meaning.CHANNEL)),
    a_query(a_bare(Meaning.UNCLEAR)),
    a_query(a_bare(Meaning.NO_RESULT)),
    a_query(a_trade(TradeStatus.FINI, verified=False)),
    a_query(a_trade(TradeStatus.CLOS, amount_fen=AMOUNT + 1)),
    not_found(1),
    a_notification(a_trade(TradeStatus.CLOS, verified=False)),
    a_notification(a_trade(TradeStatus.FINI, number="other")),
    a_notification(a_bare(Meaning.PAYEE)),
]


@pytest.mark.parametrize("old", [s for s in PayoutStatus if s not in {SENDING, REFUSED}])
@pytest.mark.parametrize("evidence", NOTHING)
def test_what_says_nothing_moves_nothing(old: PayoutStatus, evidence: Evidence) -> None:
    """
    In no status does an unclear, unsigned, foreign or absent answer move a payout.
    """
    outcomes = "A" if evidence.source is Source.REPLY else "?"
    if old in {QUEUED, HELD, CANCELLED}:
        outcomes = "N"

    assert old is judged(old, evidence, outcomes=outcomes).status


@pytest.mark.parametrize("evidence", [e for e in NOTHING if e.source is not Source.REPLY])
def test_a_refused_payout_stays_refused(evidence: Evidence) -> None:
    """
    Follow-up answers that say nothing leave it to the operator.
    """
    refusal = a_reply(a_bare(Meaning.CHANNEL))

    assert REFUSED is judged(REFUSED, refusal, evidence, outcomes="A").status


@pytest.mark.parametrize(
    ("outcomes", "evidence", "status", "reason"),
    [
        # it runs: nothing is decided, unless its answer is stored already
        (".", (), SENDING, Reason.ACCEPTED),
        (".", (a_reply(a_bare(Meaning.UNCLEAR)),), SENDING, Reason.ACCEPTED),
        (".", (a_reply(a_bare(Meaning.PAYEE)),), FAILED, Reason.PAYEE_REFUSED),
        # provably not sent: back to the queue
        ("N", (), QUEUED, Reason.NOT_CONNECTED),
        ("NNN", (), QUEUED, Reason.NOT_CONNECTED),
        # no answer, an unclear one, a lost worker: not knowing is a state
        ("?", (), UNKNOWN, Reason.NO_ANSWER),
        ("L", (), UNKNOWN, Reason.LEASE_EXPIRED),
        ("A", (a_reply(a_bare(Meaning.UNCLEAR)),), UNKNOWN, Reason.UNCLEAR_ANSWER),
        ("A", (a_reply(an_answer()),), UNKNOWN, Reason.UNCLEAR_ANSWER),
        ("A", (a_reply(an_answer(verified=False)),), UNKNOWN, Reason.UNCLEAR_ANSWER),
        ("N?", (), UNKNOWN, Reason.NO_ANSWER),
        # the first attempt may have arrived: it is never queued again
        ("?N", (), UNKNOWN, Reason.NO_ANSWER),
        ("LN", (), UNKNOWN, Reason.LEASE_EXPIRED),
        # refused: whose fault was it?
        ("A", (a_reply(a_bare(Meaning.PAYEE)),), FAILED, Reason.PAYEE_REFUSED),
        ("A", (a_reply(a_bare(Meaning.REQUEST)),), REFUSED, Reason.REQUEST_REFUSED),
        ("A", (a_reply(a_bare(Meaning.CHANNEL)),), REFUSED, Reason.CHANNEL_REFUSED),
        ("A", (a_reply(a_bare(Meaning.BALANCE)),), REFUSED, Reason.BALANCE_REFUSED),
        ("NA", (a_reply(a_bare(Meaning.PAYEE), attempt_id=2),), FAILED, Reason.PAYEE_REFUSED),
        ("L", (a_reply(a_bare(Meaning.PAYEE)),), FAILED, Reason.PAYEE_REFUSED),
        # refused, but an earlier attempt may have arrived: no refusal makes that failed
        ("?A", (a_reply(a_bare(Meaning.PAYEE), attempt_id=2),), UNKNOWN, Reason.NO_ANSWER),
        ("LA", (a_reply(a_bare(Meaning.PAYEE), attempt_id=2),), UNKNOWN, Reason.LEASE_EXPIRED),
        ("?A", (a_reply(a_bare(Meaning.REQUEST), attempt_id=2),), UNKNOWN, Reason.NO_ANSWER),
        # a refusal that is not signed, or not ours, refuses nothing
        ("A", (a_reply(a_bare(Meaning.PAYEE, verified=False)),), UNKNOWN, Reason.UNCLEAR_ANSWER),
        ("A", (a_reply(a_bare(Meaning.PAYEE, amount_fen=1)),), UNKNOWN, Reason.UNCLEAR_ANSWER),
        # someone else used the number
        ("A", (a_reply(a_bare(Meaning.DUPLICATE)),), UNKNOWN, Reason.NUMBER_TAKEN),
        (
            "A",
            (a_reply(a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE)),),
            UNKNOWN,
            Reason.NUMBER_TAKEN,
        ),
        # our own earlier attempt did
        (
            "?A",
            (a_reply(a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE), attempt_id=2),),
            PAID,
            Reason.PAID,
        ),
        # refused once for our fault, fixed, and now the payee is refused
        (
            "AA",
            (
                a_reply(a_bare(Meaning.REQUEST)),
                a_reply(a_bare(Meaning.PAYEE), attempt_id=2),
            ),
            FAILED,
            Reason.PAYEE_REFUSED,
        ),
    ],
)
def test_how_an_attempt_ends(
    outcomes: str, evidence: tuple[Evidence, ...], status: PayoutStatus, reason: Reason
) -> None:
    """
    What becomes of a payout in `sending`.
    """
    update = judged(SENDING, *evidence, outcomes=outcomes)

    assert (status, reason) == (update.status, update.reason)


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [(Meaning.PAYEE, FAILED), (Meaning.CHANNEL, REFUSED), (Meaning.UNCLEAR, UNKNOWN)],
)
def test_a_reply_that_came_after_its_lease(meaning: Meaning, expected: PayoutStatus) -> None:
    """
    A verified refusal of the only attempt counts however late it comes.
    """
    late = a_reply(a_bare(meaning), received_at=at(14))

    assert expected is judged(UNKNOWN, late, outcomes="L").status


@pytest.mark.parametrize("meaning", [Meaning.PAYEE, Meaning.REQUEST])
@pytest.mark.parametrize("answer", [WPAR, CLOS, FINI, REFU])
def test_a_refusal_and_a_trade_in_either_order(meaning: Meaning, answer: Answer) -> None:
    """
    JD refused it and has it: the same end whichever was judged first, and a case.
    """
    ends = []
    for pieces in itertools.permutations((a_reply(a_bare(meaning)), a_query(answer, 2))):
        dossier = sent(SENDING, pieces[0], outcomes="A")
        dossier = written(dossier, derive_update(dossier, at(3), LIMITS), at(3))
        both = a_dossier(dossier.payout, *pieces, attempts=dossier.attempts)
        update = derive_update(both, at(4), LIMITS)
        ends.append((update.status, {note.kind for note in update.cases}))

    assert ends[0] == ends[1]
    assert {CaseKind.CONTRADICTION} == ends[0][1]


def test_refusals_of_two_attempts_in_either_order() -> None:
    """
    The last attempt's refusal decides, even if the first one's is recorded after it.
    """
    fixed = a_reply(a_bare(Meaning.PAYEE), attempt_id=2)
    first = a_reply(a_bare(Meaning.REQUEST), attempt_id=1)

    assert FAILED is judged(SENDING, first, fixed, outcomes="LA").status
    assert FAILED is judged(SENDING, fixed, first, outcomes="LA").status


@pytest.mark.parametrize(
    ("outcomes", "evidence", "exposed"),
    [
        ("", (), False),
        ("N", (), False),
        (".", (), True),
        ("?", (), True),
        ("A", (a_reply(a_bare(Meaning.PAYEE)),), False),
        ("?A", (a_reply(a_bare(Meaning.PAYEE), attempt_id=2),), True),
    ],
)
def test_exposure_is_written_down(
    outcomes: str, evidence: tuple[Evidence, ...], exposed: bool
) -> None:
    """
    Whether any attempt may have reached JD stands in the row.
    """
    status = SENDING if outcomes else QUEUED

    assert exposed is judged(status, *evidence, outcomes=outcomes).exposed


def test_an_exposed_payout_never_goes_back() -> None:
    """
    Whatever the attempts after it, one that may have arrived keeps a payout from the queue.
    """
    for tail in itertools.product("?NL", repeat=3):
        status = judged(SENDING, outcomes="?" + "".join(tail)).status

        assert UNKNOWN is status


def test_two_hundred_lost_answers_never_fail_a_payout() -> None:
    """
    Silence is no outcome: after months without an answer it is unknown still, with a case.
    """
    dossier = sent(UNKNOWN)
    now = NOON
    for _ in range(200):
        update = derive_update(dossier, now, LIMITS)
        dossier = written(dossier, update, now)

        assert UNKNOWN is update.status
        assert update.next_query_at is not None
        now += timedelta(hours=12)
    assert {CaseKind.UNRESOLVED} == {case.kind for case in dossier.open_cases}


@pytest.mark.parametrize(
    "answer",
    [
        a_bare(Meaning.UNCLEAR),
        a_bare(Meaning.NOT_FOUND),
        a_bare(Meaning.NO_RESULT),
        a_bare(Meaning.CHANNEL),
        a_bare(Meaning.PAYEE),
        an_answer(),
        a_trade(TradeStatus.CLOS, verified=False),
    ],
    ids=["unclear", "not found", "no result", "channel", "payee", "0000", "forged"],
)
def test_two_hundred_poor_answers_never_fail_a_payout(answer: Answer) -> None:
    """
    No code of a query, however often it comes, is a failure.
    """
    dossier = sent(UNKNOWN, *(a_query(answer, minutes) for minutes in range(200)))

    assert UNKNOWN is derive_update(dossier, at(200), LIMITS).status


def test_a_return_on_the_third_day() -> None:
    """
    退票: what was paid comes back, and is returned, not failed and not forgotten.
    """
    day = 24 * 60
    dossier = sent(SENDING, a_reply(FINI), outcomes="A")
    dossier = written(dossier, derive_update(dossier, at(1), LIMITS), at(1))
    back = (a_reply(FINI), a_notification(REFU, 3 * day))
    later = a_dossier(dossier.payout, *back, attempts=dossier.attempts)
    update = derive_update(later, at(3 * day), LIMITS)

    assert (update.status, update.returned_fen, update.cases) == (RETURNED, AMOUNT, ())


@pytest.mark.parametrize(
    ("returns", "expected", "status"),
    [
        ((3000,), 3000, PAID),
        ((3000, 5000), 5000, PAID),  # cumulative
        ((5000, 3000), 5000, PAID),  # it never falls
        ((3000, AMOUNT), AMOUNT, RETURNED),
        ((AMOUNT, 3000), AMOUNT, RETURNED),
        ((None,), 0, PAID),
        ((0,), 0, PAID),
        ((AMOUNT + 1,), 0, PAID),  # more than was paid makes no sense
        ((3000, AMOUNT + 1), 3000, PAID),
    ],
)
def test_what_came_back(
    returns: tuple[int | None, ...], expected: int, status: PayoutStatus
) -> None:
    """
    The most that any return named, and never more than was paid.
    """
    named = [a_trade(TradeStatus.REFU, refund_fen=fen) for fen in returns]
    update = judged(PAID, a_query(FINI), *map(a_notification, named))

    assert (expected, status) == (update.returned_fen, update.status)


@pytest.mark.parametrize(
    ("evidence", "pauses"),
    [
        (a_reply(a_bare(Meaning.CHANNEL)), True),
        (a_reply(a_bare(Meaning.BALANCE)), True),
        (a_query(a_bare(Meaning.CHANNEL)), True),
        (a_reply(a_bare(Meaning.CHANNEL, verified=False)), True),  # signed or not
        (a_query(a_trade(TradeStatus.CLOS, reason_code=BALANCE_SHORT)), True),
        (a_notification(a_trade(TradeStatus.CLOS, reason_code=BALANCE_SHORT)), True),
        # a forged notification cannot stop us
        (
            a_notification(a_trade(TradeStatus.CLOS, reason_code=BALANCE_SHORT, verified=False)),
            False,
        ),
        (a_notification(a_bare(Meaning.CHANNEL, verified=False)), False),
        (a_reply(a_bare(Meaning.PAYEE)), False),
        (a_reply(a_bare(Meaning.REQUEST)), False),
        (a_reply(a_bare(Meaning.UNCLEAR)), False),
        (a_query(a_trade(TradeStatus.CLOS, reason_code="BAC2000006")), False),
        # it was judged before, and someone may have resumed since
        (a_reply(a_bare(Meaning.CHANNEL), applied_at=at(1)), False),
    ],
)
def test_our_own_faults_stop_the_channel(evidence: Evidence, pauses: bool) -> None:
    """
    What is wrong with us stops sending, once, and never the payee's payout.
    """
    update = judged(SENDING, evidence, outcomes="A")

    assert pauses is (update.pause is not None)


def test_a_balance_that_was_short_fails_the_payout_and_stops_the_channel() -> None:
    """
    A signed close for our balance is ours to replace, and the others wait.
    """
    short = a_trade(TradeStatus.CLOS, reason_code=BALANCE_SHORT)
    update = judged(PROCESSING, a_notification(short))

    assert (update.status, update.reason) == (FAILED, Reason.CLOSED_BALANCE_SHORT)
    assert update.pause is not None
    assert BALANCE_SHORT in update.pause


def test_a_short_balance_of_the_past_does_not_stop_the_channel_again() -> None:
    """
    The confirming query repeats what stopped it before; someone has topped up since.
    """
    short = a_trade(TradeStatus.CLOS, reason_code=BALANCE_SHORT)
    update = judged(FAILED, a_notification(short, applied_at=at(1)), a_query(short, 2))

    assert update.pause is None


def test_answers_that_do_not_verify_are_counted() -> None:
    """
    Only what was not judged before, only answers to us, oldest first.
    """
    bad = an_answer(verified=False)
    update = judged(
        UNKNOWN,
        a_query(bad, 1, applied_at=at(2)),
        a_query(bad, 3),
        a_notification(bad, 4),
        a_query(WPAR, 5),
    )

    assert update.verified == (False, True)


@pytest.mark.parametrize(
    ("tries", "seconds"), [(1, 5), (2, 10), (3, 20), (4, 40), (8, 600), (50, 600)]
)
def test_a_connection_that_was_never_made_is_tried_again_later(tries: int, seconds: int) -> None:
    """
    The wait doubles with each try in a row, up to ten minutes.
    """
    update = judged(SENDING, outcomes="N" * tries)

    assert (QUEUED, at(15, seconds=seconds)) == (update.status, update.next_send_at)


@pytest.mark.parametrize(
    ("status", "due", "evidence", "expected"),
    [
        (QUEUED, at(2), (), at(2)),  # it stays due, so that the sweep finds it
        (QUEUED, at(2), (a_notification(WPAR),), None),
        (UNKNOWN, None, (), None),
        (UNKNOWN, None, (not_found(2), not_found(10)), at(15)),  # the resend rule
        (UNKNOWN, at(16), (not_found(2), not_found(10)), at(16)),  # it was woken already
        (UNKNOWN, at(16), (not_found(2), not_found(10), a_query(WPAR, 11)), None),
        (UNKNOWN, at(16), (not_found(2), not_found(10), a_query(FINI, 11)), None),
        (REFUSED, at(14), (a_reply(a_bare(Meaning.CHANNEL)),), at(14)),  # an operator's wish
        (PROCESSING, None, (a_query(WPAR),), None),
        (PAID, None, (a_query(FINI),), None),
    ],
)
def test_when_it_may_be_sent(
    status: PayoutStatus, due: object, evidence: tuple[Evidence, ...], expected: object
) -> None:
    """
    A row is due for sending as long as sending is allowed.
    """
    attempts = () if status is QUEUED else (an_attempt(),)
    dossier = a_dossier(a_payout(status, next_send_at=due), *evidence, attempts=attempts)

    assert expected == derive_update(dossier, at(15), LIMITS).next_send_at


def test_an_open_case_takes_a_resend_back() -> None:
    """
    What was due to be sent again is not due any more.
    """
    dossier = a_dossier(
        a_payout(next_send_at=at(14)),
        not_found(2),
        not_found(10),
        cases=(a_case(CaseKind.MISMATCH),),
    )

    assert derive_update(dossier, at(15), LIMITS).next_send_at is None


@pytest.mark.parametrize(
    ("old", "finalized_at", "evidence", "expected"),
    [
        (PROCESSING, None, FINI, at(15)),  # it has just become final
        (PAID, at(3), FINI, at(3)),  # and keeps its moment
        (PAID, at(3), REFU, at(15)),  # until it becomes final in another way
        (PROCESSING, None, WPAR, None),
    ],
)
def test_the_moment_of_a_final_status(
    old: PayoutStatus, finalized_at: object, evidence: Answer, expected: object
) -> None:
    """
    The return watch counts from the moment at which a status was reached.
    """
    dossier = a_dossier(a_payout(old, finalized_at=finalized_at), a_query(evidence))

    assert expected == derive_update(dossier, at(15), LIMITS).finalized_at


def test_the_evidence_that_decided_is_named() -> None:
    """
    A move says what it was learnt from.
    """
    update = judged(PROCESSING, a_query(WPAR), a_notification(FINI), a_query(FINI))

    assert 2 == update.evidence_id  # noqa: SIM300


def test_jds_number_is_kept() -> None:
    """
    The first trade number stays, whatever later messages say.
    """
    other = a_trade(TradeStatus.FINI, trade_no="JD2")

    assert "JD1" == judged(PROCESSING, a_query(WPAR), a_query(other)).trade_no  # noqa: SIM300


def test_weighing_twice_changes_nothing() -> None:
    """
    The same evidence, judged again, gives the same standing.
    """
    dossier = sent(PROCESSING, a_query(WPAR), a_notification(FINI), a_query(REFU, 2))
    first = derive_update(dossier, at(15), LIMITS)
    again = derive_update(written(dossier, first, at(15)), at(15), LIMITS)

    assert (first.status, first.returned_fen, first.finalized_at, first.cases) == (
        again.status,
        again.returned_fen,
        again.finalized_at,
        again.cases,
    )
    assert (again.evidence_id, again.verified) == (None, ())
