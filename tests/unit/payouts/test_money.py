"""
Amounts.
"""

import pytest

from worker.payouts.errors import InvalidAmount
from worker.payouts.money import parse_fen, yuan


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("12345", 12_345),
        ("0", 0),  # a return may name nothing
        ("007", 7),  # leading zeros change nothing
        ("9" * 15, 10**15 - 1),
    ],
)
def test_digits_on_the_wire_are_fen(text: str, fen: int) -> None:
    """
    The wire's decimal digits are read as they stand.
    """
    assert fen == parse_fen(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1.00",  # a point would make it yuan
        " 1",
        "1\n",  # a pattern that ends with $ would let this pass
        "1e3",
        "١٢٣",  # digits to Python, not to JD
        "9" * 16,
    ],
)
def test_anything_else_on_the_wire_is_no_amount(text: str) -> None:
    """
    A sign, a point, a space or a foreign digit is never guessed at.
    """
    with pytest.raises(InvalidAmount):
        parse_fen(text)


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (1, "0.01"), (100, "1.00"), (1_234_567_89, "1,234,567.89"), (-5, "-0.05")],
)
def test_people_read_yuan(fen: int, text: str) -> None:
    """
    Amounts are shown to people in yuan with two decimals.
    """
    assert text == yuan(fen)
