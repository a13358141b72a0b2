"""
What an act may rest on, by the messages themselves.
"""

from tests.factories import AMOUNT, NUMBER, a_dossier, a_notification, a_query
from tests.simulation import proofs, words


def test_what_nobody_can_read_leaves_in_doubt_what_came_back() -> None:
    """
    An amount that is no number spoils a return, as a status does that is in no table.
    """
    whole = words.telling(NUMBER, AMOUNT, "REFU", refund_fen=AMOUNT)
    returned = a_query(words.read(whole), 1)
    garbled = a_notification(words.read(whole | {"trade_amount": "one"}), 2)
    again = a_query(words.read(whole), 3)

    assert proofs.came_back(a_dossier(None, returned, again)) == AMOUNT
    assert proofs.came_back(a_dossier(None, returned, garbled, again)) == 0
