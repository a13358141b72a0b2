"""
The job at the door: what is taken, what is refused, and that no fault quotes a value.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NUMBER, PAYEE, a_job, an_order
from worker.intake import fields, jobs
from worker.intake.message import receive
from worker.payouts.acceptance import Acceptance, Accepted, Conflict, Invalid
from worker.payouts.errors import InvalidJob, StoreUnavailable
from worker.payouts.model import Order, Rejection
from worker.payouts.money import MAX_FEN

COMPANY = {
    "payee_account_type": "C",
    "payee_branch_code": "102100099996",
    "payee_branch_name": "中国工商银行北京分行",
}
FULL = {
    "obligation": "salary-2026-03-张三丰",
    "pay_tool": "TRAN",
    "payee_card_type": "CR",
    "payee_branch_code": "102100099996",
    "payee_branch_name": "中国工商银行北京分行",
    "biz_trade_no": "B1",
    "return_params": "r=1",
    "payee_mobile": "13812345678",
    "payee_id_type": "ID",
    "payee_id_no": "11010119900307775X",
    "send_before": "2026-03-03T20:00:00+08:00",
    "metadata": {"team": "payroll"},
}


def faults(job: object) -> tuple[str, ...]:
    """
    What is wrong with a job.
    """
    with pytest.raises(InvalidJob) as caught:
        jobs.parse(job)
    return caught.value.faults


def test_the_smallest_job_is_taken() -> None:
    """
    What is left out has its default.
    """
    assert an_order(
        payee=type(PAYEE)(PAYEE.account_no, PAYEE.account_name, PAYEE.bank_code, "P", "DE")
    ) == jobs.parse(a_job())


def test_the_fullest_job_is_taken_whole() -> None:
    """
    Every field arrives where it belongs.
    """
    order = jobs.parse(a_job(**FULL), "shop")
    payee = order.payee

    assert (
        order.obligation,
        order.producer,
        order.biz_trade_no,
        order.return_params,
        order.metadata,
    ) == ("salary-2026-03-张三丰", "shop", "B1", "r=1", {"team": "payroll"})
    assert datetime(2026, 3, 3, 12, tzinfo=UTC) == order.send_before
    assert (
        payee.card_type,
        payee.branch_code,
        payee.branch_name,
        payee.mobile,
    ) == ("CR", "102100099996", "中国工商银行北京分行", "13812345678")
    assert (payee.id_type, payee.id_no) == ("ID", "11010119900307775X")


BAD = [
    # amounts
    ({"amount_fen": 0}, "amount_fen", "greater than or equal to 1"),
    ({"amount_fen": -1}, "amount_fen", "greater than or equal to 1"),
    ({"amount_fen": 1.5}, "amount_fen", "whole number"),
    ({"amount_fen": 100.0}, "amount_fen", "whole number"),
    ({"amount_fen": True}, "amount_fen", "whole number"),
    ({"amount_fen": "100"}, "amount_fen", "whole number"),
    ({"amount_fen": MAX_FEN + 1}, "amount_fen", "less than or equal"),
    ({"amount_fen": 10**40}, "amount_fen", "less than or equal"),
    ({"amount_fen": float("nan")}, "amount_fen", "whole number"),
    # account numbers
    ({"payee_account_no": "6222O21234567897312"}, "payee_account_no", "digits"),
    ({"payee_account_no": "6222 0212 3456 7897 312"}, "payee_account_no", "without letters"),
    ({"payee_account_no": "６２２２０２１２３４５６"}, "payee_account_no", "digits"),
    ({"payee_account_no": "1234"}, "payee_account_no", "5 to 32"),
    ({"payee_account_no": "1" * 33}, "payee_account_no", "5 to 32"),
    ({"payee_account_no": 6222021234567897312}, "payee_account_no", "must be a string"),
    # what cannot travel inside the envelope
    ({"payee_account_name": "张&三"}, "payee_account_name", "'&'"),
    ({"subject": "a\r"}, "subject", "CR, LF, NUL"),
    ({"subject": "a\nb"}, "subject", "CR, LF, NUL"),
    ({"subject": "a\x00b"}, "subject", "CR, LF, NUL"),
    ({"return_params": "a=1&b=2"}, "return_params", "'&'"),
    ({"biz_trade_no": "B\n1"}, "biz_trade_no", "CR, LF, NUL"),
    ({"obligation": "a&b"}, "obligation", "'&'"),
    ({"payee_branch_name": "支&行"}, "payee_branch_name", "'&'"),
    ({"payee_id_type": "ID", "payee_id_no": "1\n1"}, "payee_id_no", "CR, LF, NUL"),
    ({"subject": " 提现"}, "subject", "space"),
    ({"subject": ""}, "subject", "at least 1 character"),
    ({"subject": "\ud800"}, "subject", ""),
    # what people cannot see, or read otherwise
    ({"payee_account_name": "张\u200b三"}, "payee_account_name", "invisible"),
    ({"payee_account_name": "\u202e三张"}, "payee_account_name", "invisible"),
    ({"payee_account_name": "张三\ufeff"}, "payee_account_name", "invisible"),
    ({"obligation": "salary\u2060-03"}, "obligation", "invisible"),
    ({"subject": "提\u2028现"}, "subject", "invisible"),
    ({"subject": "提\U000e0041现"}, "subject", "an invisible character"),
    ({"payee_account_name": "张\ue863"}, "payee_account_name", "private use"),
    ({"payee_account_name": "张\U00100000"}, "payee_account_name", "of private use"),
    ({"payee_account_name": "张\ufffd"}, "payee_account_name", "U+FFFD"),
    ({"subject": "\u0378"}, "subject", "Unicode does not have"),
    ({"subject": "\U0002ffff"}, "subject", "Unicode does not have"),
    # over-long fields
    ({"payee_account_name": "张" * 101}, "payee_account_name", "at most 100"),
    ({"subject": "提" * 101}, "subject", "at most 100"),
    ({"obligation": "o" * 65}, "obligation", "at most 64"),
    ({"biz_trade_no": "b" * 65}, "biz_trade_no", "at most 64"),
    ({"return_params": "r" * 257}, "return_params", "at most 256"),
    ({"payee_branch_name": "行" * 129}, "payee_branch_name", "at most 128"),
    ({"payee_id_type": "ID", "payee_id_no": "1" * 33}, "payee_id_no", "at most 32"),
    ({"metadata": {str(n): "" for n in range(21)}}, "metadata", "at most 20"),
    ({"metadata": {"k": "v" * 501}}, "metadata", "at most 500"),
    ({"metadata": {"k": 1}}, "metadata", "must be a string"),
    # order numbers
    ({"out_trade_no": "P123456"}, "out_trade_no", "8 to 32"),
    ({"out_trade_no": "P" * 33}, "out_trade_no", "8 to 32"),
    ({"out_trade_no": "P-123456"}, "out_trade_no", "letters or digits"),
    ({"out_trade_no": "订单号一二三四五"}, "out_trade_no", "letters or digits"),
    ({"out_trade_no": 12345678}, "out_trade_no", "must be a string"),
    # companies
    ({**COMPANY, "payee_branch_code": None}, "payee_branch_code", "company"),
    ({**COMPANY, "payee_branch_name": None}, "payee_branch_name", "company"),
    ({**COMPANY, "payee_card_type": "CR"}, "payee_card_type", "use DE"),
    ({"payee_branch_code": "10210009999"}, "payee_branch_code", "12 digits"),
    ({"payee_account_type": "X"}, "payee_account_type", "'P' or 'C'"),
    ({"payee_card_type": "debit"}, "payee_card_type", "'DE' or 'CR'"),
    # banks
    ({"payee_bank_code": "ICBB"}, "payee_bank_code", "ICBC"),
    ({"payee_bank_code": "icbc"}, "payee_bank_code", "ICBC"),
    ({"payee_bank_code": "招商"}, "payee_bank_code", "CMB"),
    ({"payee_bank_code": "@@@@"}, "payee_bank_code", "not a bank code"),
    # what is not built
    ({"pay_tool": "ACCT"}, "pay_tool", "document"),
    ({"pay_tool": "XJK"}, "pay_tool", "document"),
    ({"pay_tool": "QUICK"}, "pay_tool", "TRAN"),
    # the rest
    ({"payee_mobile": "+86138"}, "payee_mobile", "digits"),
    ({"payee_id_no": "1"}, "payee_id_no", "payee_id_type"),
    ({"payee_id_type": "ID"}, "payee_id_no", "payee_id_type"),
    ({"payee_id_type": "XX", "payee_id_no": "1"}, "payee_id_type", "'ID'"),
    ({"send_before": "2026-03-03T20:00:00"}, "send_before", "timezone"),
    ({"send_before": "tomorrow"}, "send_before", ""),
    ({"send_before": 1772539200}, "send_before", "ISO 8601"),
    ({"send_before": "1772539200"}, "send_before", "ISO 8601"),
    ({"amount": 5}, "amount", "not a field"),
]


@pytest.mark.parametrize(("changes", "field", "rule"), BAD)
def test_a_fault_names_its_field_and_its_rule(
    changes: dict[str, Any], field: str, rule: str
) -> None:
    """
    Each kind of bad input is told by field and rule, and alone.
    """
    (fault,) = faults(a_job(**changes))

    assert fault.startswith(f"{field}: ")
    assert rule in fault
    assert len(fault) > len(f"{field}: ")


@pytest.mark.parametrize(
    "field",
    [
        "out_trade_no",
        "amount_fen",
        "payee_account_no",
        "payee_account_name",
        "payee_bank_code",
        "payee_account_type",
        "subject",
    ],
)
def test_a_missing_field_is_named(field: str) -> None:
    """
    What every job needs.
    """
    assert (f"{field}: is required",) == faults(a_job(**{field: None}))


@pytest.mark.parametrize("job", [None, "job", 1, [], [a_job()], b"{}"])
def test_a_job_is_an_object(job: object) -> None:
    """
    Anything else is not looked into.
    """
    assert faults(job) == ("job: must be an object",)


def test_all_faults_are_named_at_once() -> None:
    """
    A producer fixes a job in one go, faults across fields included.
    """
    found = faults({"payee_account_type": "C", "amount_fen": 0, "surprise": 1, "payee_id_no": "1"})
    named = {fault.partition(":")[0] for fault in found}

    assert {
        "out_trade_no",
        "amount_fen",
        "payee_account_no",
        "payee_account_name",
        "payee_bank_code",
        "subject",
        "surprise",
        "payee_branch_code",
        "payee_branch_name",
        "payee_id_no",
    } == named


SECRETS = {
    "payee_account_no": "6222O21234567897312",
    "payee_account_name": "欧阳&锋",
    "payee_bank_code": "6222021234567897312",
    "payee_account_type": "6222021234567897312",
    "payee_card_type": "欧阳锋",
    "payee_branch_code": "6222021234567897312",
    "payee_branch_name": "欧阳锋\n支行",
    "payee_mobile": "1381234567x",
    "payee_id_type": "11010119900307775X",
    "payee_id_no": "11010119900307775X\r",
    "subject": "欧阳锋\x00",
    "obligation": "欧阳锋&",
    "biz_trade_no": "欧阳锋&",
    "return_params": "欧阳锋&",
    "send_before": "欧阳锋 13812345678",
    "pay_tool": "欧阳锋",
    "out_trade_no": "欧阳锋",
    "amount_fen": "6222021234567897312",
    "metadata": {"欧阳锋": 6222021234567897312},
    "欧阳锋": "6222021234567897312",
    "6222021234567897312": 1,
}


def test_no_fault_quotes_a_value() -> None:
    """
    A fault is stored, logged and shown: it holds nothing of what it complains about.
    """
    found = faults(SECRETS)
    values = ["欧阳", "锋", "6222", "7312", "1381234", "9900307", "110101"]

    assert len(found) >= len(SECRETS)
    assert [fault for fault in found for value in values if value in fault] == []


def test_the_error_itself_quotes_nothing() -> None:
    """
    Neither does its text or its repr, nor those of what it came from.
    """
    with pytest.raises(InvalidJob) as caught:
        jobs.parse(SECRETS)
    error: BaseException | None = caught.value
    while error is not None:
        assert "6222" not in f"{error} {error!r}"
        assert "欧阳" not in f"{error} {error!r}"
        error = error.__context__


# --- the JSON Schema


def accepts(schema: Mapping[str, Any], value: Any) -> bool:
    """
    Whether a JSON Schema accepts a value, for the keywords that the job's schema uses.
    """
    unknown = set(schema) - _KEYWORDS.keys() - _NOTES
    assert not unknown, f"this check does not know {unknown}"
    if isinstance(value, dict) and "additionalProperties" in schema:
        others = [v for name, v in value.items() if name not in schema.get("properties", {})]
        rest = schema["additionalProperties"]
        if others and (rest is False or not all(accepts(rest, other) for other in others)):
            return False
    if "if" in schema and accepts(schema["if"], value) and not accepts(schema["then"], value):
        return False
    return all(_KEYWORDS[word](schema[word], value) for word in schema if word in _KEYWORDS)


def _is_of(kind: str, value: Any) -> bool:
    kinds = {"object": dict, "string": str, "integer": int, "null": type(None)}
    return isinstance(value, kinds[kind]) and not isinstance(value, bool)


def _properties(known: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(accepts(known[name], value[name]) for name in known if name in value)


_NOTES = {"$schema", "title", "description", "default", "format", "then", "additionalProperties"}
_KEYWORDS: dict[str, Any] = {
    "type": _is_of,
    "enum": lambda allowed, value: value in allowed,
    "const": lambda wanted, value: value == wanted,
    "pattern": lambda p, value: not isinstance(value, str) or bool(re.search(p, value)),
    "minLength": lambda n, value: not isinstance(value, str) or len(value) >= n,
    "maxLength": lambda n, value: not isinstance(value, str) or len(value) <= n,
    "minimum": lambda n, value: not isinstance(value, int) or value >= n,
    "maximum": lambda n, value: not isinstance(value, int) or value <= n,
    "maxProperties": lambda n, value: not isinstance(value, dict) or len(value) <= n,
    "propertyNames": lambda s, value: all(accepts(s, name) for name in value),
    "anyOf": lambda schemas, value: any(accepts(s, value) for s in schemas),
    "required": lambda names, value: all(name in value for name in names),
    "properties": _properties,
    "if": lambda *_: True,
    "allOf": lambda schemas, value: all(accepts(s, value) for s in schemas),
}

#: What a schema cannot say, or this one does not: it is left to the worker.
_BEYOND = {
    *("'&'", "CR, LF, NUL", "space", "timezone", "ISO 8601", "document", "TRAN"),
    *("an invisible character", "of private use", "Unicode does not have"),
}


def test_the_schema_forbids_other_fields() -> None:
    """
    A misspelt field is found by the producer's own validator.
    """
    assert jobs.schema()["additionalProperties"] is False


@pytest.mark.parametrize(
    "changes",
    [
        {},
        FULL,
        COMPANY,
        {"amount_fen": 1},
        {"amount_fen": MAX_FEN},
        {"metadata": {}},
        {"payee_branch_code": "102100099996"},
    ],
)
def test_the_schema_accepts_what_is_taken(changes: dict[str, Any]) -> None:
    """
    A producer that validates is never stricter than the worker.
    """
    job = a_job(**changes)

    assert jobs.parse(job)
    assert accepts(jobs.schema(), job)


@pytest.mark.parametrize(
    "optional",
    ["obligation", "payee_branch_code", "payee_id_no", "payee_id_type", "send_before"],
)
def test_a_null_is_as_good_as_nothing(optional: str) -> None:
    """
    Languages that write absent fields as null are understood by both.
    """
    job = {**a_job(), optional: None}

    assert jobs.parse(job)
    assert accepts(jobs.schema(), job)


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        (changes, field, rule)
        for changes, field, rule in BAD
        if rule not in _BEYOND and field != "send_before" and rule
    ],
)
def test_the_schema_refuses_what_it_can_express(
    changes: dict[str, Any], field: str, rule: str
) -> None:
    """
    Types, lengths, ranges, patterns, lists of codes, and the rules across fields.
    """
    assert not accepts(jobs.schema(), a_job(**changes))


def test_a_company_without_its_branch_is_refused_by_both() -> None:
    """
    A null is no branch.
    """
    job = {**a_job(**COMPANY), "payee_branch_name": None}

    assert faults(job) == ("payee_branch_name: is required for a company account",)
    assert not accepts(jobs.schema(), job)


# --- the door


class DoorPayouts:
    """
    Use cases that give one outcome, and keep the rejections.
    """

    def __init__(self, outcome: Acceptance | Exception) -> None:
        self.outcome = outcome
        self.rejections: list[Rejection] = []

    def accept(self, order: Order) -> Acceptance:
        """
        The given outcome.
        """
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def reject(self, rejection: Rejection) -> None:
        """
        Keep it.
        """
        self.rejections.append(rejection)


def received(message: dict[str, object], outcome: Acceptance | Exception) -> DoorPayouts:
    """
    The use cases after a message was taken.
    """
    payouts = DoorPayouts(outcome)
    receive(payouts, message)  # type: ignore[arg-type]
    return payouts


def test_an_accepted_job_leaves_no_rejection() -> None:
    """
    There is nothing to complain about.
    """
    assert received({"job": a_job()}, Accepted(1)).rejections == []


@pytest.mark.parametrize(
    ("message", "outcome", "reason"),
    [
        ({}, Accepted(1), "invalid"),
        ({"job": None}, Accepted(1), "invalid"),
        ({"job": ["text"]}, Accepted(1), "invalid"),
        ({"job": a_job(amount_fen=0)}, Accepted(1), "invalid"),
        ({"job": a_job()}, Conflict("number_reused", ("subject: differs",)), "number_reused"),
        ({"job": a_job()}, Conflict("expired", ("send_before: passed",)), "expired"),
        # a fault of our own
        ({"job": a_job()}, RuntimeError("6222021234567897312"), "worker_fault"),
    ],
)
def test_whatever_is_not_accepted_leaves_a_rejection(
    message: dict[str, object], outcome: Acceptance | Exception, reason: str
) -> None:
    """
    One each, with its reason, its size and its digest, and nothing of its content.
    """
    (rejection,) = received(message, outcome).rejections

    assert (reason, 64) == (rejection.reason, len(rejection.sha256))
    assert rejection.size_bytes > 0
    assert rejection.faults
    assert "6222" not in repr(rejection)
    assert PAYEE.account_name not in repr(rejection)


def test_a_rejection_names_a_proper_number_only() -> None:
    """
    An account in the place of the order number is not shown, unless it looks like a number.
    """
    known = received({"job": a_job(amount_fen=0)}, Accepted(1)).rejections[0]
    strange = received({"job": a_job(out_trade_no="张三 6222")}, Accepted(1)).rejections[0]

    assert (known.out_trade_no, strange.out_trade_no) == (NUMBER, None)


def test_a_fault_of_the_database_passes_through() -> None:
    """
    The message must be tried again, so it is neither accepted nor rejected.
    """
    with pytest.raises(StoreUnavailable):
        received({"job": a_job()}, StoreUnavailable("gone"))


def test_a_fault_of_ours_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """
    An error may quote the job.
    """
    received({"job": a_job()}, RuntimeError("6222021234567897312"))

    assert "6222" not in caplog.text
    assert any("RuntimeError" in getattr(r, "detail", "") for r in caplog.records)


@pytest.mark.parametrize(
    ("send_before", "is_one"),
    [
        ("9999-12-31T23:59:59Z", True),
        ("9999-12-31T23:59:59-05:00", False),  # the year 10000 in UTC
        ("0001-01-01T00:00:00+08:00", False),  # the year before the first
    ],
)
def test_a_moment_is_one_of_the_calendars(send_before: str, is_one: bool) -> None:
    """
    Where there is none in UTC, the field is named, instead of a fault of ours.
    """
    taken = receive(DoorPayouts(Accepted(1)), {"job": a_job(send_before=send_before)})  # type: ignore[arg-type]

    if is_one:
        assert taken == Accepted(1)
    else:
        assert taken == Invalid(("send_before: must lie in the years 1 to 9999, in UTC",))


@pytest.mark.parametrize(
    "name", ["张\U00020bb7", "\U0002ebf0", "\U000323af", "买买提·艾力", "O'Neil"]
)
def test_a_name_of_rare_ideographs_is_one(name: str) -> None:
    """
    Those of Unicode 15.1 and 17 too, which this Python need not know yet.
    """
    assert jobs.parse(a_job(payee_account_name=name)).payee.account_name == name


#: Where no pattern can follow Unicode: beyond its first 65,536 places, and what is unassigned.
_CLEAR = st.characters(max_codepoint=0xFFFF, exclude_categories=("Cn", "Cs"))


@given(st.text(_CLEAR) | st.text(" \t\u00a0\u3000\u2028&a\x85\x7f\u200b\ue000\ufffd", max_size=3))
def test_the_pattern_of_plain_text_is_its_rule(text: str) -> None:
    """
    What the schema says of a text, and what is checked, are the same.
    """
    fits = bool(text) and re.fullmatch(fields.PLAIN, text) is not None
    try:
        fields.plain(text)
        is_plain = bool(text)
    except ValueError:
        is_plain = False

    assert fits == is_plain
