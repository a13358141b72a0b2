"""
What people are told.
"""

import json

import pytest

from tests.factories import NOON
from worker.cli.doctor import gateway
from worker.jdpay.codes import RESPONSE_CODES
from worker.payouts.channel import Channel
from worker.payouts.limits import Limits
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus
from worker.views import documents as facts
from worker.views import texts as advice
from worker.views.advice import Sending


def test_every_status_has_a_meaning() -> None:
    """
    A new status cannot be forgotten.
    """
    assert set(advice.MEANINGS) == set(PayoutStatus)


def test_every_case_has_a_meaning_and_advice() -> None:
    """
    A new kind of case cannot be forgotten.
    """
    assert set(advice.CASE_MEANINGS) == set(advice.CASE_ADVICE) == set(CaseKind)


@pytest.mark.parametrize("code", [*RESPONSE_CODES, "NEVER_SEEN"])
def test_every_code_has_a_remedy(code: str) -> None:
    """
    The doctor has something to say about each code, listed or not.
    """
    assert gateway.remedy(code)


def test_both_spellings_of_the_security_profile_are_known() -> None:
    """
    JD's gateway and JD's lists spell it differently.
    """
    remedies = {
        gateway.remedy("ILLEGAL_SECURITY_PROFILE"),
        gateway.remedy("ILLEGAL_SECUTITY_PROFILE"),
    }

    assert len(remedies) == 1
    assert "PAYOUTS_CUSTOMER_NO, PAYOUTS_SIGN_KEY and PAYOUTS_PFX_FILE" in remedies.pop()


def test_facts_are_json() -> None:
    """
    What is told is plain JSON.
    """
    told = json.loads(
        json.dumps(facts.sending(Sending(Channel("360080000000000001"), NOON), Limits()))
    )

    assert (told["paused"], told["unverifiable"], told["in_doubt"]) == (False, 0, 0)
