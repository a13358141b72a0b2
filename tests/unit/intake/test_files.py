"""
Reading and checking a file of jobs.
"""

from datetime import UTC, datetime

import pytest

from tests.integration.cli.samples import ACCOUNT, a_job
from worker.intake import files
from worker.payouts.errors import UnreadableJobs


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"a": 1,}', "line 1, column"),
        (b'[{"a": 1}\n{"b": 2}]', "line 2, column 1"),
        (b"", "line 1, column 1"),
        (b'{"a": "\xff"}', "not UTF-8 text, from byte 8 on"),
        (b"[]", "holds no job"),
        (b'{"amount_fen": 1, "amount_fen": 2}', "same key twice"),
        (b'{"amount_fen": NaN}', "NaN"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told_by_place(content: bytes, told: str) -> None:
    """
    Every unreadable file has one clear complaint.
    """
    with pytest.raises(UnreadableJobs, match=told):
        files.read(content)


def test_content_is_not_quoted() -> None:
    """
    A complaint about JSON holds nothing of the JSON.
    """
    with pytest.raises(UnreadableJobs) as caught:
        files.read(f'{{"payee_account_no": {ACCOUNT}x}}'.encode())

    assert ACCOUNT[:6] not in str(caught.value)


def test_one_job_is_a_file_of_one() -> None:
    """
    An object stands for an array with that object.
    """
    assert files.read(b'{"a": 1}') == files.read(b'[{"a": 1}]')


def test_a_good_job_has_its_order() -> None:
    """
    A job without faults is ready to be sent.
    """
    (checked,) = files.check([a_job("SALARY01")])

    assert (checked.faults, checked.out_trade_no) == ((), "SALARY01")
    assert checked.order is not None


def test_a_number_twice_in_a_file_is_a_fault() -> None:
    """
    The second job of the same number names the first.
    """
    _, second = files.check([a_job("SALARY01"), a_job("SALARY01", amount_fen=2)])

    assert second.faults == ("out_trade_no: jobs[0] has it as well",)


def test_an_obligation_twice_in_a_file_is_a_fault() -> None:
    """
    Two numbers for one obligation would pay it twice: the worker would refuse the second.
    """
    first = a_job("SALARY01", obligation="march-mei")
    second = a_job("SALARY02", obligation="march-mei")

    assert files.check([first, second])[1].faults == ("obligation: jobs[0] pays it as well",)


@pytest.mark.parametrize(
    ("now", "faults"),
    [
        (datetime(2026, 3, 3, 11, 59, 59, tzinfo=UTC), ()),
        (datetime(2026, 3, 3, 12, 0, 0, tzinfo=UTC), ("send_before: this moment has passed",)),
        (None, ()),
    ],
    ids=["still to come", "has come", "not asked"],
)
def test_a_moment_that_has_passed_is_a_fault(now: datetime | None, faults: tuple[str, ...]) -> None:
    """
    By the clock that is given, to the second and without a tolerance.
    """
    (checked,) = files.check([a_job(send_before="2026-03-03T20:00:00+08:00")], now)

    assert checked.faults == faults
