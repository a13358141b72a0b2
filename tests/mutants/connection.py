"""
Guards of the connection: who answers at its other end.
"""

from tests.mutants.guard import Change, Guard

_TRANSPORT = "worker/jdpay/transport.py"
_DEADLINE = "worker/jdpay/deadline.py"
_TRUST = "worker/jdpay/trust.py"
_TRANSPORTS = "tests/unit/jdpay/test_transport.py"
_ENVIRONMENT = "tests/unit/jdpay/test_environment.py"

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
)
