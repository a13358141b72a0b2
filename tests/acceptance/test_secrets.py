"""
Who is paid, and every key, are nowhere but under a seal.
"""

import base64
import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
import requests

from tests import sealing
from tests.acceptance.conftest import PATIENCE, a_stack
from tests.bench import processes
from tests.chaos.audit import unfinished
from tests.waiting import until
from worker.demo.stack import Stack
from worker.demo.story import PAUSING, Actor, cast, job, note, send
from worker.payouts.endpoint import EndpointKind
from worker.payouts.job_keys import KeyKind
from worker.payouts.person import Person
from worker.store.ledger import SqlLedger

#: Rare enough to be nobody's word.
_NAME = "".join(secrets.choice("龘靐齉爩麤灪龖厵滟爨癵驫") for _ in range(6))
_PHONE = f"19{secrets.randbelow(10**9):09}"
_ID_NO = f"{secrets.randbelow(10**17):017}X"

#: Of what a person types, everything that looks at payouts.
COMMANDS = (
    *(("list",), ("cases",), ("rejections",), ("audit", "--evidence"), ("channel",), ("doctor",)),
    *(("events", "list"), ("endpoints", "list"), ("tokens", "list"), ("keys", "list")),
    *(("producers", "list"), ("people", "list"), ("proposals",), ("metrics", "--once")),
    *(("producers", "keys", "list"),),
)
_OF_ONE = ("show", "history")

#: Shorter ones would be found by chance.
_LEAST = 8

#: These wait for a person.
_ENDLESS = {PAUSING, "refused_request"}


@dataclass(frozen=True, slots=True)
class Secrets:
    """
    What nobody may read, by what it is.
    """

    values: Mapping[str, str]

    def found(self, where: str, content: bytes) -> Iterator[str]:
        """
        Each of them that is in some bytes, in clear or written in another way.
        """
        for name, value in self.values.items():
            for form, looks in _forms(value):
                if any(one in content for one in looks):
                    yield f"{name} in {where}, {form}"


def _forms(value: str) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    plain = value.encode()
    yield "in clear", (plain, value.encode("gb18030"), value.encode("utf-16-le"))
    yield "in hex", (plain.hex().encode(), plain.hex().upper().encode())
    yield "in base64", tuple(_base64(plain))
    assert all(len(one) >= _LEAST for one in _base64(plain)), "too short to be looked for"
    if not value.isascii():
        escaped = value.encode("unicode_escape")
        yield "escaped", (escaped, quote(value).encode(), quote(value).lower().encode())


def _base64(plain: bytes) -> Iterator[bytes]:
    """
    What stands in the middle of any base64 that holds this, wherever it begins.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            encoded = encode(bytes(before) + plain + bytes(2))
            yield encoded[4 if before else 0 : (before + len(plain)) // 3 * 4]


def _wanted(actors: Iterable[Actor]) -> list[dict[str, object]]:
    """
    Jobs that tell all that a job can tell of a payee.
    """
    personal = {
        "payee_account_name": _NAME,
        "payee_mobile": _PHONE,
        "payee_id_type": "ID",
        "payee_id_no": _ID_NO,
    }
    return [{**job(a, 10_000 + place), **personal} for place, a in enumerate(actors)]


def _files(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """
    All that was written, but for the keys' own files and JD's side of it.
    """
    own = {stack.directory / "sandbox", stack.directory / "keyring"}
    for path in stack.directory.rglob("*"):
        if path.is_file() and not own & {path, *path.parents}:
            with contextlib.suppress(FileNotFoundError):  # the database ends files meanwhile
                yield str(path.relative_to(stack.directory)), path.read_bytes()


def _in_memory(client: redis.Redis) -> Iterator[tuple[str, bytes]]:
    """
    Every key of the broker's, and what it holds.
    """
    readers: dict[str, Any] = {
        "list": lambda key: client.lrange(key, 0, -1),
        "hash": client.hgetall,
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "string": client.get,
    }
    for key in client.scan_iter():
        kind: Any = client.type(key)
        yield f"the broker's {key!r}", key + repr(readers[kind.decode()](key)).encode()


def _arguments(stack: Stack) -> Iterator[tuple[str, bytes]]:
    for name, child in stack.children.items():
        for process in processes.tree(child.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield f"the arguments of {name}", Path(f"/proc/{process.pid}/cmdline").read_bytes()


def _pages(stack: Stack) -> Iterator[tuple[str, bytes]]:
    user, _, password = stack.environment["FLOWER_BASIC_AUTH"].partition(":")
    with requests.Session() as web:
        web.trust_env = False
        for path in ("/api/tasks?limit=10000", "/api/workers", "/tasks", "/workers", "/broker"):
            reply = web.get(f"{stack.flower_url}{path}", auth=(user, password), timeout=30)
            yield f"Flower's {path}", reply.content


def _told(stack: Stack, numbers: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """
    What commands print, for people and as JSON.
    """
    commands = [*COMMANDS, *((word, number) for number in numbers for word in _OF_ONE)]
    for words in commands:
        for form in ((), ("--json",)) if words[0] != "metrics" else ((),):
            done = subprocess.run(
                [sys.executable, "-m", "worker", *words, *form],
                env={**os.environ, **stack.environment},
                cwd=stack.directory / "empty",
                capture_output=True,
                check=False,
            )
            assert b"Traceback" not in done.stderr
            yield f"payouts {' '.join((*words, *form))}", done.stdout + done.stderr


def _sealed(
    stack: Stack, ledger: SqlLedger, jobs: Iterable[Mapping[str, object]], secret: str
) -> list[str]:
    """
    The jobs as an application seals them, with a key that is text, so that it can be looked for.
    """
    material, now = secret.encode(), datetime.now(UTC)
    ledger.add_producer("shop", "mei")
    key = ledger.add_job_key("shop", KeyKind.SHARED, material, Person(1001, "mei"))
    here = {
        "merchant": stack.environment["PAYOUTS_CUSTOMER_NO"],
        "issued": now.isoformat(),
        "expires": (now + timedelta(hours=1)).isoformat(),
    }
    return [sealing.shared(key.name, material, sealing.claims(one, **here)) for one in jobs]


def _secrets(
    stack: Stack, jobs: Iterable[Mapping[str, object]], webhook_key: str, job_key: str
) -> Secrets:
    sandbox = stack.directory / "sandbox"
    accounts = {str(one["payee_account_no"]) for one in jobs}
    return Secrets(
        {
            "the name": _NAME,
            "the phone": _PHONE,
            "the identity card": _ID_NO,
            **{f"the account {number}": number for number in accounts},
            "the keyring": stack.environment["PAYOUTS_KEYRING"],
            # Not the sign key: the sandbox's is the word `test`, as in JD's documents.
            "the pfx's password": (sandbox / "merchant.password").read_text().strip(),
            "the webhook's key": webhook_key,
            "the producer's key": job_key,
        }
    )


@pytest.mark.parametrize("database", ["postgres", "sqlite"])
def test_payees_and_keys_are_nowhere_in_the_open(database: str) -> None:
    """
    After every scenario: in no file, key, argument, page or answer, in any usual way of writing.
    """
    actors = [actor for actor in cast() if actor.scenario.name not in _ENDLESS]
    wanted = _wanted(actors)
    refused = {**wanted[0], "out_trade_no": "REFUSED001", "amount_fen": -1}
    webhook_key = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
    job_key = secrets.token_hex(16)
    with a_stack(database=database, flower=True) as (stack, ledger):
        hidden = _secrets(stack, wanted, webhook_key, job_key)
        sealed = _sealed(stack, ledger, [*wanted, refused], job_key)
        _hear(ledger, webhook_key)
        send(stack.broker.url, sealed)
        noted = [note(one) for one in wanted]
        until(lambda: not unfinished(ledger, stack.books(), noted), PATIENCE)
        until(lambda: ledger.unannounced_since() is None, PATIENCE)
        with contextlib.closing(redis.Redis.from_url(stack.broker.url)) as client:
            before = [one for place, file in _files(stack) for one in hidden.found(place, file)]
            send(stack.broker.url, [{**refused, "out_trade_no": "UNSEALED01"}])
            until(lambda: len(ledger.rejections(9)) == 2, PATIENCE)
            open_one = [one for place, file in _files(stack) for one in hidden.found(place, file)]
            client.bgrewriteaof()
            until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], PATIENCE)
            places = [
                *(*_files(stack), *_in_memory(client), *_arguments(stack), *_pages(stack)),
                *_told(stack, [actors[0].out_trade_no]),
            ]
        found = [one for place, content in places for one in hidden.found(place, content)]

    assert before == []
    # A job that nobody sealed, until the broker forgets it: so it is seen that this looks well.
    assert {one.partition(" in ")[0] for one in open_one} >= {"the name", "the phone"}
    assert {one.partition(" in ")[2].partition("/")[0] for one in open_one} == {"broker"}
    assert found == []


def _hear(ledger: SqlLedger, key: str) -> None:
    """
    Endpoints of both kinds; nobody listens to the webhook.
    """
    hook = "http://127.0.0.1:9/hook"
    ledger.add_endpoint("shop", EndpointKind.WEBHOOK, hook, (), is_private=True, key=key)
    ledger.add_endpoint("shop", EndpointKind.QUEUE, "shop.events", ())
