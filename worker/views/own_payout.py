"""
What a producer is told of a payout of its own: amounts in fen, times in UTC, no payee data.

Its JSON Schema is that of the HTTP API's answers.
"""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from worker.payouts.own import OwnPayout
from worker.payouts.policy.repayment import repayment
from worker.payouts.status import PayoutStatus, Reason
from worker.views.texts import MEANINGS


class Payout(BaseModel):
    """
    One of your payouts, as far as its state is known.
    """

    model_config = ConfigDict(frozen=True)

    out_trade_no: str = Field(description="Your order number.")
    customer_no: str = Field(description="JD's number of the merchant who pays.")
    profile: str = Field(description="sandbox: play money; live: real money.")
    status: PayoutStatus = Field(
        description="The highest status that JD's messages or your operators have shown so far."
    )
    meaning: str = Field(description="The status in a sentence; for people, it may change.")
    reason: Reason = Field(description="Why it has this status.")
    version: int = Field(description="Rises with everything that happens to the payout.")
    amount_fen: int = Field(description="The amount in fen (0.01 yuan).")
    returned_fen: int = Field(description="What the bank sent back so far, in fen; it never falls.")
    currency: str
    payee_masked: str = Field(description="Of the payee's account number the ends alone.")
    payee_bank_code: str
    obligation: str = Field(description="What you owe, by the name that you gave it.")
    trade_no: str | None = Field(description="JD's number of the trade, once JD has told it.")
    needs_attention: bool = Field(description="Whether a case waits for one of your operators.")
    safe_to_repay: bool = Field(
        description="Whether you may hand in another payout of the whole amount for the same"
        " obligation. Never conclude it from the status: a payout that failed may yet turn out"
        " to be paid."
    )
    not_repayable_before: datetime | None = Field(
        description="Before this moment `safe_to_repay` stays false; null where it is true, and"
        " where nobody knows whether it ever will be."
    )
    accepted_at: datetime
    updated_at: datetime
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    finalized_at: datetime | None = Field(
        description="When it reached the status that it has, if that is an end as known today."
    )
    send_before: datetime | None

    @classmethod
    def of(cls, own: OwnPayout) -> Self:
        """
        What is told of a payout.
        """
        payout, repaid = own.dossier.payout, repayment(own)
        return cls(
            out_trade_no=payout.out_trade_no,
            customer_no=payout.terms.customer_no,
            profile=payout.terms.profile,
            status=payout.status,
            meaning=MEANINGS[payout.status],
            reason=payout.reason,
            version=payout.version,
            amount_fen=payout.amount_fen,
            returned_fen=payout.returned_fen,
            currency=payout.currency,
            payee_masked=payout.payee_masked,
            payee_bank_code=payout.bank_code,
            obligation=payout.obligation,
            trade_no=payout.trade_no,
            needs_attention=bool(own.dossier.open_cases),
            safe_to_repay=repaid.is_safe,
            not_repayable_before=repaid.possible_from,
            accepted_at=payout.accepted_at,
            updated_at=payout.updated_at,
            first_sent_at=payout.first_sent_at,
            last_sent_at=payout.last_sent_at,
            finalized_at=payout.finalized_at,
            send_before=payout.send_before,
        )
