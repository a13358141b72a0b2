"""
What keeps events whole, in order, and on their way to the right place.
"""

from tests.mutants.guard import Change, Guard

_OUTBOX = "tests/contract/test_outbox.py"
_RELAY = "tests/integration/webhooks/test_relay.py"
_FILE = "tests/integration/broker/test_append_only_file.py"
_CLIENT = "tests/integration/webhooks/test_client.py"

GUARDS = (
    Guard(
        "an-event-waits-for-the-one-before",
        "A consumer would hear of a return before it hears that the payout was paid.",
        (Change("worker/store/outbox.py", "        ~_COMES_FIRST,\n", ""),),
        (f"{_OUTBOX}::test_of_one_payout_the_next_waits_for_the_one_before",),
    ),
    Guard(
        "what-was-taken-stays-taken",
        "A relay that comes back late would have an event told again, and again.",
        (Change("worker/store/outbox.py", "    deliveries.c.delivered_at.is_(None),\n", ""),),
        (f"{_OUTBOX}::test_a_relay_that_died_is_followed_by_another",),
    ),
    Guard(
        "producers-hear-of-their-own",
        "One application would hear of another's payouts.",
        (
            Change(
                "worker/payouts/endpoint.py",
                "event.producer == self.producer and (",
                "(",
            ),
        ),
        (f"{_OUTBOX}::test_an_endpoint_hears_of_its_producer_what_it_chose",),
    ),
    Guard(
        "an-id-alone-names-no-delivery",
        "After a failover an event could count as told because another one was.",
        (Change("worker/store/outbox.py", " if name in there]", "]"),),
        (f"{_OUTBOX}::test_what_was_told_of_a_lost_event_counts_for_no_other",),
    ),
    Guard(
        "a-lost-key-silences-one-endpoint",
        "One endpoint whose key is gone would keep all events from everybody.",
        (
            Change(
                "worker/store/endpoints.py",
                "with contextlib.suppress(SealError):\n                yield",
                "with contextlib.nullcontext():\n                yield",
            ),
        ),
        (f"{_RELAY}::test_an_endpoint_whose_key_is_lost_keeps_out_no_other",),
    ),
    Guard(
        "told-is-what-is-on-disk",
        "A broker that crashes would lose events that nobody tells again.",
        (Change("worker/usecases/relay.py", "if why := courier.lost(since):", "if why := None:"),),
        (f"{_RELAY}::test_what_a_broker_may_lose_is_not_told_yet",),
    ),
    Guard(
        "a-broker-that-came-back-is-noticed",
        "What it had in memory as it ended would count as told.",
        (
            Change(
                "worker/broker/append_only_file.py",
                "if self._connection is None or self._connected != since:",
                "if self._connection is None:",
            ),
        ),
        (f"{_FILE}::test_nobody_is_told_yes_over_anothers_connection",),
    ),
    Guard(
        "what-an-endpoint-lost-is-told-to-it-alone",
        "Every other endpoint would be told again of all that happened.",
        (
            Change(
                "worker/store/outbox.py",
                "endpoints.c.id == endpoint_id, endpoints.c.disabled_at.is_(None)\n            )\n"
                "            return",
                "endpoints.c.disabled_at.is_(None)\n            )\n            return",
            ),
        ),
        (f"{_OUTBOX}::test_what_an_endpoint_has_lost_is_told_again",),
    ),
    Guard(
        "a-part-that-comes-back-is-told",
        "A producer would believe that its payee has all of the money.",
        (
            Change(
                "worker/payouts/policy/events.py",
                "after.returned_fen > before.returned_fen and",
                "False and",
            ),
        ),
        (f"{_OUTBOX}::test_a_part_that_comes_back_is_an_event_without_a_move",),
    ),
    Guard(
        "only-a-release-frees",
        "An application would pay beside the payout that replaces the first.",
        (
            Change(
                "worker/payouts/policy/events.py",
                "if before.released_at is None and after.released_at is not None:",
                "if after.status is PayoutStatus.CANCELLED:",
            ),
        ),
        (f"{_OUTBOX}::test_a_replacement_takes_the_debt_and_frees_it_for_nobody",),
    ),
    Guard(
        "webhooks-go-to-public-addresses",
        "Whoever adds an endpoint could have this network's own servers called.",
        (
            Change(
                "worker/webhooks/address.py",
                "if not is_private and not all(is_public(address) for address in addresses):",
                "if False:",
            ),
        ),
        (f"{_CLIENT}::test_a_private_address_is_not_connected_to",),
    ),
    Guard(
        "a-cut-answer-is-no-yes",
        "A server that drips its headers would have taken what it never stored.",
        (Change("worker/webhooks/client.py", "if is_over.is_set():", "if False:"),),
        (f"{_CLIENT}::test_a_server_that_never_ends_costs_the_deadline",),
    ),
    Guard(
        "events-are-made-up-in-the-sandbox",
        "A developer's command would pay a made-up payee with real money.",
        (
            Change(
                "worker/cli/trigger.py",
                "if StoreSettings.load().profile is not Profile.SANDBOX:",
                "if False:",
            ),
        ),
        ("tests/integration/cli/test_trigger.py::test_nothing_is_made_up_outside_the_sandbox",),
    ),
)
