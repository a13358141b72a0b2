"""
The scenarios, chosen by the payee's account number: what goes wrong, and what it must end in.

`ends` is what a right worker makes of a payout, in its own words for statuses and cases. A number
that is not listed is paid later, without a fault.
"""

from dataclasses import dataclass

from worker.sandbox.behaviour import Cause, Course, Fault, Intake, Notices, Refusal
from worker.sandbox.keys import MEMBER

_PAID_LATER = Course()
_AT_ONCE = Course(at_once=True)
_NO_SUCH_ACCOUNT = Course(closed=Cause("BAC2000006", "交易失败被银行退回/账号不存在"))
_BALANCE_SHORT = Course(closed=Cause("ACC3030007", f"账务申请失败:{MEMBER}000801:可用余额不足"))
_RETURNED = Course(returned_percent=100)
_HALF_RETURNED = Course(returned_percent=50)
_BAD_CARD = Refusal("ILLEGAL_BANK_CARD_NO", "银行卡号有误")
_BAD_FIELD = Refusal("ILLEGAL_ARGUMENT", "提交的参数有误 (trade_subject is invalid)")


@dataclass(frozen=True, slots=True)
class End:
    """
    The status that a worker must record, and the case that it must open.
    """

    status: str
    case: str | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """
    One end for each state of the channel.
    """

    normal: End
    no_notifications: End
    no_replies: End  #: all notifications are lost, and all replies to submits too


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    One way in which a payout may go, and the payee account that asks for it.
    """

    name: str
    account_no: str
    summary: str
    ends: Ends
    course: Course = _PAID_LATER
    intake: Intake = Intake.BOOKED
    #: What is answered where the intake is `REFUSED`.
    refusal: Refusal | None = None
    #: Of the reply to the first transmission.
    fault: Fault | None = None
    notices: Notices = Notices.NORMAL
    #: So many of the first queries find nothing, unless the trade is decided by then.
    unseen_queries: int = 0


def _always(status: str, case: str | None = None) -> Ends:
    return Ends(*[End(status, case)] * 3)


_PAID = _always("paid")

# Columns: name, account, what happens, what it ends in.
# fmt: off
SCENARIOS: tuple[Scenario, ...] = (
    Scenario("paid_at_once", "620000000000000001",
        "the reply says paid", _PAID, _AT_ONCE),
    Scenario("paid_later", "620000000000000002",
        "accepted, then paid", _PAID),
    Scenario("closed_later", "620000000000000003",
        "accepted, then closed: no such account", _always("failed"), _NO_SUCH_ACCOUNT),
    Scenario("refused_card", "620000000000000004",
        "the card number is refused, nothing is booked",
        # With its refusals lost, nothing ever tells it from a payout that never arrived.
        Ends(End("failed"), End("failed"), End("unknown", "not_found")),
        intake=Intake.REFUSED, refusal=_BAD_CARD),
    Scenario("balance_short", "620000000000000005",
        "accepted, then closed: the merchant's balance is short",
        _always("failed"), _BALANCE_SHORT),
    Scenario("refused_request", "620000000000000006",
        "JD refuses what we wrote, after a `resend` too; nothing is booked",
        Ends(End("refused"), End("refused"), End("unknown", "not_found")),
        intake=Intake.REFUSED, refusal=_BAD_FIELD),
    Scenario("lost_reply", "620000000000000011",
        "booked, the connection is cut without a byte", _PAID, fault=Fault.CUT),
    Scenario("lost_request", "620000000000000012",
        "not booked, the connection is cut without a byte",
        _PAID, intake=Intake.MISSED_ONCE, fault=Fault.CUT),
    Scenario("read_timeout_booked", "620000000000000013",
        "booked, the reply never comes", _PAID, fault=Fault.HELD),
    Scenario("read_timeout_unbooked", "620000000000000014",
        "not booked, the reply never comes",
        _PAID, intake=Intake.MISSED_ONCE, fault=Fault.HELD),
    Scenario("bad_gateway_booked", "620000000000000015",
        "booked, HTTP 502 with a page", _PAID, fault=Fault.BAD_GATEWAY),
    Scenario("bad_gateway_unbooked", "620000000000000016",
        "not booked, HTTP 502 with a page",
        _PAID, intake=Intake.MISSED_ONCE, fault=Fault.BAD_GATEWAY),
    Scenario("garbage_booked", "620000000000000017",
        "booked, HTTP 200 with a page", _PAID, fault=Fault.HTML_PAGE),
    Scenario("garbage_unbooked", "620000000000000018",
        "not booked, HTTP 200 with half a reply",
        _PAID, intake=Intake.MISSED_ONCE, fault=Fault.CUT_JSON),
    Scenario("system_error_booked", "620000000000000019",
        "booked, signed SYSTEM_ERROR", _PAID, fault=Fault.SYSTEM_ERROR),
    Scenario("system_error_unbooked", "620000000000000020",
        "not booked, signed SYSTEM_ERROR",
        _PAID, intake=Intake.MISSED_ONCE, fault=Fault.SYSTEM_ERROR),
    Scenario("unlisted_code_booked", "620000000000000021",
        "booked, signed code that is in no table", _PAID, fault=Fault.UNLISTED_CODE),
    Scenario("unlisted_code_unbooked", "620000000000000022",
        "not booked, signed code that is in no table",
        _PAID, intake=Intake.MISSED_ONCE, fault=Fault.UNLISTED_CODE),
    Scenario("bad_reply_signature", "620000000000000023",
        "booked, the reply's signature is wrong", _PAID, fault=Fault.BAD_SIGNATURE),
    Scenario("not_found_first", "620000000000000024",
        "booked, the reply is lost, and the first query finds nothing",
        _PAID, fault=Fault.CUT, unseen_queries=1),
    Scenario("no_result", "620000000000000025",
        "accepted, but it never reaches JD's database",
        Ends(End("processing", "no_result"), End("processing", "no_result"),
             End("unknown", "no_result")), intake=Intake.ASTRAY),
    Scenario("no_notifications", "620000000000000031",
        "paid, nobody is told", _PAID, notices=Notices.NONE),
    Scenario("duplicated_notifications", "620000000000000032",
        "paid, every notification comes three times and goes on",
        _PAID, notices=Notices.TRIPLED),
    Scenario("reordered_notifications", "620000000000000033",
        "paid and returned, the return is told before the success",
        _always("returned"), _RETURNED, notices=Notices.RETURN_FIRST),
    Scenario("forged_notification", "620000000000000034",
        "paid, a notification with a bad signature claims it was closed",
        _PAID, notices=Notices.FORGED_FIRST),
    Scenario("returned_notified", "620000000000000041",
        "paid, then returned, both told", _always("returned"), _RETURNED),
    Scenario("returned_silent", "620000000000000042",
        "paid, then returned without a word",
        _always("returned"), _RETURNED, notices=Notices.RETURN_SILENT),
    Scenario("partial_return", "620000000000000043",
        "paid, then half of it is returned; 1 fen, which has no half, stays paid",
        _always("paid", "partial_return"), _HALF_RETURNED),
)
# fmt: on

_BY_ACCOUNT = {scenario.account_no: scenario for scenario in SCENARIOS}
_DEFAULT = next(scenario for scenario in SCENARIOS if scenario.name == "paid_later")


def scenario_of(account_no: str) -> Scenario:
    """
    The scenario that a payee's account asks for.
    """
    return _BY_ACCOUNT.get(account_no, _DEFAULT)
