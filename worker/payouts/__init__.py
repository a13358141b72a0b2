"""
The domain: what a payout is, its life, and who moves it on. Standard library only, no effects.

A payout is one sum to one payee under one order number. A producer's job makes it `queued`; a
worker claims it under a lease, which makes it `sending` and exposed; what JD says about it moves
it on, and nothing else does. A person may withdraw it only before it was exposed.

::

    queued ──claim──▶ sending ──reply, query, notification──▶ processing ─▶ paid ─▶ returned
      │ ▲                │  │                                      │
      │ └─not connected──┘  ├─no clear answer──▶ unknown ──────────┤
      ├─▶ held              └─refused, our fault─▶ refused         └─▶ failed
      └─▶ cancelled

- `model`, `evidence`, `status`, `channel`, `health`, `acceptance`: the nouns, and the legal moves.
- `policy`: every decision, as pure functions over all that is known.
- `update`: each legal change of a row, as decisions write it.
- `limits`, `query_schedule`, `durations`, `money`: the numbers, and how people write them.
- `invariants`: what must hold for every payout, asked by the audit and by every proof.
- `errors`: everything that this program raises on purpose, as one tree.
"""
