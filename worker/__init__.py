"""
Everything about payouts that is true without a queue.

From the inside out, each ring importing only those before it:

- `payouts`: what a payout is and what becomes of it; pure decisions, and ports to the world.
- `jdpay` and `store`: the wire and the ledger behind those ports; neither knows the other.
- `settings`, `broker`, `bootstrap`, `service` and their neighbours: settings become working parts.
- `web`, `cli`, `demo` and the tasks in the package of that name: who starts the work.

`sandbox` is a JD Pay of its own that shares no code with the rest; `embedded` runs servers.
"""
