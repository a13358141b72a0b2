"""
The kinds of settings: with a unit (``90s``, ``1m,3m``, ``1h/1d,7d``, ``10/s``), lists, a broker.
"""

import enum
import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from worker.intake import review_list
from worker.payouts.durations import parse_duration, parse_durations
from worker.payouts.pace import Pace, parse_pace
from worker.payouts.query_schedule import Stretch, parse_tail


class Digest(enum.StrEnum):
    """
    The digest of the envelope's signature. JD's own library writes SHA-1.
    """

    SHA1 = "sha1"
    SHA256 = "sha256"


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _durations(value: object) -> object:
    return parse_durations(value) if isinstance(value, str) else value


def _tail(value: object) -> object:
    return parse_tail(value) if isinstance(value, str) else value


def _pace(value: object) -> object:
    return parse_pace(value) if isinstance(value, str) else value


#: Brokers that keep what they are given, and that the program knows how to ask.
_BROKERS = frozenset({"redis", "rediss", "redis+socket"})


def _broker(value: SecretStr) -> SecretStr:
    """
    Raise `ValueError`, without any part of it, unless it leads to a Redis or Valkey.
    """
    text = value.get_secret_value()
    if text.partition("://")[0] not in _BROKERS:
        raise ValueError(
            "must lead to a Redis or Valkey, by redis:// or rediss://; any other broker can lose"
            " messages, and cannot be asked how it is"
        )
    if not _is_address(text):
        raise ValueError(
            "is no address like redis://user:password@host:6379/0; in a password / is written %2F,"
            " @ is written %40, and # is written %23"
        )
    return value


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        named = url.hostname and (url.port or True)
    except ValueError:
        return False
    if not text.isprintable() or " " in text or url.fragment:
        return False
    if url.scheme == "redis+socket":
        return bool(url.path)
    return bool(named) and re.fullmatch(r"(/\d*)?", url.path) is not None


def _two_gaps(gaps: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if len(gaps) < 2 or gaps[0] <= timedelta(0):
        raise ValueError("a resend needs two answers, each some time after the lease: 2m,10m")
    return gaps


def _accounts(numbers: SecretStr) -> SecretStr:
    review_list.parse(numbers.get_secret_value())
    return numbers


#: Longer than nothing: a wait of zero makes a loop.
Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]
#: By nothing it is switched off.
Span = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))]
Durations = Annotated[tuple[timedelta, ...], BeforeValidator(_durations)]
TwoGaps = Annotated[Durations, AfterValidator(_two_gaps)]
Tail = Annotated[tuple[Stretch, ...], BeforeValidator(_tail)]
Broker = Annotated[SecretStr, AfterValidator(_broker)]
Rate = Annotated[Pace, BeforeValidator(_pace)]
#: Account numbers with commas between.
Accounts = Annotated[SecretStr, AfterValidator(_accounts)]
