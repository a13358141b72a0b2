"""
All guards, ring by ring.
"""

from tests.mutants import (
    actions,
    answers,
    api,
    audits,
    batches,
    connection,
    controls,
    events,
    examples,
    monitoring,
    outside_proof,
    producers,
    replacement,
    resend,
    restore,
    schema,
    seals,
    service,
    signs,
    silence,
    status,
    store,
    vouching,
    wire,
)
from tests.mutants import alerts as alarms
from tests.mutants import classification as belief
from tests.mutants import intake as door

GUARDS = (
    *belief.GUARDS,
    *status.GUARDS,
    *alarms.GUARDS,
    *monitoring.GUARDS,
    *resend.GUARDS,
    *controls.GUARDS,
    *restore.GUARDS,
    *actions.GUARDS,
    *outside_proof.GUARDS,
    *producers.GUARDS,
    *api.GUARDS,
    *replacement.GUARDS,
    *service.GUARDS,
    *store.GUARDS,
    *schema.GUARDS,
    *seals.GUARDS,
    *vouching.GUARDS,
    *answers.GUARDS,
    *wire.GUARDS,
    *connection.GUARDS,
    *batches.GUARDS,
    *signs.GUARDS,
    *silence.GUARDS,
    *door.GUARDS,
    *audits.GUARDS,
    *events.GUARDS,
    *examples.GUARDS,
)
