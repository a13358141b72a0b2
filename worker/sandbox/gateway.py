"""
The payment interface: every request is checked as JD checks it, then answered as its scenario says.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import assert_never

from worker.sandbox import checks, replies
from worker.sandbox.behaviour import Fault, Intake, Status, Step
from worker.sandbox.books import Books, Clock
from worker.sandbox.checks import Refused
from worker.sandbox.dates import utc_now
from worker.sandbox.envelope import EnvelopeError, open_envelope
from worker.sandbox.forms import read_form
from worker.sandbox.keys import MEMBER, Keys
from worker.sandbox.orders import Order
from worker.sandbox.replies import Answer, Cut, Fields, Held, Page, common, plain, signed_page
from worker.sandbox.signing import canonical, is_signed
from worker.sandbox.switches import Announcer, Switches

_NO_INTERFACE = plain("API0000003", "未能找到合适的接口")
_ILLEGAL_SIGN = ("ILLEGAL_SIGN", "签名验证失败")
_NO_SUCH_TRADE = ("TRADE_NOT_EXIST", "交易不存在")


class Gateway:
    """
    Answers requests; knows nothing of sockets.
    """

    def __init__(
        self,
        keys: Keys,
        books: Books,
        announcer: Announcer,
        switches: Switches,
        clock: Clock = utc_now,
    ) -> None:
        self._keys = keys
        self._books = books
        self._announcer = announcer
        self._switches = switches
        self._clock = clock

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """
        Answer one request, whatever it is.
        """
        match method, path:
            case "GET", "/sandbox/health":
                return replies.json_page({"status": "ok"})
            case "GET", "/sandbox/books":
                return replies.json_page(self._books.report())
            case "POST", "/sandbox/switches":
                return self._switch(body)
            case "POST", "/npp10/defray_pay":
                answer = self._guarded(self._pay, body)
                is_lost = self._switches.drop_replies and isinstance(answer, Page)
                return Cut() if is_lost else answer
            case "POST", "/npp10/trade_query":
                return self._guarded(self._query, body)
            case "POST", "/npp10/account_query":
                return self._guarded(self._account, body)
            case _:
                return self._signed(_NO_INTERFACE)

    def _guarded(self, handle: Callable[[Mapping[str, str]], Answer], body: bytes) -> Answer:
        try:
            return handle(read_form(body))
        except Refused as refused:
            return self._signed(plain(refused.code, refused.message))

    def _pay(self, form: Mapping[str, str]) -> Answer:
        checks.check(form, checks.SEALED)
        _check_member(form["customer_no"])
        try:
            opened = open_envelope(
                form["encrypt_data"],
                self._keys.jd_key,
                self._keys.jd_cert,
                self._keys.merchant_cert,
            )
            plaintext = opened.plaintext.decode()
        except (EnvelopeError, UnicodeDecodeError) as unreadable:
            raise Refused("ILLEGAL_SECURITY_PROFILE", "证书或密文有误") from unreadable
        fields = dict(pair.partition("=")[::2] for pair in plaintext.split("&"))
        if (
            canonical(fields) != plaintext
            or fields.get("customer_no") != form["customer_no"]
            or not is_signed(plaintext, form["sign_data"], self._keys.sign_key)
        ):
            raise Refused(*_ILLEGAL_SIGN)
        checks.check(fields, checks.PAY)
        receipt = self._books.transmit(fields)
        if receipt.notices and "notify_url" in fields:
            self._announcer.announce(receipt.order.number, receipt.notices)
        if receipt.is_duplicate:
            return self._reply(receipt.order, "OUT_TRADE_NO_EXIST", "外部交易号已经存在")
        fault = receipt.order.scenario.fault
        if fault is not None and receipt.order.transmissions == 1:
            return self._spoilt(receipt.order, fault)
        if refusal := receipt.order.scenario.refusal:
            return self._without_trade(receipt.order, refusal.code, refusal.message)
        return self._reply(receipt.order, "0000", "成功")

    def _spoilt(self, order: Order, fault: Fault) -> Answer:
        match fault:
            case Fault.CUT:
                return Cut()
            case Fault.HELD:
                return Held()
            case Fault.BAD_GATEWAY:
                return replies.BAD_GATEWAY
            case Fault.HTML_PAGE:
                return replies.HTML_PAGE
            case Fault.CUT_JSON:
                whole = self._reply(order, "0000", "成功")
                return Page(whole.status, whole.content_type, whole.body[: len(whole.body) // 2])
            case Fault.SYSTEM_ERROR:
                return self._without_trade(order, "SYSTEM_ERROR", "系统异常")
            case Fault.UNLISTED_CODE:
                return self._without_trade(order, "SANDBOX_UNLISTED", "未列出的返回码")
            case Fault.BAD_SIGNATURE:
                fields = replies.submitted(order, "0000", "成功", self._clock())
                return signed_page(fields, f"not {self._keys.sign_key}")
            case _:
                assert_never(fault)

    def _query(self, form: Mapping[str, str]) -> Page:
        self._check_signed(form)
        # JD's own demos leave it out and get an answer; a wrong one is what breaks its gateway.
        if form.get("trade_type", "T_AGD") != "T_AGD":
            return replies.BAD_GATEWAY
        checks.check(form, checks.QUERY)
        number, trade_no = form.get("out_trade_no"), form.get("trade_no")
        if not (number or trade_no):
            raise checks.illegal_argument("out_trade_no is isRequired not null")
        order = self._books.query(number, trade_no)
        if order is None:
            return self._signed(common(*_NO_SUCH_TRADE, number, self._clock()))
        if order.scenario.intake is Intake.ASTRAY:
            return self._without_trade(order, "NO_RESULT", "查询无结果")
        if order.step is None or _is_unseen(order, order.step):
            return self._without_trade(order, *_NO_SUCH_TRADE)
        return self._signed(replies.queried(order, order.step, self._clock()))

    def _account(self, form: Mapping[str, str]) -> Page:
        self._check_signed(form)
        checks.check(form, checks.ACCOUNT)
        try:
            buyer = json.loads(form["buyer_info"])
        except json.JSONDecodeError as fault:
            raise checks.illegal_argument("buyer_info is invalid") from fault
        if buyer != {"customer_code": MEMBER, "customer_type": "CUSTOMER_NO"}:
            raise checks.illegal_argument("buyer_info is invalid")
        return self._signed(
            {
                **common("0000", "成功", form["out_trade_no"], self._clock()),
                "buyer_info": form["buyer_info"],
                "account_amount": str(self._books.balance_fen()),
                "frozen_amount": "0",
                "account_currency": "CNY",
            }
        )

    def _check_signed(self, form: Mapping[str, str]) -> None:
        checks.check({name: form[name] for name in _SIGN_FIELDS & form.keys()}, checks.SIGNED)
        _check_member(form["customer_no"])
        if not is_signed(canonical(form), form["sign_data"], self._keys.sign_key):
            raise Refused(*_ILLEGAL_SIGN)

    def _switch(self, body: bytes) -> Page:
        try:
            wanted = json.loads(body)
        except ValueError:
            wanted = None
        known = asdict(self._switches)
        if not isinstance(wanted, dict) or not all(
            name in known and isinstance(value, bool) for name, value in wanted.items()
        ):
            return Page(400, "text/plain", b"an object of switches, each true or false\n")
        for name, value in wanted.items():
            setattr(self._switches, name, value)
        return replies.json_page(asdict(self._switches))

    def _reply(self, order: Order, code: str, message: str) -> Page:
        return self._signed(replies.submitted(order, code, message, self._clock()))

    def _without_trade(self, order: Order, code: str, message: str) -> Page:
        return self._signed(common(code, message, order.number, self._clock()))

    def _signed(self, fields: Fields) -> Page:
        return signed_page(fields, self._keys.sign_key)


_SIGN_FIELDS = frozenset(rule.name for rule in checks.SIGNED)


def _is_unseen(order: Order, step: Step) -> bool:
    # Never once it is decided: it may have been notified by then, and what was told stays known.
    return step.status is Status.WPAR and order.queries <= order.scenario.unseen_queries


def _check_member(customer_no: str) -> None:
    if customer_no != MEMBER:
        raise Refused("CUSTOMER_NOT_EXIST", "会员不存在")
