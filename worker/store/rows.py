"""
From rows to the domain's values, and the sealed content of each.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from worker.payouts.errors import BrokenSeal, SealError
from worker.payouts.evidence import Answer, Evidence
from worker.payouts.job_keys import JobKey
from worker.payouts.model import (
    Attempt,
    Case,
    Obligation,
    Order,
    Payee,
    Payout,
    Rejection,
    Terms,
    Transition,
)
from worker.payouts.news import Told
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action, Recorded
from worker.payouts.proposal import OutsideProof, Proposal
from worker.payouts.sealed_job import KeptSeal, Proof
from worker.store.bindings import PROVEN
from worker.store.seals import Seals
from worker.store.tables import evidence, payouts
from worker.store.vouching import is_ours, vouched

# Columns that have the name and the meaning of a field.
_ORDER = ("out_trade_no", "amount_fen", "currency", "obligation", "producer", "send_before")
_TERMS = ("profile", "customer_no", "gateway_url", "notify_url")
_STATE = (
    *("id", "status", "reason", "version", "exposed", "accepted_at", "updated_at"),
    *("payee_masked", "bank_code", "trade_no", "returned_fen", "resends"),
    *("lease_token", "lease_until", "lease_ended_at", "first_sent_at", "last_sent_at"),
    *("finalized_at", "next_send_at", "next_query_at", "query_misses"),
    *("let_go_at", "doubted_at", "overdue_at", "released_at", "proposal_id", "set_aside_at"),
    *("redirected_at", "unanswered_since", "unanswered_at", "job_key"),
)
_ANSWER = (
    *("verified", "meaning", "code", "merchant", "number", "amount_fen", "currency"),
    *("trade_status", "trade_no", "refund_fen", "reason_code", "traded_at"),
)
_EVIDENCE = (*("id", "payout_id", "source", "received_at", "attempt_id", "asked_at", "applied_at"),)
_ATTEMPT = (
    *("id", "payout_id", "number", "lease_token", "started_at", "closed_at", "outcome", "detail"),
)
_OBLIGATION = ("id", "namespace", "name", "owed_fen", "committed_fen", "payout_count")
# Sealed: people write most of these, so they may name someone.
_SEALED = ("subject", "biz_trade_no", "return_params", "metadata", "owed_fen")


def order_columns(
    order: Order, terms: Terms, seals: Seals, seal: KeptSeal | None = None
) -> dict[str, Any]:
    """
    The columns that acceptance fixes for life.
    """
    columns = {
        **{name: getattr(order, name) for name in _ORDER},
        **{name: getattr(terms, name) for name in _TERMS},
        "payee_masked": order.payee.masked,
        "bank_code": order.payee.bank_code,
        "job_key": None if seal is None else seal.key_name,
        "payee_digest": seals.payee_digest(order.payee),
    }
    free_text = {name: getattr(order, name) for name in _SEALED}
    job = None if seal is None else seals.seal(payouts.c.sealed_job, columns, seal.text)
    return {
        **columns,
        "sealed_payee": seals.seal(payouts.c.sealed_payee, columns, _json(asdict(order.payee))),
        "sealed_order": seals.seal(payouts.c.sealed_order, columns, _json(free_text)),
        "sealed_job": job,
    }


def to_order(row: RowMapping, seals: Seals) -> Order:
    """
    What the producer asked for, payee and all.
    """
    return Order(
        **_pick(row, _ORDER),
        **json.loads(seals.open(payouts.c.sealed_order, row)),
        payee=to_payee(row, seals),
    )


def to_payee(row: RowMapping, seals: Seals) -> Payee:
    """
    Who receives the money.
    """
    return Payee(**json.loads(seals.open(payouts.c.sealed_payee, row)))


def to_request(row: RowMapping, seals: Seals) -> str | None:
    """
    The canonical request, unsealed; None before the first claim.
    """
    if row["sealed_request"] is None:
        return None
    return seals.open(payouts.c.sealed_request, row).decode()


def to_proof(row: RowMapping, keys: Mapping[str, JobKey], seals: Seals) -> Proof | None:
    """
    What a payout's producer sealed; None where its job came unsealed.

    Raises `BrokenSeal` where the key is not here that is said to have sealed it.
    """
    if row["job_key"] is None:
        return None
    if row["job_key"] not in keys or row["sealed_job"] is None:
        raise BrokenSeal
    text = seals.open(payouts.c.sealed_job, row).decode()
    return Proof(text, keys[row["job_key"]])


def seal_request(payout: Payout, request: str, seals: Seals) -> bytes:
    """
    What is sent for a payout, for its row.
    """
    fixed = {name: getattr(payout, name) for name in (*_ORDER, *PROVEN)}
    terms = {name: getattr(payout.terms, name) for name in _TERMS}
    return seals.seal(payouts.c.sealed_request, {**fixed, **terms}, request)


def to_payout(row: RowMapping, seals: Seals | None = None) -> Payout:
    """
    A payout without its payee and its free texts.

    Whether its row is what was written takes a keyring; who only shows it does not ask.
    """
    return Payout(
        **_pick(row, _ORDER),
        **_pick(row, _STATE),
        terms=Terms(**_pick(row, _TERMS)),
        vouched=None if seals is None else vouched(row, seals),
    )


def changed_columns(before: Payout, after: Payout) -> dict[str, Any]:
    """
    The columns in which a row as it will be differs from the row as it was read.
    """
    changed = {
        name: getattr(after, name)
        for name in _STATE
        if getattr(after, name) != getattr(before, name)
    }
    if after.terms.gateway_url != before.terms.gateway_url:
        changed["gateway_url"] = after.terms.gateway_url
    return changed


def message_columns(
    customer_no: str,
    out_trade_no: str,
    now: datetime,
    told: Told,
    seals: Seals,
    place: int | None = None,
) -> dict[str, Any]:
    """
    The columns of a message about a merchant's number, whether or not a payout has it.
    """
    columns = {
        **{name: getattr(told.answer, name) for name in _ANSWER},
        "uid": secrets.token_hex(16),
        "customer_no": customer_no,
        "out_trade_no": out_trade_no,
        "source": told.source,
        "attempt_id": told.attempt_id,
        "asked_at": told.asked_at,
        "received_at": now,
        "digest": hashlib.sha256(told.answer.raw).hexdigest(),
        "place": place,
    }
    return {**columns, "sealed_raw": seals.seal(evidence.c.sealed_raw, columns, told.answer.raw)}


def to_evidence(row: RowMapping, seals: Seals) -> Evidence:
    """
    A stored answer with its circumstances. Where its seal does not open, nothing vouches for it.
    """
    try:
        return _evidence(row, seals.open(evidence.c.sealed_raw, row))
    except SealError:
        return to_broken_evidence(row)


def to_broken_evidence(row: RowMapping) -> Evidence:
    """
    A stored answer that nothing vouches for: it is not believed, whatever it says.
    """
    found = _evidence(row, b"")
    return replace(found, answer=replace(found.answer, verified=False), is_intact=False)


def to_bare_evidence(row: RowMapping) -> Evidence:
    """
    A stored answer without its raw form, which decides nothing.
    """
    return _evidence(row, b"")


def _evidence(row: RowMapping, raw: bytes) -> Evidence:
    answer = Answer(**_pick(row, _ANSWER), raw=raw)
    return Evidence(**_pick(row, _EVIDENCE), answer=answer)


def to_attempt(row: RowMapping) -> Attempt:
    """
    One transmission.
    """
    return Attempt(**_pick(row, _ATTEMPT))


def to_case(row: RowMapping) -> Case:
    """
    Something for a person to look at.
    """
    return Case(**row)


def to_decision(row: RowMapping) -> Recorded:
    """
    What a person decided.
    """
    return Recorded(**{**row, "action": Action(row["action"]), "proof": tuple(row["proof"])})


def person_columns(did: str, person: Person) -> dict[str, Any]:
    """
    The columns that say who did something.
    """
    return {
        f"{did}_uid": person.uid,
        f"{did}_login_uid": person.login_uid,
        f"{did}_name": person.name,
    }


def to_person(row: RowMapping, did: str) -> Person:
    """
    Who did something.
    """
    return Person(row[f"{did}_uid"], row[f"{did}_name"], row[f"{did}_login_uid"])


def to_proposal(row: RowMapping) -> Proposal:
    """
    What was proposed to decide, and what became of that.
    """
    return Proposal(
        **_pick(row, ("id", "payout_id", "evidence_id", "proposed_at", "approved_at")),
        **_pick(row, ("unchecked", "voided_at", "voided_why", "unanswered_since")),
        proof=OutsideProof(row["ended_as"], row["returned_fen"], row["reference"], row["why"]),
        proposed_by=to_person(row, "proposed"),
        approved_by=None if row["approved_at"] is None else to_person(row, "approved"),
    )


def to_transition(row: RowMapping) -> Transition:
    """
    One move; the row also holds the source of its evidence.
    """
    return Transition(**row)


def to_obligation(row: RowMapping, seals: Seals | None = None) -> Obligation:
    """
    A debt. Whether its row is what was written takes a keyring.
    """
    intact = seals is None or is_ours(row, seals)
    return Obligation(**_pick(row, _OBLIGATION), is_intact=intact)


def to_rejection(row: RowMapping) -> Rejection:
    """
    An entry message that was not accepted.
    """
    return Rejection(**{**row, "faults": tuple(row["faults"])})


def _pick(row: RowMapping, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False)
