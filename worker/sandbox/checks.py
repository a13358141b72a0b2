"""
What JD demands of a request's fields, as tables.
"""

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


class Refused(Exception):
    """
    A request that gets a `response_code` instead of an effect.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class Need(enum.Enum):
    """
    When a field must be there.
    """

    ALWAYS = enum.auto()
    COMPANY = enum.auto()  #: when the payee is a company
    NEVER = enum.auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One field: whether it must be there, what it must look like, and the code if it does not.
    """

    name: str
    need: Need
    fits: Callable[[str], bool]
    code: str = "ILLEGAL_ARGUMENT"


def _like(pattern: str) -> Callable[[str], bool]:
    expression = re.compile(pattern, re.ASCII)
    return lambda value: expression.fullmatch(value) is not None


def _text(longest: int) -> Callable[[str], bool]:
    # A line break or a NUL in a value would read differently on each side.
    return _like(rf"[^\x00-\x1f]{{1,{longest}}}")


_MEMBER = _like(r"\d{1,24}")
_NUMBER = _like(r"[0-9A-Za-z_]{1,64}")
_JSON_OBJECT = _like(r"\{.{0,1022}\}")
# JD looks at little more than the shape: deployed clients leave out the T, or write the minutes
# where the month belongs, and are served.
_moment = _like(r"\d{4}[0-5]\d(0[1-9]|[12]\d|3[01])T?([01]\d|2[0-3])[0-5]\d[0-5]\d")

SIGNED = (
    Rule("customer_no", Need.ALWAYS, _MEMBER),
    Rule("sign_type", Need.ALWAYS, _like("SHA-256")),
    Rule("sign_data", Need.ALWAYS, _like(".+")),
)

SEALED = (
    *SIGNED,
    Rule("encrypt_type", Need.ALWAYS, _like("RSA")),
    Rule("encrypt_data", Need.ALWAYS, _like(".+")),
)

PAY = (
    Rule("customer_no", Need.ALWAYS, _MEMBER),
    Rule("request_datetime", Need.ALWAYS, _moment),
    Rule("out_trade_no", Need.ALWAYS, _NUMBER),
    Rule("trade_amount", Need.ALWAYS, _like(r"[1-9]\d{0,11}"), "ILLEGAL_AMOUNT_FORMAT"),
    Rule("trade_currency", Need.ALWAYS, _like("CNY"), "ILLEGAL_TRADE_CURRENCY"),
    Rule("trade_subject", Need.ALWAYS, _text(100)),
    Rule("pay_tool", Need.ALWAYS, _like("TRAN"), "ILLEGAL_PAY_TYPE"),
    Rule("payee_bank_code", Need.ALWAYS, _like("[0-9A-Z]{1,8}")),
    Rule("payee_card_type", Need.ALWAYS, _like("DE|CR")),
    Rule("payee_account_type", Need.ALWAYS, _like("P|C")),
    Rule("payee_account_no", Need.ALWAYS, _like("[0-9A-Za-z-]{1,32}")),
    Rule("payee_account_name", Need.ALWAYS, _text(256)),
    Rule("payee_bank_associated_code", Need.COMPANY, _like(r"\d{12}")),
    Rule("payee_bank_fullname", Need.NEVER, _text(256)),
    Rule("payee_bank_country_code", Need.NEVER, _like("[A-Z]{3}")),
    Rule("payee_bank_province_code", Need.NEVER, _text(32)),
    Rule("payee_bank_city_code", Need.NEVER, _text(32)),
    Rule("payee_id_type", Need.NEVER, _like("ID|HO|TW|CE|SO|BAP|PA")),
    Rule("payee_id_no", Need.NEVER, _text(32)),
    Rule("payee_mobile", Need.NEVER, _like(r"\+?[\d-]{5,20}")),
    Rule("notify_url", Need.NEVER, _like(r"(?=.{1,256}$)https?://\S+")),
    Rule("biz_trade_no", Need.NEVER, _text(64)),
    Rule("out_trade_date", Need.NEVER, _moment),
    Rule("seller_info", Need.NEVER, _JSON_OBJECT),
    Rule("category_code", Need.NEVER, _text(16)),
    Rule("trade_source", Need.NEVER, _like("OUT_PC|OUT_APP|JDJR")),
    Rule("return_params", Need.NEVER, _text(256)),
    Rule("extend_params", Need.NEVER, _JSON_OBJECT),
    Rule("bank_card_info_type", Need.NEVER, _like("CARD_INFO")),
)

QUERY = (
    *SIGNED,
    Rule("request_datetime", Need.ALWAYS, _moment),
    Rule("trade_type", Need.NEVER, _like("T_AGD")),
    Rule("out_trade_no", Need.NEVER, _NUMBER),
    Rule("trade_no", Need.NEVER, _text(64)),
)

ACCOUNT = (
    *SIGNED,
    Rule("request_datetime", Need.ALWAYS, _moment),
    # Any unique id, a UUID too: it names the question, not a trade.
    Rule("out_trade_no", Need.ALWAYS, _text(64)),
    Rule("out_trade_date", Need.ALWAYS, _moment),
    Rule("buyer_info", Need.ALWAYS, _JSON_OBJECT),
    Rule("query_type", Need.ALWAYS, _like("BUSINESS_BASIC")),
    Rule("ledger_type", Need.ALWAYS, _like("00")),
)


def illegal_argument(complaint: str) -> Refused:
    """
    The refusal of a field, in JD's words.
    """
    return Refused("ILLEGAL_ARGUMENT", f"提交的参数有误 ({complaint})")


def check(fields: Mapping[str, str], rules: Iterable[Rule]) -> None:
    """
    Raise `Refused` for the first field that breaks its rule, or that has none.
    """
    by_name = {rule.name: rule for rule in rules}
    for rule in by_name.values():
        is_needed = rule.need is Need.ALWAYS or (
            rule.need is Need.COMPANY and fields.get("payee_account_type") == "C"
        )
        if is_needed and not fields.get(rule.name, "").strip():
            raise illegal_argument(f"{rule.name} is isRequired not null")
    for name, value in fields.items():
        if name not in by_name:
            raise illegal_argument(f"{name} is not supported")
        if not by_name[name].fits(value):
            refused = illegal_argument(f"{name} is invalid")
            raise Refused(by_name[name].code, refused.message)
