"""
Guards of the wire: what goes out, to whom, how often, and until when.
"""

from tests.mutants.guard import Change, Guard

_TRANSPORT = "worker/jdpay/transport.py"
_DEADLINE = "worker/jdpay/deadline.py"
_CLIENT = "worker/jdpay/client.py"
_REQUEST = "worker/jdpay/request.py"
_TRANSPORTS = "tests/unit/jdpay/test_transport.py"
_FAULTS = f"{_TRANSPORTS}::test_ambiguous_faults"
_SMALLEST = "tests/unit/jdpay/test_client.py::test_smallest_request"

GUARDS = (
    Guard(
        "https-alone",
        "A payment would be sent for everybody on the way to read and to change.",
        (Change(_TRANSPORT, 'if urlsplit(url).scheme != "https":', "if False:"),),
        (f"{_TRANSPORTS}::test_plain_http_is_never_spoken",),
    ),
    Guard(
        "redirects-are-not-followed",
        "A payment would be sent a second time, and to wherever a header says.",
        (Change(_TRANSPORT, "allow_redirects=False,", "allow_redirects=True,"),),
        (_FAULTS,),
    ),
    Guard(
        "unknown-fault-may-have-been-sent",
        "A fault that nobody has classified would pass for no connection, and be repeated.",
        (Change(_TRANSPORT, "return MaybeSent(next(", "return NotSent(next("),),
        (f"{_TRANSPORTS}::test_unknown_faults_are_ambiguous",),
    ),
    Guard(
        "timed-out-facts-may-have-been-sent",
        "A request that was read and not answered would be repeated.",
        (
            Change(
                _TRANSPORT,
                '(ssl.SSLCertVerificationError, "certificate_untrusted"),',
                '(ssl.SSLCertVerificationError, "certificate_untrusted"),\n'
                '    (urllib3.exceptions.ReadTimeoutError, "read_timeout"),',
            ),
        ),
        (_FAULTS,),
    ),
    Guard(
        "only-the-find_stale-is-repeated",
        "A payment whose answer was lost would be sent three times.",
        (
            Change(
                _TRANSPORT,
                "tenacity.retry_if_exception_type(NotSent)",
                "tenacity.retry_if_exception_type((NotSent, MaybeSent))",
            ),
        ),
        (_FAULTS,),
    ),
    Guard(
        "library-repeats-nothing",
        "A connection would be tried again behind the lease's back.",
        (
            Change(
                _DEADLINE,
                "pool_maxsize=1, max_retries=0",
                "pool_maxsize=1, max_retries=3",
            ),
        ),
        (f"{_TRANSPORTS}::test_each_connection_is_asked_for",),
    ),
    Guard(
        "lease-is-asked-before-connecting",
        "A worker that has lost its lease would send.",
        (Change(_TRANSPORT, "            before_connect()\n"),),
        (f"{_TRANSPORTS}::test_the_lease_has_the_last_word",),
    ),
    Guard(
        "lease-is-asked-before-each-try",
        "A lease lost between two tries would not stop the second.",
        (
            Change(
                _TRANSPORT,
                "            before_connect()\n",
                "            if attempt.retry_state.attempt_number == 1:\n"
                "                before_connect()\n",
            ),
        ),
        (f"{_TRANSPORTS}::test_the_lease_is_asked_between_tries",),
    ),
    Guard(
        "client-hands-the-lease-on",
        "The lease would be asked by nobody.",
        (
            Change(
                _CLIENT,
                '_url(terms, "defray_pay"), outer, before_connect)',
                '_url(terms, "defray_pay"), outer, lambda: None)',
            ),
        ),
        ("tests/unit/jdpay/test_client.py::test_submit",),
    ),
    Guard(
        "deadline-ends-the-exchange",
        "A lease would end, and another worker send, while an answer still drips in.",
        (
            Change(
                _TRANSPORT,
                "self.clock() + self.deadline",
                "self.clock() + 10 * self.deadline",
            ),
        ),
        (f"{_TRANSPORTS}::test_slow_drip",),
    ),
    Guard(
        "stopped-process-does-not-connect",
        "A worker that was frozen after it renewed its lease would send beside its successor.",
        (Change(_DEADLINE, "if limits.clock() > limits.latest:", "if False:"),),
        (f"{_TRANSPORTS}::test_a_process_that_was_stopped_does_not_connect",),
    ),
    Guard(
        "nothing-goes-out-past-the-deadline",
        "A worker that was frozen while it connected would send after its lease.",
        (
            Change(
                _DEADLINE,
                "self.limits.left()\n        return super().send(data, flags)",
                "return super().send(data, flags)",
            ),
        ),
        (f"{_TRANSPORTS}::test_a_process_that_was_stopped_while_connecting_sends_nothing",),
    ),
    Guard(
        "answer-is-capped",
        "One answer could fill the worker's memory, and end all that it is sending.",
        (Change(_TRANSPORT, "if len(body) > self.body_limit:", "if False:"),),
        (_FAULTS,),
    ),
    Guard(
        "only-200-is-an-answer",
        "The page of a proxy would be taken for JD's.",
        (Change(_TRANSPORT, "if response.status_code != 200:", "if False:"),),
        (_FAULTS,),
    ),
    Guard(
        "empty-answer-is-none",
        "An answer that was cut would pass for a whole one.",
        (Change(_TRANSPORT, "if not body:", "if False:"),),
        (_FAULTS,),
    ),
    Guard(
        "values-cannot-add-fields",
        "A payee's name could change the amount that JD reads.",
        (Change("worker/jdpay/request.py", "canonical.refuse_unsafe(fields)"),),
        ("tests/unit/jdpay/test_client.py::test_unsafe_order",),
    ),
    Guard(
        "amount-goes-out-in-fen",
        "A hundred times too much would be paid.",
        (Change(_REQUEST, "str(order.amount_fen)", "str(order.amount_fen * 100)"),),
        (_SMALLEST,),
    ),
    Guard(
        "payment-goes-to-a-bank-account",
        "JD would pay into something else than the payee's account.",
        (Change(_REQUEST, 'PAY_TOOL = "TRAN"', 'PAY_TOOL = "ACCT"'),),
        (_SMALLEST,),
    ),
    Guard(
        "query-names-its-trade-type",
        "JD would answer no question, and every payout stay unknown.",
        (Change(_REQUEST, '"trade_type": TRADE_TYPE,'),),
        ("tests/unit/jdpay/test_client.py::test_query",),
    ),
)
