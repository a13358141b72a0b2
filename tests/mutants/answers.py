"""
Guards of reading: what of a received message is JD's word.
"""

from tests.mutants.guard import Change, Guard

_SIGNATURE = "worker/jdpay/signature.py"
_CANONICAL = "worker/jdpay/canonical.py"
_ANSWER = "worker/jdpay/answer.py"
_CODES = "worker/jdpay/codes.py"
_MONEY = "worker/payouts/money.py"
_UNREADABLE = "tests/unit/jdpay/test_answer.py::test_an_unreadable_field_makes_it_unreadable"

GUARDS = (
    Guard(
        "reply-is-verified",
        "Whoever answers in JD's place could call a payout refused, and have it paid again.",
        (Change(_ANSWER, "if not key.verify(received):", "if False:"),),
        ("tests/unit/jdpay/test_answer.py::test_unverified_reply_tells_its_code_alone",),
    ),
    Guard(
        "notification-is-verified",
        "Anyone could end any payout with one POST.",
        (Change("worker/jdpay/notice.py", "if key.verify(fields):", "if True:"),),
        ("tests/unit/jdpay/test_notice.py::test_unverified",),
    ),
    Guard(
        "signature-is-compared",
        "Every signature would be right.",
        (
            Change(
                _SIGNATURE,
                "return hmac.compare_digest(received, expected.encode())",
                "return bool(received and expected)",
            ),
        ),
        ("tests/unit/jdpay/test_signature.py::test_hostile_signatures",),
    ),
    Guard(
        "weak-digest-is-refused",
        "A message could be forged under a digest that is broken.",
        (Change(_SIGNATURE, '"SHA": "sha1",', '"SHA": "sha1",\n    "MD5": "md5",'),),
        ("tests/unit/jdpay/test_signature.py::test_other_digests_are_refused",),
    ),
    Guard(
        "every-field-is-signed",
        "The status of a signed message could be exchanged on its way.",
        (Change(_CANONICAL, '"salt"})', '"salt", "trade_status"})'),),
        ("tests/unit/jdpay/test_signature.py::test_closed_reply_verifies",),
    ),
    Guard(
        "only-signed-fields-are-believed",
        "A field that the signature does not cover would be taken for JD's word.",
        (
            Change(
                _ANSWER,
                "signed = canonical.signed_fields(received)",
                'signed = {name: value or "" for name, value in received.items()}',
            ),
        ),
        ("tests/unit/jdpay/test_answer.py::test_unsigned_fields_are_not_believed",),
    ),
    Guard(
        "name-occurs-once",
        "A message with two amounts would verify by one and be read by the other.",
        (Change("worker/jdpay/fields.py", "if name in found:", "if False:"),),
        ("tests/unit/jdpay/test_answer.py::test_garbled",),
    ),
    Guard(
        "unlisted-code-is-unclear",
        "A code that nobody has classified would fail a payout that JD may pay.",
        (
            Change(
                _CODES,
                'ResponseCode(code, Meaning.UNCLEAR, "a code',
                'ResponseCode(code, Meaning.PAYEE, "a code',
            ),
        ),
        ("tests/unit/jdpay/test_codes.py::test_meanings",),
    ),
    Guard(
        "system-error-is-unclear",
        "A fault at JD would pass for a refusal.",
        (
            Change(
                _CODES,
                'Meaning.UNCLEAR: (\n        ("SYSTEM_ERROR"',
                'Meaning.CHANNEL: (\n        ("SYSTEM_ERROR"',
            ),
        ),
        ("tests/unit/jdpay/test_codes.py::test_meanings",),
    ),
    Guard(
        "strange-status-is-unclear",
        "A status that we do not know would be left out, and the rest believed.",
        (
            Change(
                _ANSWER,
                "except ValueError:\n        raise _Unreadable from None",
                "except ValueError:\n        return None",
            ),
        ),
        (_UNREADABLE,),
    ),
    Guard(
        "strange-amount-is-unclear",
        "An amount that cannot be read would be left out of the comparison.",
        (
            Change(
                _ANSWER,
                "except InvalidAmount:\n        raise _Unreadable from None",
                "except InvalidAmount:\n        return None",
            ),
        ),
        (_UNREADABLE,),
    ),
    Guard(
        "amount-is-digits-alone",
        "An amount in yuan would be read as fen.",
        (
            Change(_MONEY, "_FEN.fullmatch(text)", "_FEN.match(text)"),
            Change(_MONEY, "return int(text)", 'return int(text.partition(".")[0])'),
        ),
        ("tests/unit/payouts/test_money.py::test_anything_else_on_the_wire_is_no_amount",),
    ),
)
