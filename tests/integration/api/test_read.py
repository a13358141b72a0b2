"""
Looking at one's own payouts: what the state knows, no more, and no other producer's.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.contract.samples import MERCHANT, NOON, VirtualClock, accepted, claimed, close_attempt
from tests.contract.stories import asked, judged
from tests.integration.api.conftest import Producer
from tests.integration.api.samples import a_job, places, problem
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import AttemptOutcome, Payout
from worker.payouts.policy.actions import Action
from worker.store.ledger import SqlLedger
from worker.usecases.operate import Operator

NUMBER = "ORDER0001"


def sent(ledger: SqlLedger) -> Payout:
    """
    The shop's payout, sent and never answered.
    """
    payout = accepted(ledger, NUMBER)
    close_attempt(ledger, claimed(ledger, payout), AttemptOutcome.NO_ANSWER, "read_timeout")
    return judged(ledger, payout).payout


def told(status: TradeStatus, **changes: object) -> Answer:
    """
    JD's verified answer to a question.
    """
    fields: dict[str, object] = {
        "verified": True,
        "meaning": Meaning.PROCESSED,
        "code": "0000",
        "merchant": MERCHANT,
        "number": NUMBER,
        "amount_fen": 12_345,
        "currency": "CNY",
        "trade_status": status,
        "trade_no": "JD-1",
        "raw": status.encode(),
    }
    return Answer(**fields | changes)  # type: ignore[arg-type]


def shown(shop: Producer) -> dict[str, object]:
    """
    What the shop is told of its payout.
    """
    answer = shop.get(f"/v1/payouts/{NUMBER}")
    assert answer.status_code == 200
    found: dict[str, object] = answer.json or {}
    return found


def test_a_payout_is_shown(shop: Producer, ledger: SqlLedger) -> None:
    """
    All that its producer may know, whole.
    """
    sent(ledger)

    assert shown(shop) == {
        "out_trade_no": NUMBER,
        "customer_no": MERCHANT,
        "profile": "sandbox",
        "status": "unknown",
        "meaning": "it was sent, and whether JD has it is not known: do not pay it again",
        "reason": "no_answer",
        "version": ledger.own_payout(MERCHANT, "shop", NUMBER).dossier.payout.version,
        "amount_fen": 12_345,
        "returned_fen": 0,
        "currency": "CNY",
        "payee_masked": "6222 **** **** 7312",
        "payee_bank_code": "ICBC",
        "obligation": NUMBER,
        "trade_no": None,
        "needs_attention": False,
        "safe_to_repay": False,
        "not_repayable_before": None,
        "accepted_at": "2026-03-02T12:00:00.123456Z",
        "updated_at": "2026-03-02T12:00:00.123456Z",
        "first_sent_at": "2026-03-02T12:00:00.123456Z",
        "last_sent_at": "2026-03-02T12:00:00.123456Z",
        "finalized_at": None,
        "send_before": None,
    }


def test_failed_is_not_pay_it_again(shop: Producer, ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Closed by JD once: not safe, and from when a second word can make it so. Freed on that: safe.
    """
    payout = sent(ledger)
    clock.advance(minutes=5)
    closed_at = clock.now
    asked(ledger, clock, payout, told(TradeStatus.CLOS))

    seen = shown(shop)
    assert (seen["status"], seen["safe_to_repay"]) == ("failed", False)
    possible = (closed_at + timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    assert str(seen["not_repayable_before"]) >= possible

    clock.advance(hours=25)
    asked(ledger, clock, payout, told(TradeStatus.CLOS, raw=b"again"))
    assert shown(shop)["safe_to_repay"] is False
    Operator(ledger, "cli:mei").act(Action.RELEASE, payout.id, "closed twice")

    seen = shown(shop)
    assert (seen["safe_to_repay"], seen["not_repayable_before"]) == (True, None)


def test_a_return_is_not_pay_it_again(
    shop: Producer, ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    退票, weeks after success: the sum that came back, and not safe before its debt is freed.
    """
    payout = sent(ledger)
    asked(ledger, clock, payout, told(TradeStatus.FINI))
    clock.advance(days=20)
    asked(ledger, clock, payout, told(TradeStatus.REFU, refund_fen=12_345, raw=b"back"))

    seen = shown(shop)

    assert (seen["status"], seen["returned_fen"]) == ("returned", 12_345)
    assert seen["safe_to_repay"] is False
    assert seen["not_repayable_before"] is not None


def test_a_part_that_came_back_is_no_end(
    shop: Producer, ledger: SqlLedger, clock: VirtualClock
) -> None:
    """
    It stays paid, with the part, and a person has to look.
    """
    payout = sent(ledger)
    asked(ledger, clock, payout, told(TradeStatus.FINI))
    asked(ledger, clock, payout, told(TradeStatus.REFU, refund_fen=4_000, raw=b"part"))

    seen = shown(shop)

    assert (seen["status"], seen["returned_fen"]) == ("paid", 4_000)
    assert (seen["needs_attention"], seen["safe_to_repay"]) == (True, False)


def test_anothers_payout_is_not_found(shop: Producer, payroll: Producer, ledger: SqlLedger) -> None:
    """
    404, word for word as of a number that nobody has; nor is it on any page.
    """
    sent(ledger)

    anothers = payroll.get(f"/v1/payouts/{NUMBER}")

    assert problem(anothers) == (404, "not_found")
    assert anothers.data == payroll.get("/v1/payouts/ORDER0009").data
    assert payroll.get("/v1/payouts").json == {"payouts": [], "next_cursor": None}
    assert problem(payroll.get(f"/v1/payouts?cursor={NUMBER}")) == (404, "not_found")


def test_pages_follow_each_other(shop: Producer, payroll: Producer, ledger: SqlLedger) -> None:
    """
    From the last accepted on, each of the shop's once, by the cursor that each page gives.
    """
    for place in range(5):
        for producer in (shop, payroll):
            number = f"{producer.name.upper()}{place:04}"
            assert producer.post("/v1/payouts", a_job(number)).status_code == 201
    listed: list[str] = []
    cursor = ""
    while cursor is not None:
        page = shop.get(f"/v1/payouts?limit=2{f'&cursor={cursor}' if cursor else ''}").json
        assert page is not None
        listed += [payout["out_trade_no"] for payout in page["payouts"]]
        cursor = page["next_cursor"]

    assert listed == ["SHOP0004", "SHOP0003", "SHOP0002", "SHOP0001", "SHOP0000"]


def test_a_page_that_is_just_full_is_the_last(shop: Producer) -> None:
    """
    No cursor leads to an empty page.
    """
    for place in range(2):
        shop.post("/v1/payouts", a_job(f"ORDER{place:04}"))

    page = shop.get("/v1/payouts?limit=2").json

    assert page is not None
    assert (len(page["payouts"]), page["next_cursor"]) == (2, None)


def test_a_list_is_filtered(shop: Producer, clock: VirtualClock) -> None:
    """
    By status, by obligation, and by time with any zone; all at once as well.
    """
    shop.post("/v1/payouts", a_job("ORDER0001", obligation="工资-7", amount_fen=1, owed_fen=9))
    clock.advance(hours=1)
    shop.post("/v1/payouts", a_job("ORDER0002", obligation="工资-7", amount_fen=2))
    shop.post("/v1/payouts/ORDER0002/cancel")
    at_one = (NOON + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    in_china = (NOON + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S.%f%%2B08:00")

    def numbers(query: str) -> list[str]:
        page = shop.get(f"/v1/payouts?{query}").json
        assert page is not None
        return [payout["out_trade_no"] for payout in page["payouts"]]

    assert numbers("status=cancelled") == ["ORDER0002"]
    assert numbers("obligation=%E5%B7%A5%E8%B5%84-7") == ["ORDER0002", "ORDER0001"]
    assert numbers(f"accepted_from={at_one}Z") == ["ORDER0002"]
    assert numbers(f"accepted_before={in_china}") == ["ORDER0001"]
    assert numbers(f"status=queued&accepted_from={at_one}Z") == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "?limit"),
        ("limit=101", "?limit"),
        ("limit=1_0", "?limit"),
        ("limit=", "?limit"),
        ("status=done", "?status"),
        ("stauts=paid", "?stauts"),
        ("status=paid&status=failed", "?status"),
        ("accepted_from=2026-03-02T12:00:00", "?accepted_from"),
        ("accepted_from=1772452800", "?accepted_from"),
        ("accepted_before=9999-12-31T23:59:59-05:00", "?accepted_before"),
        ("cursor=1", "?cursor"),
        ("obligation=", "?obligation"),
        ("obligation=%00", "?obligation"),
        ("Stauts%20x=1", "?a field"),
    ],
)
def test_a_query_that_is_misspelt_lists_nothing(shop: Producer, query: str, place: str) -> None:
    """
    422 that names the parameter: a filter that is overlooked would list what nobody asked for.
    """
    answer = shop.get(f"/v1/payouts?{query}")

    assert problem(answer) == (422, "invalid")
    assert places(answer) == {place}


def test_what_takes_no_query_refuses_one(shop: Producer) -> None:
    """
    Everywhere alike.
    """
    assert problem(shop.get("/v1/banks?code=CMB")) == (422, "invalid")
    assert problem(shop.get(f"/v1/payouts/{NUMBER}?x=1")) == (422, "invalid")


def test_banks_are_those_of_a_job(shop: Producer) -> None:
    """
    A code that is listed is accepted.
    """
    listed = shop.get("/v1/banks").json
    assert listed is not None
    named = {bank["code"]: bank["name"] for bank in listed["banks"]}

    assert named["CMB"] == "招商银行"
    assert list(named) == sorted(named)
    assert shop.post("/v1/payouts", a_job(payee_bank_code=max(named))).status_code == 201


def test_events_are_told_in_one_order(shop: Producer, ledger: SqlLedger) -> None:
    """
    From where one stopped reading, and of one payout if it is named; what is new comes later.
    """
    sent(ledger)
    accepted(ledger, "ORDER0002")
    assert shop.get("/v1/events").json == {"events": [], "next_after": 0}
    ledger.announce(100)

    first = shop.get("/v1/events?limit=2").json or {}
    assert [event["type"] for event in first["events"]] == ["payout.accepted", "payout.sent"]
    rest = shop.get(f"/v1/events?after={first['next_after']}").json or {}
    assert [e["data"]["out_trade_no"] for e in rest["events"]] == [NUMBER, "ORDER0002"]
    assert shop.get(f"/v1/events?after={rest['next_after']}").json == {
        "events": [],
        "next_after": rest["next_after"],
    }
    named = shop.get("/v1/events?number=ORDER0002").json or {}
    assert [event["data"]["version"] for event in named["events"]] == [1]


def test_another_producers_events_are_not_told(
    register: Callable[[str], Producer], ledger: SqlLedger
) -> None:
    """
    Neither of its payouts nor of its jobs, however they are asked for.
    """
    sent(ledger)
    ledger.announce(100)
    other = register("another")

    assert other.get("/v1/events").json == {"events": [], "next_after": 0}
    assert other.get(f"/v1/events?number={NUMBER}").json == {"events": [], "next_after": 0}


@pytest.mark.parametrize("query", ["after=-1", "after=1.0", "after=1e3", "limit=0", "limit=101"])
def test_a_wrong_page_of_events_is_refused(shop: Producer, query: str) -> None:
    """
    With the place of what is wrong.
    """
    answer = shop.get(f"/v1/events?{query}")

    assert answer.status_code == 422
    assert places(answer) == {"?" + query.partition("=")[0]}
