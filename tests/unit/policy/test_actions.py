"""
What a person may decide, in which state, and on what proof.
"""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.factories import (
    NOON,
    a_bare,
    a_case,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
    at,
    not_found,
)
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Evidence, Meaning, TradeStatus
from worker.payouts.hold import HELD_BACK
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier
from worker.payouts.policy.actions import CLOSED_BY, Action, Decision, decide, legal, may_replace
from worker.payouts.status import PayoutStatus

DAY = 24 * 60
ENDED = {
    PayoutStatus.FAILED,
    PayoutStatus.PAID,
    PayoutStatus.RETURNED,
    PayoutStatus.CANCELLED,
}
CLOSED = a_trade(TradeStatus.CLOS)
REFUSED = a_reply(a_bare(Meaning.PAYEE))


def never_sent(status: PayoutStatus, *evidence: Evidence) -> Dossier:
    """
    A payout that was never transmitted.
    """
    return judged(a_dossier(a_payout(status), *evidence, attempts=()))


def ended(status: PayoutStatus, *evidence: Evidence) -> Dossier:
    """
    A payout that was transmitted once and answered.
    """
    attempt = an_attempt(1, AttemptOutcome.ANSWERED)
    return judged(a_dossier(a_payout(status), *evidence, attempts=(attempt,)))


def twice_refused(first: Meaning, second: Meaning, later: Evidence) -> Dossier:
    """
    A payout that was refused at noon, mended, and refused again at 12:20.
    """
    attempts = tuple(an_attempt(n, AttemptOutcome.ANSWERED) for n in (1, 2))
    replies = (
        a_reply(a_bare(first)),
        a_reply(a_bare(second), attempt_id=2, asked_at=at(20), received_at=at(20)),
    )
    failed = a_payout(PayoutStatus.FAILED)
    return judged(a_dossier(failed, *replies, later, attempts=attempts))


def judged(dossier: Dossier) -> Dossier:
    """
    The same, with nothing waiting to be judged.
    """
    return replace(dossier, evidence=tuple(replace(e, applied_at=NOON) for e in dossier.evidence))


def with_case(dossier: Dossier, kind: CaseKind) -> Dossier:
    """
    The same, with a case that is open.
    """
    return replace(dossier, open_cases=(a_case(kind, id=7),))


def allowed(action: Action, *dossiers: Dossier) -> set[PayoutStatus]:
    """
    The statuses of those for which the action is legal.
    """
    found = set()
    for dossier in dossiers:
        try:
            taken(action, dossier)
        except NotAllowed:
            continue
        found.add(dossier.payout.status)
    return found


def taken(action: Action, dossier: Dossier) -> Decision:
    """
    The decision, whichever function makes it.
    """
    if action is Action.REPLACE:
        return may_replace(dossier, "mei", "asked to")
    return decide(action, dossier, "mei", "asked to")


@pytest.mark.parametrize(
    ("action", "legal"),
    [
        (Action.CANCEL, {PayoutStatus.QUEUED, PayoutStatus.HELD}),
        (Action.LET_GO, {PayoutStatus.HELD}),
        # without evidence only what was withdrawn is proven unpaid
        (Action.RESEND, set()),
        (Action.FAIL, set()),
        (Action.RELEASE, {PayoutStatus.CANCELLED}),
        (Action.REPLACE, {PayoutStatus.CANCELLED}),
        # about a case, never about a payout alone
        (Action.RESOLVE, set()),
    ],
)
def test_each_action_has_its_states(action: Action, legal: set[PayoutStatus]) -> None:
    """
    In every other state the action is refused.
    """
    assert legal == allowed(action, *map(never_sent, PayoutStatus))


@pytest.mark.parametrize(
    ("action", "legal"),
    [
        (Action.CANCEL, {PayoutStatus.QUEUED, PayoutStatus.HELD}),
        (Action.LET_GO, {PayoutStatus.HELD}),
        (Action.RESEND, {PayoutStatus.REFUSED}),
        (Action.FAIL, {PayoutStatus.REFUSED}),
        # one that is refused could still be sent again, so its obligation stays with it
        (Action.RELEASE, ENDED),
        (Action.REPLACE, ENDED),
    ],
)
def test_a_refusal_for_sure_is_proof_in_its_states(
    action: Action, legal: set[PayoutStatus]
) -> None:
    """
    The same with the strongest word there is that nothing was booked.
    """
    known = (ended(status, REFUSED, not_found(3)) for status in PayoutStatus)

    assert legal == allowed(action, *known)


@pytest.mark.parametrize(
    "dossier",
    [
        never_sent(PayoutStatus.QUEUED, a_notification(a_trade(TradeStatus.WPAR))),
        a_dossier(a_payout(PayoutStatus.HELD), attempts=(an_attempt(),)),
    ],
    ids=["JD told of it", "an attempt without an answer"],
)
def test_what_may_have_reached_jd_is_never_withdrawn(dossier: Dossier) -> None:
    """
    Whatever the row says.
    """
    with pytest.raises(NotAllowed, match="may have reached JD"):
        decide(Action.CANCEL, judged(dossier), "mei", "asked to")


def test_giving_up_rests_on_every_refusal() -> None:
    """
    Refused, sent again once fixed, refused again: nothing was booked by either.
    """
    dossier = a_dossier(
        a_payout(PayoutStatus.REFUSED),
        a_reply(a_bare(Meaning.REQUEST), attempt_id=1),
        a_reply(a_bare(Meaning.BALANCE), attempt_id=2),
        attempts=(
            an_attempt(1, AttemptOutcome.ANSWERED),
            an_attempt(2, AttemptOutcome.ANSWERED),
        ),
    )

    assert decide(Action.FAIL, judged(dossier), "mei", "no use").proof == (1, 2)


@pytest.mark.parametrize(
    "dossier",
    [
        # the second attempt got no answer
        a_dossier(
            a_payout(PayoutStatus.REFUSED),
            REFUSED,
            attempts=(
                an_attempt(1, AttemptOutcome.ANSWERED),
                an_attempt(2, AttemptOutcome.NO_ANSWER),
            ),
        ),
        # refused, and yet there is a trade
        ended(PayoutStatus.REFUSED, REFUSED, a_query(a_trade(TradeStatus.BUID), 1)),
        # the refusal was never signed
        ended(PayoutStatus.REFUSED, a_reply(a_bare(Meaning.REQUEST, verified=False))),
    ],
)
def test_what_may_have_reached_jd_is_never_given_up(dossier: Dossier) -> None:
    """
    Only JD's word ends it.
    """
    with pytest.raises(NotAllowed, match="only JD's word"):
        decide(Action.FAIL, judged(dossier), "mei", "no use")


def test_every_kind_of_case_has_its_actions() -> None:
    """
    A new kind cannot be forgotten; what reopens or follows evidence is a person's to look at.
    """
    assert set(CLOSED_BY) == set(CaseKind)
    assert all(Action.RESOLVE in actions for actions in CLOSED_BY.values())
    more = {kind: set(found) - {Action.RESOLVE} for kind, found in CLOSED_BY.items()}
    told_by_nobody = {kind for kind, actions in more.items() if Action.DECIDE in actions}
    assert set(CaseKind) - told_by_nobody == {
        *HELD_BACK,
        *(CaseKind.OVERPAYMENT, CaseKind.ORPHAN),
    }
    others = {kind: actions - {Action.DECIDE} for kind, actions in more.items()}
    assert {kind: actions for kind, actions in others.items() if actions} == {
        CaseKind.STALE: {Action.LET_GO, Action.CANCEL, Action.RESEND, Action.FAIL},
        CaseKind.OVERPAYMENT: {Action.CANCEL},
        CaseKind.REVIEW: {Action.LET_GO, Action.CANCEL},
        CaseKind.DUPLICATE: {Action.LET_GO, Action.CANCEL},
        CaseKind.DENIED: {Action.LET_GO, Action.CANCEL},
        CaseKind.LIMIT: {Action.LET_GO, Action.CANCEL},
        CaseKind.UNRESOLVED: {Action.FAIL},
        CaseKind.PARTIAL_RETURN: {Action.REPLACE},
        CaseKind.UNREADABLE: {Action.CANCEL, Action.FAIL},
        CaseKind.TAMPERED: {Action.CANCEL, Action.FAIL},
    }


def test_the_case_that_is_named_is_closed_and_every_other_that_is_answered() -> None:
    """
    The person names one of two; a case that is not open any more is refused.
    """
    twice = with_case(LEGAL[Action.CANCEL], CaseKind.OVERPAYMENT)
    stale = replace(twice.open_cases[0], id=8, kind=CaseKind.STALE)
    dossier = judged(replace(twice, open_cases=(*twice.open_cases, stale)))

    decision = decide(Action.CANCEL, dossier, "mei", "asked to", case_id=8)

    assert (decision.case_id, decision.also_closes) == (8, (7,))
    assert [(d.action, d.who, d.case_id) for d in decision.others] == [(Action.RESOLVE, "mei", 7)]
    with pytest.raises(NotAllowed, match="case 9 is closed already"):
        decide(Action.CANCEL, dossier, "mei", "asked to", case_id=9)


#: For each action a payout for which it is legal, as long as no case is open.
LEGAL = {
    Action.CANCEL: never_sent(PayoutStatus.QUEUED),
    Action.LET_GO: never_sent(PayoutStatus.HELD),
    Action.RESEND: ended(PayoutStatus.REFUSED, REFUSED),
    Action.FAIL: ended(PayoutStatus.REFUSED, REFUSED),
    Action.RELEASE: never_sent(PayoutStatus.CANCELLED),
    Action.REPLACE: never_sent(PayoutStatus.CANCELLED),
}


@pytest.mark.parametrize("kind", CaseKind)
@pytest.mark.parametrize("action", LEGAL)
def test_an_open_case_comes_first(action: Action, kind: CaseKind) -> None:
    """
    Nothing is decided that does not settle what someone still has to look into.
    """
    dossier = with_case(LEGAL[action], kind)

    assert taken(action, LEGAL[action]).case_id is None
    if action in CLOSED_BY[kind]:
        assert taken(action, dossier).case_id == 7
    else:
        with pytest.raises(NotAllowed, match=f"a case is open \\({kind}\\)"):
            taken(action, dossier)


def test_a_second_case_stands_in_the_way() -> None:
    """
    One that the action settles does not excuse one that it does not.
    """
    cases = (a_case(CaseKind.STALE, id=7), a_case(CaseKind.MISMATCH, id=8))
    dossier = replace(never_sent(PayoutStatus.HELD), open_cases=cases)

    with pytest.raises(NotAllowed, match=r"\(mismatch\)"):
        decide(Action.LET_GO, dossier, "mei", "asked to")
    assert legal(cases[0], dossier) == ()
    assert legal(cases[1], dossier) == (Action.RESOLVE,)


@pytest.mark.parametrize("action", LEGAL)
def test_nothing_is_decided_while_evidence_waits(action: Action) -> None:
    """
    Weighed, it may open a case.
    """
    known = LEGAL[action]
    waiting = a_dossier(known.payout, not_found(3), attempts=known.attempts)

    with pytest.raises(NotAllowed, match="just told"):
        taken(action, replace(known, evidence=(*known.evidence, *waiting.evidence)))


@pytest.mark.parametrize("action", [Action.FAIL, Action.RELEASE, Action.REPLACE])
def test_nothing_is_decided_from_a_restored_row(action: Action) -> None:
    """
    What happened after the backup is not in it, so it proves nothing until JD is asked.
    """
    with pytest.raises(NotAllowed, match="restored"):
        taken(action, restored(LEGAL[action]))


@pytest.mark.parametrize("action", [Action.CANCEL, Action.LET_GO, Action.RESEND])
def test_what_was_decided_before_a_restore_may_be_repeated(action: Action) -> None:
    """
    A withdrawal that the backup does not hold must come before the workers do.
    """
    assert taken(action, restored(LEGAL[action])).action is action


def restored(dossier: Dossier) -> Dossier:
    """
    The same from a backup, without a word of JD's since.
    """
    return replace(dossier, payout=replace(dossier.payout, doubted_at=at(5)))


@pytest.mark.parametrize(
    ("case", "dossier", "actions"),
    [
        # held: sent after all, or not
        (
            CaseKind.STALE,
            never_sent(PayoutStatus.HELD),
            (Action.CANCEL, Action.LET_GO),
        ),
        # a person cannot withdraw what JD tells of, and has only to look
        (
            CaseKind.STALE,
            never_sent(PayoutStatus.PAID, a_query(a_trade(TradeStatus.FINI), 1)),
            (Action.RESOLVE,),
        ),
        # the same for what was held for review
        (CaseKind.REVIEW, never_sent(PayoutStatus.HELD), (Action.CANCEL, Action.LET_GO)),
        (
            CaseKind.REVIEW,
            never_sent(PayoutStatus.PAID, a_query(a_trade(TradeStatus.FINI), 1)),
            (Action.RESOLVE,),
        ),
        # two people decide where JD's word may never come
        (
            CaseKind.UNRESOLVED,
            ended(PayoutStatus.REFUSED, REFUSED),
            (Action.FAIL, Action.DECIDE, Action.RESOLVE),
        ),
        (CaseKind.UNRESOLVED, ended(PayoutStatus.UNKNOWN), (Action.DECIDE, Action.RESOLVE)),
        (CaseKind.CONTRADICTION, ended(PayoutStatus.PAID), (Action.DECIDE, Action.RESOLVE)),
        (CaseKind.MISMATCH, never_sent(PayoutStatus.QUEUED), (Action.RESOLVE,)),
    ],
)
def test_what_settles_a_case_as_things_stand(
    case: CaseKind, dossier: Dossier, actions: tuple[Action, ...]
) -> None:
    """
    Of the actions for its kind, those that the payout's state allows.
    """
    dossier = with_case(dossier, case)

    assert actions == legal(dossier.open_cases[0], dossier)


def test_nothing_settles_what_is_closed() -> None:
    """
    A closed case is history.
    """
    closed = a_case(CaseKind.STALE, closed_at=NOON)

    assert legal(closed, never_sent(PayoutStatus.HELD)) == ()


def test_an_orphan_is_looked_into() -> None:
    """
    It has no payout to act on.
    """
    assert legal(a_case(CaseKind.ORPHAN, payout_id=None), None) == (Action.RESOLVE,)


@pytest.mark.parametrize(
    ("dossier", "proof"),
    [
        # withdrawn before anything was sent
        (never_sent(PayoutStatus.CANCELLED), ()),
        # closed, and closed again a day later
        (ended(PayoutStatus.FAILED, a_query(CLOSED, 1), a_query(CLOSED, 1 + DAY)), (1, 2)),
        # the bank sent all of it back, and a query says so
        (ended(PayoutStatus.RETURNED, a_query(a_trade(TradeStatus.REFU), 5)), (1,)),
        # refused, and not known to a later query
        (ended(PayoutStatus.FAILED, REFUSED, not_found(3)), (1, 2)),
        # refused for the request, mended, refused for the card, and not known later
        (twice_refused(Meaning.REQUEST, Meaning.PAYEE, not_found(30)), (1, 2, 3)),
        # the balance was short, and the same number again was refused for the card
        (twice_refused(Meaning.BALANCE, Meaning.PAYEE, not_found(30)), (1, 2, 3)),
    ],
)
def test_what_frees_an_obligation(dossier: Dossier, proof: tuple[int, ...]) -> None:
    """
    Each of the four proofs, by the evidence that it rests on.
    """
    assert proof == decide(Action.RELEASE, dossier, "mei", "to be replaced").proof


@pytest.mark.parametrize(
    "dossier",
    [
        never_sent(PayoutStatus.QUEUED),
        # a status alone, a timeout, silence
        ended(PayoutStatus.FAILED),
        ended(PayoutStatus.UNKNOWN),
        ended(PayoutStatus.UNKNOWN, not_found(2), not_found(10), not_found(2000)),
        # closed only once, or told twice by notifications, or twice within a day
        ended(PayoutStatus.FAILED, a_query(CLOSED, 1)),
        ended(PayoutStatus.FAILED, a_notification(CLOSED, 1), a_notification(CLOSED, 2 * DAY)),
        ended(PayoutStatus.FAILED, a_query(CLOSED, 1), a_query(CLOSED, DAY)),
        # closed twice, and paid once
        ended(
            PayoutStatus.PAID,
            a_query(CLOSED, 1),
            a_query(a_trade(TradeStatus.FINI), 2),
            a_query(CLOSED, 2 + DAY),
        ),
        # returned, but only notified; or returned in part
        ended(PayoutStatus.RETURNED, a_notification(a_trade(TradeStatus.REFU), 5)),
        ended(PayoutStatus.PAID, a_query(a_trade(TradeStatus.REFU, refund_fen=1), 5)),
        # refused without a later question, or asked only before
        ended(PayoutStatus.FAILED, REFUSED),
        ended(PayoutStatus.FAILED, not_found(-5), REFUSED),
        # refused twice, and asked only between the two
        twice_refused(Meaning.REQUEST, Meaning.PAYEE, not_found(10)),
        # a balance that was short may be filled: the same number has to be sent again first
        ended(PayoutStatus.FAILED, a_reply(a_bare(Meaning.BALANCE)), not_found(3)),
        twice_refused(Meaning.PAYEE, Meaning.BALANCE, not_found(30)),
        # refused the second time: the first attempt may have been booked
        a_dossier(
            a_payout(PayoutStatus.FAILED),
            a_reply(a_bare(Meaning.PAYEE), attempt_id=2),
            not_found(30),
            attempts=(
                an_attempt(1, AttemptOutcome.NO_ANSWER),
                an_attempt(2, AttemptOutcome.ANSWERED),
            ),
        ),
    ],
)
def test_what_does_not(dossier: Dossier) -> None:
    """
    Never a status alone, never a timeout, never half a proof.
    """
    with pytest.raises(NotAllowed):
        decide(Action.RELEASE, judged(dossier), "mei", "to be replaced")


@pytest.mark.parametrize(
    ("dossier", "possible_from", "decide_from"),
    [
        # closed once, at 12:01: the same word a day later is the proof
        (ended(PayoutStatus.FAILED, a_query(CLOSED, 1)), at(1 + DAY), "2026-03-03 12:00Z"),
        # JD has told nothing that could become a proof
        (ended(PayoutStatus.UNKNOWN), None, "2026-03-03 12:00Z"),
        # a later word that it is paid spoils the first close for good
        (
            ended(PayoutStatus.PAID, a_query(CLOSED, 1), a_query(a_trade(TradeStatus.FINI), 2)),
            None,
            "2026-03-03 12:00Z",
        ),
        (never_sent(PayoutStatus.QUEUED), None, None),
    ],
)
def test_what_is_missing_is_told_with_its_date(
    dossier: Dossier, possible_from: datetime | None, decide_from: str | None
) -> None:
    """
    From when JD's own word can free it, and from when two people can.
    """
    with pytest.raises(NotAllowed) as refused:
        decide(Action.RELEASE, judged(dossier), "mei", "to be replaced")

    assert refused.value.possible_from == possible_from
    told = "two people may decide from"
    assert (told in str(refused.value)) == (decide_from is not None)
    assert (decide_from or "") in str(refused.value)
