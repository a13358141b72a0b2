"""
What hostile messages say: fields that are right, and ways to make them odd.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

MERCHANT = "360080000000000001"
AMOUNT = 12_345

STATUSES = ("BUID", "ACSU", "WPAR", "FINI", "CLOS", "REFU")
CODES = (
    *("0000", "OUT_TRADE_NO_EXIST", "TRADE_NOT_EXIST", "NO_RESULT", "SYSTEM_ERROR"),
    *("ILLEGAL_BANK_CARD_NO", "ILLEGAL_SIGN", "ACCOUNT_BALANCE_NOT_ENOUGH", "NO_SUCH_CODE"),
)

#: Fields by name; a value may be anything that JSON can hold.
Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Maker:
    """
    Makes fields about one payout, with the corpus's dice.
    """

    dice: random.Random
    number: str

    def reply(self) -> Fields:
        """
        A reply to a submit or a query, as JD would write it.
        """
        fields: Fields = {
            "customer_no": MERCHANT,
            "out_trade_no": self.number,
            "response_datetime": "20240105T093001",
            "response_code": self.dice.choice(("0000", "0000", *CODES)),
            "response_message": "成功",
        }
        if fields["response_code"] in {"0000", "OUT_TRADE_NO_EXIST"}:
            fields |= {
                "trade_no": f"20240105100042{self.number[-12:]:0>12}",
                "trade_status": self.dice.choice(STATUSES),
                "trade_amount": str(AMOUNT),
                "trade_currency": "CNY",
                "refund_amount": self.dice.choice((None, "0", str(AMOUNT), str(AMOUNT // 2))),
                "trade_respcode": self.dice.choice((None, "BAC2000006", "ACC3030007")),
                "out_trade_date": "Fri Jan 05 09:31:02 CST 2024",
                "return_params": self.dice.choice((None, "batch+7", "a b%2Bc", "甲&乙")),
            }
        return fields

    def notice(self) -> Fields:
        """
        A notification, as JD would write it.
        """
        return {
            "customer_no": MERCHANT,
            "out_trade_no": self.number,
            "trade_no": f"20240105100042{self.number[-12:]:0>12}",
            "trade_status": self.dice.choice(STATUSES),
            "trade_amount": str(AMOUNT),
            "trade_currency": "CNY",
            "refund_amount": self.dice.choice(("0", str(AMOUNT), str(AMOUNT // 2))),
            "is_success": "Y",
            "notify_datetime": "20243105T092401120",
            "trade_subject": self.dice.choice(("测试代付 A+B", "50%25 off", "a=b", "+%2B %")),
            "buyer_info": '{"customerNo":"360080000000000001"}',
        }

    def elsewhere(self, fields: Fields) -> Fields:
        """
        The same about someone or something else, or about nothing that can be told.
        """
        name, other = self.dice.choice(
            (
                ("customer_no", "360080000000000002"),
                ("out_trade_no", f"{self.number}X"),
                ("trade_amount", str(AMOUNT + self.dice.choice((-1, 1, 100_000)))),
                ("trade_currency", "USD"),
                ("customer_no", None),
                ("out_trade_no", None),
                ("trade_amount", None),
                ("trade_currency", None),
            )
        )
        return {**fields, name: other}

    def odd(self, fields: Fields) -> Fields:
        """
        The same with one to three values that no such field should have.
        """
        changed = dict(fields)
        for name in self.dice.sample(sorted(fields), self.dice.randint(1, 3)):
            changed[name] = self._odd_value()
        return changed

    def strange(self, fields: Fields) -> Fields:
        """
        The same with names that no message should have.
        """
        names = (
            "",
            " ",
            "SALT",
            "Sign_Data",
            "TRADE_STATUS",
            "trade_status ",
            "a=b",
            "é",
            "x" * 99,
        )
        more = {name: self.dice.choice(("1", "FINI", "")) for name in self.dice.sample(names, 3)}
        if self.dice.random() < 0.1:
            more |= {f"field{place}": "1" for place in range(self.dice.randint(100, 2_000))}
        return fields | more

    def _odd_value(self) -> object:
        scalars: tuple[Callable[[], object], ...] = (
            lambda: self.dice.choice(("", " ", "\t", "null", "None", "true", "NaN", "-", "=")),
            lambda: self.dice.choice(
                ("0", "-1", "1.00", "1e5", "012345", "９", "9" * 16, "9" * 999)
            ),
            lambda: self.dice.choice(("\0", "a\0b", "\x7f", "\u202e", "\ufeff", "💴", "\r\nX: y")),
            lambda: self.dice.choice(("+", "%", "%2B", "%00", "a&b", "a;b", "a=b&a=c", "%u4e2d")),
            lambda: self.dice.choice(("'; DROP TABLE payouts;--", "{{7*7}}", "<script>", "../..")),
            lambda: self.dice.choice(("fini", "FINI ", "PAID", "REFU,FINI", "CLOS\0")),
            lambda: "x" * self.dice.choice((65, 1_000, 40_000)),
            lambda: self.dice.choice((None, True, False, 0, 1, -1, 1.5, 12_345, 10**30, 1e300)),
            lambda: self.dice.choice(("\ud800", "a\udfffb")),
            lambda: self.dice.choice(([], {}, ["FINI"], {"trade_status": "FINI"}, [[[]]])),
        )
        return self.dice.choice(scalars)()
