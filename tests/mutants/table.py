"""
All guards, ring by ring.
"""

from tests.mutants import (
    actions,
    answers,
    audits,
    connection,
    controls,
    replacement,
    resend,
    schema,
    service,
    status,
    store,
    wire,
)
from tests.mutants import alerts as alarms
from tests.mutants import classification as belief
from tests.mutants import intake as door

GUARDS = (
    *belief.GUARDS,
    *status.GUARDS,
    *alarms.GUARDS,
    *resend.GUARDS,
    *controls.GUARDS,
    *actions.GUARDS,
    *replacement.GUARDS,
    *service.GUARDS,
    *store.GUARDS,
    *schema.GUARDS,
    *answers.GUARDS,
    *wire.GUARDS,
    *connection.GUARDS,
    *door.GUARDS,
    *audits.GUARDS,
)
