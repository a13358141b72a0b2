import pytest

from worker.jdpay import banks, codes
from worker.payouts.evidence import Meaning


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("0000", Meaning.PROCESSED),
        ("OUT_TRADE_NO_EXIST", Meaning.DUPLICATE),
        ("CURRENT_DEAL_NOT_ALLOWED", Meaning.DUPLICATE),
        ("TRADE_NOT_EXIST", Meaning.NOT_FOUND),
        ("NO_RESULT", Meaning.NO_RESULT),
        ("ILLEGAL_BANK_CARD_NO", Meaning.PAYEE),
        ("ILLEGAL_BANK_CARD_NAME", Meaning.PAYEE),
        ("ILLEGAL_BANK_CARD_TYPE", Meaning.PAYEE),
        ("ILLEGAL_ID_CARD_NO", Meaning.PAYEE),
        ("ILLEGAL_BANK_CARD_VALID_PERIOD", Meaning.PAYEE),
        ("ACCOUNT_BALANCE_NOT_ENOUGH", Meaning.BALANCE),
        ("ILLEGAL_SIGN", Meaning.CHANNEL),
        ("ILLEGAL_SECURITY_PROFILE", Meaning.CHANNEL),
        ("ILLEGAL_SECUTITY_PROFILE", Meaning.CHANNEL),
        ("CERT_EXPIRE", Meaning.CHANNEL),
        ("API0000003", Meaning.CHANNEL),
        ("ILLEGAL_CLIENT_IP", Meaning.CHANNEL),
        ("CUSTOMER_NOT_EXIST", Meaning.CHANNEL),
        ("ILLEGAL_ARGUMENT", Meaning.REQUEST),
        ("ILLEGAL_CHARSET", Meaning.REQUEST),
        ("TOTAL_FEE_OUT_OF_RANGE", Meaning.REQUEST),
        ("SYSTEM_ERROR", Meaning.UNCLEAR),
        ("REFUND_FAILED", Meaning.UNCLEAR),
        ("RETURN_PARAM_NULL", Meaning.UNCLEAR),
        ("0001", Meaning.UNCLEAR),
        ("success", Meaning.UNCLEAR),
        ("", Meaning.UNCLEAR),
    ],
)
def test_meanings(code: str, meaning: Meaning) -> None:
    """
    Each code means what JD's demo and production clients say, any other is unclear.
    """
    assert codes.look_up(code).meaning is meaning


def test_five_codes_blame_the_payee() -> None:
    """
    No code beyond the five of the payee's data can fail a payout.
    """
    blaming = [row for row in codes.RESPONSE_CODES.values() if row.meaning is Meaning.PAYEE]

    assert len(blaming) == 5


def test_each_code_is_listed_once() -> None:
    """
    No code stands under two meanings.
    """
    assert len(codes.RESPONSE_CODES) == 44


def test_reasons() -> None:
    """
    A closed trade's reason tells whether our own balance was short; unlisted ones do not.
    """
    assert codes.reason("ACC3030007").balance_short
    assert not codes.reason("BAC2000006").balance_short
    assert not codes.reason("X").balance_short


def test_bank_names() -> None:
    """
    A listed code has its Chinese name, another has none.
    """
    assert len(banks.banks()) == 264
    assert banks.name("CMB") == "招商银行"
    assert banks.name("cmb") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("cmb", "CMB"),
        ("ICBK", "ICBC"),
        ("招商", "CMB"),
        ("中国工商银行", "ICBC"),
        ("工商行", "ICBC"),
    ],
)
def test_near_banks(text: str, code: str) -> None:
    """
    A wrong code or a short Chinese name leads to the bank that is meant.
    """
    assert code in [bank.code for bank in banks.near(text)]


def test_nothing_is_near() -> None:
    """
    What is like no bank finds none.
    """
    assert banks.near("???") == []
