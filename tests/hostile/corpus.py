"""
The corpus: seeded messages, each with what was signed in it, if anything was.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from tests.hostile import damage
from tests.hostile.content import Fields, Maker
from tests.hostile.signing import NOTICE, REPLY, covered, sign


@dataclass(frozen=True, slots=True)
class Message:
    """
    One body as it arrives; `signed` are the fields that JD's key covers, None if it covers none.
    """

    kind: str
    is_notice: bool
    body: bytes
    signed: dict[str, str] | None


def messages(dice: random.Random, number: str) -> Iterator[Message]:
    """
    Endless messages about one payout.
    """
    maker = Maker(dice, number)
    while True:
        is_notice = dice.random() < 0.5
        yield _message(maker, is_notice, *dice.choice(_KINDS))


#: Makes the fields of a message, and says whether they are signed with the right key.
_Content = Callable[[Maker, Fields], Fields]


def _plain(_maker: Maker, fields: Fields) -> Fields:
    return fields


#: Kind, content, key, and what is done to the finished body.
_KINDS: tuple[tuple[str, _Content, str, Callable[[random.Random, bytes], bytes] | None], ...] = (
    ("as it should be", _plain, "right", None),
    ("about something else", Maker.elsewhere, "right", None),
    ("odd values", Maker.odd, "right", None),
    ("odd values, unsigned", Maker.odd, "none", None),
    ("strange names", Maker.strange, "right", None),
    ("wrong key", _plain, "wrong", None),
    ("no signature", _plain, "none", None),
    ("odd signature", _plain, "odd", None),
    ("edited after signing", _plain, "edited", None),
    ("truncated", _plain, "right", damage.truncate),
    ("flipped bytes", _plain, "right", damage.flip),
    ("foreign bytes", _plain, "right", damage.insert),
    ("spliced", _plain, "right", damage.splice),
    ("doubled fields", _plain, "right", damage.double),
    ("nested", _plain, "right", damage.nest),
    ("another shape", _plain, "right", damage.reshape),
    ("huge", _plain, "right", damage.swell),
    ("noise", _plain, "none", damage.noise),
)


def _message(
    maker: Maker,
    is_notice: bool,
    kind: str,
    content: _Content,
    key: str,
    harm: Callable[[random.Random, bytes], bytes] | None,
) -> Message:
    dice = maker.dice
    fields = content(maker, maker.notice() if is_notice else maker.reply())
    received = {name: _text(value) for name, value in fields.items()}
    sign_type = NOTICE if is_notice else REPLY
    signed: dict[str, str] | None = None
    match key:
        case "right" | "edited":
            fields |= {"sign_type": sign_type, "sign_data": sign(received, sign_type)}
            signed = covered(received)
        case "wrong":
            wrong = dice.choice(("", "Test", "test ", "360080000000000001"))
            fields |= {"sign_type": sign_type, "sign_data": sign(received, sign_type, wrong)}
        case "odd":
            right = sign(received, sign_type)
            fields |= damage.odd_signature(dice, sign_type, right)
            # Some of these are right after all: nothing else may be read from them.
            signed = covered(received)
    if key == "edited":
        name = dice.choice(("trade_status", "out_trade_no", "trade_amount", "customer_no"))
        fields[name] = dice.choice(("FINI", "CLOS", f"{maker.number}Y", "1", None))
    body = _form(dice, fields) if is_notice else _json(dice, fields)
    return Message(kind, is_notice, harm(dice, body) if harm else body, signed)


def _text(value: object) -> str | None:
    """
    A value as the reader has to take it: the JSON text of what is no text.
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _json(dice: random.Random, fields: Fields) -> bytes:
    items = list(fields.items())
    dice.shuffle(items)
    text = json.dumps(dict(items), ensure_ascii=dice.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


_ESCAPES: tuple[Callable[[str], str], ...] = (
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: quote(text, safe="+"),
    lambda text: text,
    lambda text: quote_plus(quote_plus(text)),
    lambda text: quote_plus(text).lower(),
    lambda text: quote_plus(text, encoding="gb18030", errors="replace"),
    lambda text: text.replace("%", "%%"),
)


def _form(dice: random.Random, fields: Fields) -> bytes:
    escape = dice.choice((*_ESCAPES[:4], *_ESCAPES))
    items = [(name, _text(value)) for name, value in fields.items()]
    dice.shuffle(items)
    parts = [
        f"{_escaped(escape, name)}={_escaped(escape, value)}"
        for name, value in items
        if value is not None
    ]
    return dice.choice(("&", "&", "&", "&&", ";")).join(parts).encode("utf-8", "surrogatepass")


def _escaped(escape: Callable[[str], str], text: str) -> str:
    try:
        return escape(text)
    except UnicodeEncodeError:  # half a surrogate pair
        return text
