"""
What may happen to the bytes of a message, and to its signature.
"""

import random

_FOREIGN = (
    *(b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\\u0000"),
    *(b"\\ud800", b"\n", b"&", b"=", b"%", b"%zz", b"%f0%28", b"+", b'"', b"{", b"]", b"\x1b[2J"),
)

#: The longest body that a reply may have, and a little more.
_HUGE = (2_000, 60_000, 65_000, 70_000, 300_000, 1_048_576)


def truncate(dice: random.Random, body: bytes) -> bytes:
    """
    Cut somewhere.
    """
    return body[: dice.randrange(len(body))]


def flip(dice: random.Random, body: bytes) -> bytes:
    """
    Change a few bits.
    """
    changed = bytearray(body)
    for _ in range(dice.choice((1, 1, 2, 10))):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def insert(dice: random.Random, body: bytes) -> bytes:
    """
    Put in bytes that do not belong there.
    """
    place = dice.randint(0, len(body))
    return body[:place] + dice.choice(_FOREIGN) * dice.choice((1, 1, 3)) + body[place:]


def splice(dice: random.Random, body: bytes) -> bytes:
    """
    Lose, double or exchange a stretch.
    """
    start, end = sorted(dice.sample(range(len(body) + 1), 2))
    return dice.choice(
        (body[:start] + body[end:], body[:end] + body[start:], body[end:] + body[:end])
    )


def double(dice: random.Random, body: bytes) -> bytes:
    """
    Say a field twice, with the same value or another one.
    """
    if body.startswith(b"{"):
        name = dice.choice((b"trade_status", b"out_trade_no", b"trade_amount", b"sign_data"))
        value = dice.choice((b'"FINI"', b'"CLOS"', b"null", b'"1"', b"{}"))
        field = b'"' + name + b'": ' + value
        return dice.choice((b"{" + field + b", " + body[1:], body[:-1] + b", " + field + b"}"))
    parts = body.split(b"&")
    again = dice.choice(parts)
    other = again.partition(b"=")[0] + b"=" + dice.choice((b"FINI", b"CLOS", b"1", b""))
    parts.insert(dice.randint(0, len(parts)), dice.choice((again, other)))
    return b"&".join(parts)


def nest(dice: random.Random, body: bytes) -> bytes:
    """
    Nest it, or something in it, more deeply than anyone would.
    """
    depth = dice.choice((1, 2, 50, 900, 1_100, 20_000))
    opening, closing = dice.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return dice.choice(
        (
            opening * depth + body + closing * depth,
            opening * depth + body,
            body[:-1] + b', "x": ' + opening * depth + b"1" + closing * depth + b"}",
        )
    )


def reshape(dice: random.Random, body: bytes) -> bytes:
    """
    The same in another shape or another encoding.
    """
    text = body.decode("utf-8", "replace")
    return dice.choice(
        (
            text.encode("utf-16"),
            text.encode("utf-32-be"),
            text.encode("gb18030", "replace"),
            b"\xef\xbb\xbf" + body,
            b"[" + body + b"]",
            b'"' + body + b'"',
            body + b"\n" + body,
            body + b" // said JD",
            body.replace(b'"', b"'"),
            b"jsonp(" + body + b");",
            b"  \r\n\t" + body + b"\n\n",
            b"&&=&==&" + body + b"&=&%&",
            b"?" + body + b"#",
        )
    )


def swell(dice: random.Random, body: bytes) -> bytes:
    """
    Far more than a message needs.
    """
    size = dice.choice(_HUGE)
    if not body.startswith(b"{"):
        return dice.choice(
            (body + b"&x=" + b"y" * size, body + b"&" * size, body + b"&a" * (size // 2))
        )
    return dice.choice(
        (
            body[:-1] + b', "x": "' + b"y" * size + b'"}',
            body[:-1] + b', "x": ' + b"9" * size + b"}",
            body + b" " * size,
            body[:-1] + b', "x": [' + b"1," * (size // 2) + b"1]}",
        )
    )


def noise(dice: random.Random, body: bytes) -> bytes:
    """
    Nothing that was ever a message.
    """
    return dice.choice(
        (
            b"",
            b"null",
            b"success",
            b"<html><body>502 Bad Gateway</body></html>",
            dice.randbytes(dice.choice((1, 20, 5_000))),
            b"%" * dice.choice((1, 10_000)),
            b"%00" * 1_000,
            b"=" * 10_000,
        )
    )


def odd_signature(dice: random.Random, sign_type: str, right: str) -> dict[str, object]:
    """
    The fields of a signature that is not quite one, or is one in an unusual dress.
    """
    kind, text = dice.choice(
        (
            (sign_type, right.lower()),
            (sign_type, right[:-1]),
            (sign_type, f" {right}"),
            (sign_type, "ﬀ" + right[2:]),
            (sign_type, ""),
            (sign_type, "0" * len(right)),
            ("MD5", right),
            ("none", ""),
            ("", right),
            ("SHA-512", right),
            ("SHA1", right),
            ("sha-256", right),
            (["SHA-256"], right),
            (sign_type, [right]),
            (None, None),
            (sign_type, "\ud800"),
        )
    )
    return {"sign_type": kind, "sign_data": text}
