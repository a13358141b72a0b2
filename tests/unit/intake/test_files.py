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
        (b'{"amount_fen": ' + b"1" * 5_001 + b"}", "more digits than any amount"),
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


TOO_MUCH = ("obligation: jobs[0] pays it as well, and together it is more than is owed",)


@pytest.mark.parametrize(
    ("first", "second", "faults"),
    [
        # two payouts of the whole debt; names that look the same are the same
        ({}, {}, TOO_MUCH),
        ({"obligation": "march-mei-1"}, {"obligation": "march-mei-１"}, TOO_MUCH),
        # a split that adds up, and one that does not
        ({"owed_fen": 200}, {"owed_fen": 200}, ()),
        ({"owed_fen": 200}, {}, ()),
        ({"owed_fen": 200}, {"amount_fen": 101}, TOO_MUCH),
        # two opinions on what is owed
        (
            {"owed_fen": 200},
            {"owed_fen": 300},
            ("owed_fen: jobs[0], which pays the same obligation, says otherwise",),
        ),
        ({"obligation": "march-mei"}, {"obligation": "march-lan"}, ()),
    ],
)
def test_an_obligation_twice_in_a_file_is_paid_once(
    first: dict[str, object], second: dict[str, object], faults: tuple[str, ...]
) -> None:
    """
    The second job is judged as the worker will judge it: shares may come up to what is owed.
    """
    common = {"obligation": "march-mei", "amount_fen": 100}
    jobs = [a_job(f"SALARY0{n}", **common | more) for n, more in enumerate((first, second))]

    assert files.check(jobs)[1].faults == faults


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
