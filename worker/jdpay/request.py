"""
The fields of the three calls.

Only names that production clients have sent, in the smallest set seen to work: whether JD ignores
a name that it does not know is not proved.
"""

from datetime import datetime

from worker.jdpay import canonical, times
from worker.payouts.model import Order, Terms

#: To a bank account; JD's balance and 小金库 are other tools, which no public client uses.
PAY_TOOL = "TRAN"

#: Required on queries: JD answers 502 to any other value (JD's public product page).
TRADE_TYPE = "T_AGD"


def defray_pay(order: Order, terms: Terms, requested_at: datetime) -> dict[str, str | None]:
    """
    What is sealed to pay out an order; None where the order names nothing.
    """
    payee = order.payee
    return {
        "customer_no": terms.customer_no,
        "request_datetime": times.write(requested_at),
        "out_trade_no": order.out_trade_no,
        "trade_amount": str(order.amount_fen),
        "trade_currency": order.currency,
        "trade_subject": order.subject,
        "pay_tool": PAY_TOOL,
        "payee_bank_code": payee.bank_code,
        "payee_card_type": payee.card_type,
        "payee_account_type": payee.account_type,
        "payee_account_no": payee.account_no,
        "payee_account_name": payee.account_name,
        "payee_bank_associated_code": payee.branch_code,
        "payee_bank_fullname": payee.branch_name,
        "payee_mobile": payee.mobile,
        "payee_id_type": payee.id_type,
        "payee_id_no": payee.id_no,
        "notify_url": terms.notify_url,
        "biz_trade_no": order.biz_trade_no,
        "return_params": order.return_params,
    }


def render(order: Order, terms: Terms, requested_at: datetime) -> str:
    """
    Write the canonical text that pays an order. Raises `UnsafeValue`, naming the field.
    """
    fields = defray_pay(order, terms, requested_at)
    canonical.refuse_unsafe(fields)
    return canonical.write(fields)


def trade_query(out_trade_no: str, terms: Terms, requested_at: datetime) -> dict[str, str]:
    """
    What is asked about one number.
    """
    return {
        "customer_no": terms.customer_no,
        "request_datetime": times.write(requested_at),
        "out_trade_no": out_trade_no,
        "trade_type": TRADE_TYPE,
    }


def account_query(terms: Terms, requested_at: datetime) -> dict[str, str]:
    """
    What is asked about the merchant's balance.
    """
    moment = times.write(requested_at)
    return {
        "customer_no": terms.customer_no,
        "request_datetime": moment,
        "out_trade_no": f"BAL{moment.replace('T', '')}",
        "out_trade_date": moment,
        "buyer_info": (f'{{"customer_code":"{terms.customer_no}","customer_type":"CUSTOMER_NO"}}'),
        "query_type": "BUSINESS_BASIC",
        "ledger_type": "00",
    }
