"""
All guards, ring by ring.
"""

from tests.mutants import (
    alarms,
    answers,
    belief,
    controls,
    desk,
    door,
    replacement,
    resend,
    schema,
    service,
    status,
    store,
    wire,
)

GUARDS = (
    *belief.GUARDS,
    *status.GUARDS,
    *alarms.GUARDS,
    *resend.GUARDS,
    *controls.GUARDS,
    *desk.GUARDS,
    *replacement.GUARDS,
    *service.GUARDS,
    *store.GUARDS,
    *schema.GUARDS,
    *answers.GUARDS,
    *wire.GUARDS,
    *door.GUARDS,
)
