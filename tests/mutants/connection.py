"""
Guards of the connection: who answers at its other end, and who may use it again.
"""

from tests.mutants.guard import Change, Guard

_TRANSPORT = "worker/jdpay/transport.py"
_DEADLINE = "worker/jdpay/deadline.py"
_TRUST = "worker/jdpay/trust.py"
_TRANSPORTS = "tests/unit/jdpay/test_transport.py"
_ENVIRONMENT = "tests/unit/jdpay/test_environment.py"
_CLIENT = "worker/jdpay/client.py"
_KEPT = "worker/jdpay/kept.py"
_QUESTIONS = "tests/unit/jdpay/test_questions.py"

GUARDS = (
    Guard(
        "tls-is-verified",
        "A stranger would take the payee's data, and answer in JD's place.",
        (
            Change(
                _TRUST,
                "made.hostname_checks_common_name = False",
                "made.check_hostname = False",
            ),
            Change(_DEADLINE, 'conn.cert_reqs = "CERT_REQUIRED"', 'conn.cert_reqs = "CERT_NONE"'),
        ),
        (f"{_TRANSPORTS}::test_untrusted_certificate",),
    ),
    Guard(
        "tls-is-for-this-host",
        "Whoever has a certificate for any name at all could answer in JD's place.",
        (
            Change(
                _DEADLINE,
                "ssl_context=self._context, **pool_kwargs",
                "ssl_context=self._context, assert_hostname=False, **pool_kwargs",
            ),
        ),
        (f"{_TRANSPORTS}::test_wrong_host",),
    ),
    Guard(
        "environment-diverts-nothing",
        "A proxy of the environment, or whom it trusts, would get the payments.",
        (Change(_TRANSPORT, "session.trust_env = False", "session.trust_env = True"),),
        (
            f"{_ENVIRONMENT}::test_no_proxy_is_used",
            f"{_ENVIRONMENT}::test_no_other_authority_is_believed",
            f"{_ENVIRONMENT}::test_no_password_is_sent",
        ),
    ),
    Guard(
        "ca-file-replaces-the-others",
        "Each authority that the machine trusts could name somebody else as JD.",
        (
            Change(
                _TRUST,
                "made.load_verify_locations(path)",
                "made.load_verify_locations(path)\n        made.load_default_certs()",
            ),
        ),
        (f"{_ENVIRONMENT}::test_no_other_authority_is_believed",),
    ),
    Guard(
        "submit-has-a-fresh-connection",
        "A server that closes a kept one would leave it open whether a payment has arrived.",
        (
            Change(
                _TRANSPORT,
                "before_connect, self._afresh)",
                "before_connect, self._over_the_kept)",
            ),
        ),
        (
            f"{_QUESTIONS}::test_a_submit_has_its_own_connection",
            f"{_QUESTIONS}::test_a_lost_submit_is_not_repeated",
        ),
    ),
    Guard(
        "submit-is-no-question",
        "A payment whose answer was lost would be sent twice.",
        (
            Change(
                _CLIENT,
                'self._transport.post(self._url(terms, "defray_pay"), outer, before_connect)',
                'before_connect() or self._transport.ask(self._url(terms, "defray_pay"), outer)',
            ),
        ),
        ("tests/unit/jdpay/test_client.py::test_submit",),
    ),
    Guard(
        "question-is-repeated-for-a-lost-connection-alone",
        "A gateway in trouble would be asked twice as often, and each answer wait twice as long.",
        (Change(_TRANSPORT, "if not _is_closed(fault.__cause__):", "if False:"),),
        (f"{_QUESTIONS}::test_another_fault",),
    ),
    Guard(
        "child-does-not-use-its-parents-connection",
        "Two processes would read each other's answers.",
        (Change(_KEPT, "adapter is None or self._put_by != os.getpid()", "adapter is None"),),
        (f"{_QUESTIONS}::test_a_child_has_its_own",),
    ),
)
