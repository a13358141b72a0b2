"""
Play money and real money: what is asked for where money moves.
"""

_SANDBOX = "sandbox"


def is_play_money(profile: str | None) -> bool:
    """
    Whether nobody loses anything there: one person may do what else takes two, and no seal.
    """
    return profile == _SANDBOX
