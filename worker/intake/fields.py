"""
The rules of a job's fields. Each returns what it was given, or raises `ValueError` with the rule.

A rule never quotes the value: it may be someone's account number.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime

from worker.jdpay import banks

#: `plain` as a pattern: no control or invisible character, none of private use, no `&`, and no
#: space of any kind at either end. What later versions of Unicode assign no pattern can tell.
_WITHIN = (
    r"&\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ue000-\uf8ff\ufeff\ufff9-\ufffb\ufffd-\uffff"
)
_AT_ENDS = _WITHIN + r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
PLAIN = f"^[^{_AT_ENDS}]([^{_WITHIN}]*[^{_AT_ENDS}])?$"


def plain(text: str) -> str:
    """
    Refuse what cannot travel inside the envelope, where values are joined without any quoting.
    """
    if "&" in text:
        raise ValueError("must not contain '&': values are joined with it, unquoted")
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        raise ValueError("must not contain CR, LF, NUL or any other control character")
    if strange := next(filter(None, map(_strange, text)), None):
        raise ValueError(f"must not contain {strange}: nobody can check what that says")
    if text != text.strip():
        raise ValueError("must not begin or end with a space")
    return text


_INVISIBLE = "an invisible character, as a zero width space or a change of direction"

#: What looks like another text to people, or like nothing, by its category in Unicode.
_STRANGE = {
    **dict.fromkeys(("Cf", "Zl", "Zp"), _INVISIBLE),
    "Co": "a character of private use, which each system shows in its own way",
    "Cn": "a character that Unicode does not have",
}

#: Nothing but ideographs, for names too: each version of Unicode has more of them.
_IDEOGRAPHS = range(0x20000, 0x3FFFE)


def _strange(character: str) -> str | None:
    if character == "\N{REPLACEMENT CHARACTER}":
        return "U+FFFD, which stands for what could not be read"
    category = unicodedata.category(character)
    is_never_one = ord(character) & 0xFFFE == 0xFFFE
    if category == "Cn" and ord(character) in _IDEOGRAPHS and not is_never_one:
        return None
    return _STRANGE.get(category)


def digits(least: int, most: int) -> Callable[[str], str]:
    """
    Make the rule for a string of so many ASCII digits.
    """
    count = f"{least}" if least == most else f"{least} to {most}"

    def check(text: str) -> str:
        if not (text.isascii() and text.isdigit() and least <= len(text) <= most):
            raise ValueError(f"must be {count} digits, without letters or spaces")
        return text

    return check


#: A payee's account or card number.
account_no = digits(5, 32)


def order_number(text: str) -> str:
    """
    Refuse what JD's clients have not seen accepted as an `out_trade_no`.
    """
    if not (text.isascii() and text.isalnum() and 8 <= len(text) <= 32):
        raise ValueError("must be 8 to 32 letters or digits")
    return text


def bank_code(text: str) -> str:
    """
    Refuse a code that is not in JD's list, and name near ones.
    """
    if text not in banks.banks():
        near = ", ".join(f"{bank.code} {bank.name}" for bank in banks.near(text))
        raise ValueError("is not a bank code of JD's" + (f"; near ones: {near}" if near else ""))
    return text


def pay_tool(text: str) -> str:
    """
    Refuse every way to pay but a transfer to a bank account.
    """
    if text in {"ACCT", "XJK"}:
        raise ValueError(
            "paying to a JD balance or 小金库 needs JD's document of it first; only TRAN is built"
        )
    if text != "TRAN":
        raise ValueError("must be TRAN, a transfer to a bank account")
    return text


def storable(moment: datetime) -> datetime:
    """
    Refuse a time that is no moment of the calendar in UTC.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999, in UTC") from None


#: How a time begins: a string of digits alone would be taken for seconds since 1970.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]", re.ASCII)


def written(value: object) -> object:
    """
    Refuse a time that is not written out: a number would be taken for seconds since 1970.
    """
    if not (isinstance(value, str) and _DATE.match(value)):
        rule = "must be a time in ISO 8601 with its zone, as 2026-01-31T18:00:00+08:00"
        raise ValueError(rule)
    return value
