"""
Any sign beyond a proof spoils it: for every rule, from every source, whatever else was told.

The signs are written as JD would sign them, and read as a message is.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import (
    AMOUNT,
    NUMBER,
    a_bare,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
    at,
    not_found,
    numbered,
)
from tests.simulation import words
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Answer, Evidence, Meaning, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, Dossier
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.may_send import may_send
from worker.payouts.policy.obligation import may_keep_fen
from worker.payouts.policy.restore import is_doubted
from worker.payouts.status import PayoutStatus

LIMITS = Limits()
ONE_ANSWERED = (an_attempt(1, AttemptOutcome.ANSWERED),)
REFUSED = a_reply(a_bare(Meaning.REQUEST))
#: Two days after noon: everything that these proofs rest on was told by then.
LATE = 2 * 24 * 60

Told = dict[str, str]
Asked = Callable[[Answer, float], Evidence]


def whole(status: str) -> Told:
    """
    A message that names all of our payout.
    """
    return words.telling(NUMBER, AMOUNT, status)


def without(told: Told, *names: str) -> Told:
    """
    The same, with fields missing.
    """
    return {name: value for name, value in told.items() if name not in names}


#: What is beyond any proof, whenever it is told.
ALWAYS = {
    "an unlisted status": whole("DEAL"),
    "an unlisted status alone": {"trade_status": "DEAL"},
    "another amount": whole("CLOS") | {"trade_amount": "1"},
    "another merchant": whole("CLOS") | {"customer_no": "another"},
    "another currency": without(whole("CLOS"), "trade_status") | {"trade_currency": "USD"},
    "another number": {"response_code": "TRADE_NOT_EXIST", "out_trade_no": "P-another"},
    "an amount that is none": whole("CLOS") | {"trade_amount": "one"},
}
#: What is beyond a close, whenever it is told, and beyond silence.
MONEY = {
    "paid": whole("FINI"),
    "paid, without a currency": without(whole("FINI"), "trade_currency"),
    "paid, and nothing else": {"trade_status": "FINI"},
    "returned, of no amount": whole("REFU"),
    "returned, without a currency": without(whole("REFU"), "trade_currency")
    | {"refund_amount": str(AMOUNT)},
}
#: What is beyond silence and refusal.
KNOWN = {
    "progress": whole("BUID"),
    "closed": whole("CLOS"),
    "a trade number": {"response_code": "0000", "trade_no": "JD1"},
    "a trade number in an error": {"response_code": "SYSTEM_ERROR", "trade_no": "JD1"},
    "a trade number in a refusal": {"response_code": "ILLEGAL_BANK_CARD_NO", "trade_no": "JD1"},
    "a trade number in a denial": {"response_code": "TRADE_NOT_EXIST", "trade_no": "JD1"},
    "an amount that came back": {"response_code": "SYSTEM_ERROR", "refund_amount": "1"},
    "taken in": {"response_code": "0000"},
    "a duplicate": {"response_code": "OUT_TRADE_NO_EXIST"},
}
SOURCES: dict[str, Asked] = {"query": a_query, "notification": a_notification}


def sign(source: str, told: Told, minutes: float) -> Evidence:
    """
    The message as it comes in; unasked, JD names the number and no code.
    """
    if source == "notification":
        told = {"out_trade_no": NUMBER} | without(told, "response_code")
    return SOURCES[source](words.read(told), minutes)


def also(dossier: Dossier, *more: Evidence, first: bool = False) -> Dossier:
    """
    The same with further evidence, judged, before or after what there was.
    """
    pieces = (*more, *dossier.evidence) if first else (*dossier.evidence, *more)
    judged = tuple(replace(e, applied_at=e.received_at) for e in numbered(pieces))
    return replace(dossier, evidence=judged)


UNSENT = a_dossier(a_payout(PayoutStatus.QUEUED))
ABSENT = a_dossier(None, not_found(2), not_found(10))
GIVEN_UP = a_dossier(a_payout(PayoutStatus.REFUSED), REFUSED, not_found(5), attempts=ONE_ANSWERED)
ENDED = replace(GIVEN_UP, payout=a_payout(PayoutStatus.FAILED))
WANTED = replace(GIVEN_UP, payout=replace(GIVEN_UP.payout, next_send_at=at(6)))
DOUBTED = replace(UNSENT, payout=replace(UNSENT.payout, doubted_at=at(LATE - 0.5)))
CLOSED = a_dossier(
    a_payout(PayoutStatus.FAILED),
    a_query(a_trade(TradeStatus.CLOS), 10),
    a_query(a_trade(TradeStatus.CLOS), 10 + 24 * 60),
    attempts=ONE_ANSWERED,
)
RETURNED = a_dossier(
    a_payout(PayoutStatus.RETURNED, returned_fen=AMOUNT),
    a_query(a_trade(TradeStatus.FINI), 10),
    a_query(a_trade(TradeStatus.REFU), 20),
    attempts=ONE_ANSWERED,
)
PARTLY = a_dossier(
    a_payout(PayoutStatus.PAID, returned_fen=45),
    a_query(a_trade(TradeStatus.REFU, refund_fen=45), 20),
    attempts=ONE_ANSWERED,
)


def sent(dossier: Dossier) -> bool:
    """
    Whether a worker may claim it.
    """
    return may_send(gather_facts(dossier), at(12), LIMITS)


def acted(action: Action) -> Callable[[Dossier], bool]:
    """
    Whether a person may do that.
    """

    def is_legal(dossier: Dossier) -> bool:
        try:
            if action is Action.REPLACE:
                may_replace(dossier, "mei", "asked to")
            else:
                decide(action, dossier, "mei", "asked to")
        except NotAllowed:
            return False
        return True

    return is_legal


def undoubted(dossier: Dossier) -> bool:
    """
    Whether a restored row is believed again, once JD has said twice that it has no such trade.
    """
    denied = also(dossier, not_found(LATE + 5), not_found(LATE + 15))
    return not is_doubted(gather_facts(denied), LIMITS)


def is_free(dossier: Dossier) -> bool:
    """
    Whether the debt counts nothing of it any more.
    """
    return may_keep_fen(dossier) == 0


#: Every rule that rests on silence or refusal, with a payout for which it holds.
SILENCE = {
    "first send": (UNSENT, sent),
    "resend of an unknown one": (ABSENT, sent),
    "resend of a refused one": (WANTED, sent),
    "resend by a person": (GIVEN_UP, acted(Action.RESEND)),
    "fail": (GIVEN_UP, acted(Action.FAIL)),
    "release": (ENDED, acted(Action.RELEASE)),
    "replace": (ENDED, acted(Action.REPLACE)),
    "the debt": (ENDED, is_free),
    "doubt": (DOUBTED, undoubted),
}
#: And those that rest on a status.
STATUS = {
    "release of a closed one": (CLOSED, acted(Action.RELEASE)),
    "replace a closed one": (CLOSED, acted(Action.REPLACE)),
    "the debt of a closed one": (CLOSED, is_free),
}
RETURN = {
    "release of a returned one": (RETURNED, acted(Action.RELEASE)),
    "replace a returned one": (RETURNED, acted(Action.REPLACE)),
    "the debt of a returned one": (RETURNED, is_free),
    "replace a part": (PARTLY, acted(Action.REPLACE)),
    "the debt of a part": (PARTLY, lambda dossier: may_keep_fen(dossier) == AMOUNT - 45),
}
EVERY = SILENCE | STATUS | RETURN


@pytest.mark.parametrize("rule", EVERY)
def test_a_rule_holds_where_nothing_spoils_it(rule: str) -> None:
    """
    Unverified messages, unclear codes and copies of the proof itself change nothing.
    """
    dossier, holds = EVERY[rule]
    unsigned = replace(words.read(whole("FINI")), verified=False)
    noise = (a_query(unsigned, 9), a_notification(unsigned, 9), a_query(a_bare(Meaning.UNCLEAR), 9))

    assert holds(also(dossier))
    assert holds(also(dossier, *noise))
    assert holds(also(dossier, *noise, first=True))


@pytest.mark.parametrize("minutes", [1, LATE - 1])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("told", ALWAYS)
@pytest.mark.parametrize("rule", EVERY)
def test_what_fits_nothing_spoils_everything(
    rule: str, told: str, source: str, minutes: float
) -> None:
    """
    Whatever is not ours, or not readable, shows that there is more than the proof knows.
    """
    dossier, holds = EVERY[rule]
    message = sign(source, ALWAYS[told], minutes)

    assert not holds(also(dossier, message))
    assert not holds(also(dossier, message, first=True))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("rule", EVERY)
def test_what_was_changed_in_the_database_spoils_everything(
    rule: str, source: str, verified: bool
) -> None:
    """
    Whatever it says now, and though it says what the proof says: nobody knows what JD had told.
    """
    dossier, holds = EVERY[rule]
    for said in (a_bare(Meaning.NOT_FOUND), words.read(whole("WPAR"))):
        answer = replace(said, verified=verified)
        message = replace(sign(source, whole("WPAR"), 9), answer=answer, is_intact=False)

        assert not holds(also(dossier, message))
        assert not holds(also(dossier, message, first=True))


@pytest.mark.parametrize("minutes", [1, LATE - 1])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("told", [*MONEY, *KNOWN])
@pytest.mark.parametrize("rule", SILENCE)
def test_any_trace_spoils_silence_and_refusal(
    rule: str, told: str, source: str, minutes: float
) -> None:
    """
    A status, whole or not, a trade number, a code that knows the number: JD is not silent.
    """
    dossier, holds = SILENCE[rule]
    message = sign(source, (MONEY | KNOWN)[told], minutes)

    assert not holds(also(dossier, message))
    assert not holds(also(dossier, message, first=True))


@pytest.mark.parametrize("told", [*ALWAYS, *MONEY, *KNOWN])
def test_a_reply_spoils_like_any_other_message(told: str) -> None:
    """
    What the first attempt was answered counts for the second one's refusal.
    """
    dossier = replace(
        ENDED,
        attempts=(
            an_attempt(1, AttemptOutcome.ANSWERED),
            an_attempt(2, AttemptOutcome.ANSWERED),
        ),
    )
    second = replace(dossier.evidence[0], attempt_id=2)
    first = a_reply(words.read((ALWAYS | MONEY | KNOWN)[told]), attempt_id=1)
    mixed = also(replace(dossier, evidence=(second, *dossier.evidence[1:])), first)

    assert not acted(Action.RELEASE)(mixed)
    assert not is_free(mixed)


@pytest.mark.parametrize("minutes", [1, 20, LATE - 1])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("told", MONEY)
@pytest.mark.parametrize("rule", STATUS)
def test_money_spoils_a_close(rule: str, told: str, source: str, minutes: float) -> None:
    """
    Before it, between its two words, or after them: a close does not prove that money is back.
    """
    dossier, holds = STATUS[rule]

    assert not holds(also(dossier, sign(source, MONEY[told], minutes)))


@pytest.mark.parametrize(("minutes", "free"), [(1, True), (11, False), (LATE, False)])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("told", ["progress", "taken in", "a trade number"])
@pytest.mark.parametrize("rule", STATUS)
def test_progress_spoils_a_close_that_was_asked_before(
    rule: str, told: str, source: str, minutes: float, *, free: bool
) -> None:
    """
    What JD does before it closes is no sign; what it does after the first close is one.
    """
    dossier, holds = STATUS[rule]

    assert holds(also(dossier, sign(source, KNOWN[told], minutes))) is free


def test_a_close_is_proven_anew_after_progress() -> None:
    """
    Closed, moving, closed again, and a day later once more: the last two words prove it.
    """
    moving = a_query(a_trade(TradeStatus.WPAR), 20)
    again = (a_query(a_trade(TradeStatus.CLOS), minutes) for minutes in (30, 30 + 24 * 60))

    once = also(CLOSED, moving)
    assert not is_free(once)
    assert is_free(also(once, *again))


@pytest.mark.parametrize("told", [whole("FINI"), whole("WPAR"), whole("REFU"), KNOWN["taken in"]])
@pytest.mark.parametrize("rule", RETURN)
def test_a_later_word_takes_a_return_back(rule: str, told: Told) -> None:
    """
    What came back is what the question that was asked last was told.
    """
    dossier, holds = RETURN[rule]

    assert not holds(also(dossier, sign("query", told, 21)))
    assert not holds(also(dossier, sign("query", told, 21), first=True))
    assert holds(also(dossier, sign("query", told, 19)))


@pytest.mark.parametrize("rule", [*STATUS, *RETURN])
def test_two_trades_under_one_number_prove_nothing(rule: str) -> None:
    """
    The close or return of one says nothing of the other.
    """
    dossier, holds = EVERY[rule]
    last = dossier.evidence[-1]
    second = replace(last, answer=replace(last.answer, trade_no="JD2"))

    assert not holds(also(dossier, second))


def messages() -> st.SearchStrategy[Told]:
    """
    Any message with one to three odd fields.
    """
    plain = [*(whole(s.value) for s in TradeStatus), *(words.bare(m) for m in words.CODES)]
    return st.builds(
        lambda told, rng: words.strange(told, AMOUNT, rng.choice),
        st.sampled_from(plain),
        st.randoms(use_true_random=False),
    )


@settings(max_examples=300)
@given(
    told=messages(),
    source=st.sampled_from(list(SOURCES)),
    minutes=st.sampled_from([1, 15, LATE - 1]),
    rule=st.sampled_from(list(SILENCE)),
)
def test_only_silence_leaves_silence_whole(
    told: Told, source: str, minutes: float, rule: str
) -> None:
    """
    Of all that can be signed, a rule survives nothing but a code without more, and zeros.
    """
    dossier, holds = SILENCE[rule]
    heard = {"out_trade_no": NUMBER} if source == "notification" else {}
    ours = {"trade_amount": str(AMOUNT), "trade_currency": "CNY", "out_trade_no": NUMBER}
    fields = heard | told
    fits = all(fields.get(name, value) == value for name, value in ours.items())
    fits = fits and fields.get("customer_no") in {None, words.telling("", 0, "")["customer_no"]}
    knows = told.get("response_code") in {"0000", "OUT_TRADE_NO_EXIST"}
    silent = fits and not knows and source == "query"
    silent = silent and not told.get("trade_status") and not told.get("trade_no")
    silent = silent and told.get("refund_amount") in {None, "0"}
    # A return of the whole amount is a proof by itself; a replacement pays what a part leaves.
    back = told.get("refund_amount") or ""
    is_whole = back == str(AMOUNT)
    is_part = rule == "replace" and source == "query" and back.isdigit() and 0 < int(back) < AMOUNT
    if silent or (told.get("trade_status") == "REFU" and (is_whole or is_part)):
        return

    assert not holds(also(dossier, sign(source, told, minutes)))


@pytest.mark.parametrize(
    ("later", "kept_fen"),
    [
        # what a return follows on, told late
        (a_notification(a_trade(TradeStatus.FINI), 9), 0),
        # told late, and not in full
        (a_notification(a_trade(TradeStatus.FINI, amount_fen=None), 9), AMOUNT),
        # the answer to a request of ours is no late notification
        (a_reply(a_trade(TradeStatus.FINI), asked_at=at(9), received_at=at(9)), AMOUNT),
        # a further return, of which it is not told in full what it is of
        (a_query(a_trade(TradeStatus.REFU, amount_fen=None), 9), AMOUNT),
    ],
)
def test_only_what_is_notified_late_and_in_full_leaves_a_return_whole(
    later: Evidence, kept_fen: int
) -> None:
    """
    A success that is notified after the return is no news; anything else of a later time is.
    """
    back = a_query(a_trade(TradeStatus.REFU), 5)
    returned = a_payout(PayoutStatus.RETURNED, returned_fen=AMOUNT)

    assert may_keep_fen(a_dossier(returned, back, attempts=ONE_ANSWERED)) == 0
    assert may_keep_fen(a_dossier(returned, back, later, attempts=ONE_ANSWERED)) == kept_fen
