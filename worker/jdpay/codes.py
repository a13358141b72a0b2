"""
What JD's codes mean to us and what to do about them, as data.

The names are those of JD's published demo. A code that is not here is unclear: it is never taken
for a success, nor for a failure.
"""

from dataclasses import dataclass

from worker.payouts.evidence import Meaning


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """
    One `response_code`: what JD says by it, and what the operator does.
    """

    code: str
    meaning: Meaning
    says: str
    remedy: str


@dataclass(frozen=True, slots=True)
class TradeReason:
    """
    One `trade_respcode`: why a trade was closed. The status alone says that it was.
    """

    code: str
    says: str
    remedy: str
    #: Whether our own balance was too small.
    balance_short: bool = False


_QUERY = "query the same number; never pay again under a new one while it is unknown"
_MERCHANT = (
    "check customer_no and the state of the account with JD, then send the same number again"
)
_OPTION = "correct the request, then send the same number again"

_TABLE = {
    Meaning.PROCESSED: (("0000", "the request was processed", "look at trade_status"),),
    Meaning.DUPLICATE: (
        ("OUT_TRADE_NO_EXIST", "the number is already used", _QUERY),
        # Seen by production clients on collections alone.
        ("CURRENT_DEAL_NOT_ALLOWED", "the request number is repeated", _QUERY),
    ),
    Meaning.NOT_FOUND: (("TRADE_NOT_EXIST", "the trade is unknown", _QUERY),),
    Meaning.NO_RESULT: (
        ("NO_RESULT", "the trade is not in JD's database", "ask JD's support, naming the number"),
    ),
    Meaning.PAYEE: (
        ("ILLEGAL_BANK_CARD_NO", "the account number is wrong", "ask the payee for the number"),
        ("ILLEGAL_BANK_CARD_NAME", "the account name is wrong", "ask the payee for the name"),
        ("ILLEGAL_BANK_CARD_TYPE", "the card type is wrong", "ask the payee: debit or credit"),
        ("ILLEGAL_BANK_CARD_VALID_PERIOD", "the card has expired", "ask the payee for a new card"),
        ("ILLEGAL_ID_CARD_NO", "the ID number is wrong", "ask the payee for the ID number"),
    ),
    Meaning.BALANCE: (
        (
            "ACCOUNT_BALANCE_NOT_ENOUGH",
            "our balance is too small",
            "top up, resume the channel, then send the same number again",
        ),
    ),
    Meaning.CHANNEL: (
        ("ILLEGAL_SIGN", "the signature is wrong", "check the sign key and the merchant's pfx"),
        (
            "ILLEGAL_SECURITY_PROFILE",
            "the security settings are wrong",
            "check customer_no, the sign key and the merchant's pfx",
        ),
        (
            "ILLEGAL_SECUTITY_PROFILE",  # as JD's gateway spells it
            "the security settings are wrong",
            "check customer_no, the sign key and the merchant's pfx",
        ),
        ("CERT_EXPIRE", "the certificate has expired", "export a new pfx and replace the old one"),
        (
            "API0000003",
            "no such interface",
            "check the gateway address, and that JD's certificate is the one of this gateway",
        ),
        ("EXPARTNER_INFO_UNCORRECT", "the merchant's interface data are wrong", _MERCHANT),
        ("ILLEGAL_AUTHORITY", "no permission", "ask JD to enable payouts for this customer_no"),
        ("ILLEGAL_CLIENT_IP", "the caller's IP is not registered", "register our address with JD"),
        ("CUSTOMER_NOT_EXIST", "the merchant is unknown", _MERCHANT),
        ("BUYER_USER_NOT_EXIST", "the paying merchant is unknown", _MERCHANT),
        ("SELLER_USER_NOT_EXIST", "the receiving merchant is unknown", _MERCHANT),
        ("BUYER_SELLER_EQUAL", "payer and receiver are the same merchant", _MERCHANT),
        ("USER_STATE_ERROR", "the merchant's state forbids it", _MERCHANT),
        ("CURRENT_USER_DIFFERENT_FROM", "the merchant is not the trade's", _MERCHANT),
    ),
    Meaning.REQUEST: (
        ("ILLEGAL_ARGUMENT", "a field is missing or wrong; the message names it", _OPTION),
        ("ILLEGAL_CHARSET", "the character set is wrong", _OPTION),
        ("ILLEGAL_TRADE_TYPE", "trade_type is not supported", _OPTION),
        ("ILLEGAL_PAY_TYPE", "pay_tool is not supported", _OPTION),
        ("ILLEGAL_TRADE_CURRENCY", "the currency is not supported", _OPTION),
        ("ILLEGAL_AMOUNT_FORMAT", "the amount is badly written", _OPTION),
        ("ILLEGAL_TRADE_AMMOUT", "the amount is wrong", _OPTION),  # as JD spells it
        (
            "TOTAL_FEE_OUT_OF_RANGE",
            "the amount is over a limit",
            "split it, ask JD for a higher limit, or fail the payout",
        ),
        ("PAYMENT_LIMITED", "the payment is restricted", "wait, ask JD, or fail the payout"),
        ("SELF_TIMEOUT_NOT_SUPPORT", "a timeout of one's own is not supported", _OPTION),
        ("VIRTUAL_NOT_SUPPORT", "virtual goods are not supported", _OPTION),
        ("COMMISION_NOT_SUPPORT", "commissions are not supported", _OPTION),
        ("COMMISION_ID_NOT_EXIST", "the commission's merchant is unknown", _OPTION),
        ("COMMISION_SELLER_DUPLICATE", "the commission's merchant is named twice", _OPTION),
        ("COMMISION_FEE_OUT_OF_RANGE", "the commission is over a limit", _OPTION),
    ),
    Meaning.UNCLEAR: (
        ("SYSTEM_ERROR", "a fault at JD, which is not a failure of the payout", _QUERY),
        ("RETURN_PARAM_NULL", "an empty reply, in the words of JD's demo", _QUERY),
        ("REFUND_FAILED", "a refund failed; not expected of a payout", _QUERY),
        ("CURRENT_PAY_CANNOT_REVOKE", "it cannot be revoked; not expected of a payout", _QUERY),
    ),
}

#: Every listed `response_code`.
RESPONSE_CODES = {
    code: ResponseCode(code, meaning, says, remedy)
    for meaning, rows in _TABLE.items()
    for code, says, remedy in rows
}

#: Every `trade_respcode` seen by production clients; no fuller list is public.
TRADE_REASONS = {
    reason.code: reason
    for reason in (
        TradeReason(
            "ACC3030007",
            "可用余额不足: our balance was too small",
            "top up, then replace the payout by a new one",
            balance_short=True,
        ),
        TradeReason(
            "BAC2000006",
            "账号不存在: returned by the bank, the payee's account does not exist",
            "ask the payee for the account",
        ),
    )
}


def look_up(code: str) -> ResponseCode:
    """
    What a `response_code` means; an unlisted one is unclear.
    """
    listed = RESPONSE_CODES.get(code)
    return listed or ResponseCode(code, Meaning.UNCLEAR, "a code that is not listed", _QUERY)


def reason(code: str) -> TradeReason:
    """
    Why a trade was closed; an unlisted reason is for a person to look at.
    """
    listed = TRADE_REASONS.get(code)
    return listed or TradeReason(code, "a reason that is not listed", "look at JD's message")
