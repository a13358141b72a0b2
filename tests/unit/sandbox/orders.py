"""
A good order, to be spoilt by tests.
"""

MERCHANT = "360080000000000001"

ORDER = {
    "customer_no": MERCHANT,
    "request_datetime": "20240105T093000",
    "out_trade_no": "PAYOUT20240105000001",
    "trade_amount": "12345",
    "trade_currency": "CNY",
    "trade_subject": "测试代付 A+B",
    "pay_tool": "TRAN",
    "payee_bank_code": "CMB",
    "payee_card_type": "DE",
    "payee_account_type": "P",
    "payee_account_no": "6200000000000000001",
    "payee_account_name": "张三",
    "return_params": "batch+7",
}


def order(**changes: str) -> dict[str, str]:
    """
    The good order with other values; an empty one leaves the field out.
    """
    return {name: value for name, value in {**ORDER, **changes}.items() if value}
