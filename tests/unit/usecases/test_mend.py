"""
What was refused is mended, shown, recorded, and sent.
"""

from dataclasses import replace

import pytest

from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, ScriptedGateway
from tests.factories import TERMS, a_bare, a_trade, an_order
from worker.jdpay.mending import differences
from worker.jdpay.request import render
from worker.payouts.acceptance import Accepted
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Meaning, TradeStatus
from worker.payouts.mending import Mended
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.mend import Mender
from worker.usecases.operate import Operator


class WritingGateway(ScriptedGateway):
    """
    One that writes requests as JD's are.
    """

    render = staticmethod(render)


def accepted(service: UseCases) -> int:
    """
    A payout that was taken in.
    """
    outcome = service.accept(an_order())
    assert isinstance(outcome, Accepted)
    return outcome.payout_id


@pytest.fixture
def gateway() -> WritingGateway:
    """
    JD, without anything to say yet.
    """
    return WritingGateway()


def test_the_mended_request_goes_out_and_the_former_one_is_kept(
    ledger: SqlLedger, service: UseCases, gateway: WritingGateway, clock: Clock
) -> None:
    """
    Before, what was mended never went out: the text that was sent again was the refused one.
    """
    payout_id = accepted(service)
    gateway.replies = [a_bare(Meaning.REQUEST), a_trade(TradeStatus.ACSU)]
    service.submit(payout_id)
    (first,) = gateway.sent
    clock.advance(minutes=10)
    mender = Mender(ledger, "cli:mei", render, differences)

    mended = mender.draft(payout_id, TERMS.notify_url, "wages of March")
    assert ledger.former_requests(payout_id) == []
    mender.resend(payout_id, mended, "JD wants another subject")
    service.submit(payout_id)

    assert gateway.sent == [first, mended.request]
    assert "trade_subject=wages of March" in mended.request
    assert ledger.request(payout_id) == mended.request
    assert ledger.former_requests(payout_id) == [first]
    assert ledger.dossier(payout_id).payout.status is PayoutStatus.PROCESSING
    (decision,) = ledger.decisions(payout_id)
    assert decision.why == "JD wants another subject (rendered anew: trade_subject)"


def test_a_request_that_would_pay_otherwise_is_never_sent(
    ledger: SqlLedger, service: UseCases, gateway: WritingGateway, clock: Clock
) -> None:
    """
    Not even if someone hands it over as mended.
    """
    payout_id = accepted(service)
    gateway.replies = [a_bare(Meaning.REQUEST)]
    service.submit(payout_id)
    mender = Mender(ledger, "cli:mei", render, differences)
    other = render(replace(an_order(), amount_fen=1), TERMS, clock.now)

    with pytest.raises(NotAllowed, match="trade_amount"):
        mender.resend(payout_id, Mended(other, ()), "cheaper")

    assert ledger.dossier(payout_id).payout.next_send_at is None


def test_only_what_jd_refused_is_mended(
    ledger: SqlLedger, service: UseCases, gateway: WritingGateway
) -> None:
    """
    What may be with JD goes out again with the same content, or not at all.
    """
    payout_id = accepted(service)
    mender = Mender(ledger, "cli:mei", render, differences)
    with pytest.raises(NotAllowed, match="refused"):
        mender.draft(payout_id, TERMS.notify_url, None)
    gateway.replies = [a_trade(TradeStatus.ACSU)]
    service.submit(payout_id)
    with pytest.raises(NotAllowed, match="refused"):
        mender.draft(payout_id, TERMS.notify_url, None)
    with pytest.raises(NotAllowed):
        Operator(ledger, "cli:mei").act(Action.RESEND, payout_id, "again")
