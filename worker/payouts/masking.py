"""
What people may see of an account number.
"""


def mask(account_no: str) -> str:
    """
    Show the first four and the last four digits, no more: ``6222 **** **** 7312``.

    Numbers of fewer than 12 characters show their last two alone.
    """
    if len(account_no) < 12:
        return f"**** {account_no[-2:]}"
    return f"{account_no[:4]} **** **** {account_no[-4:]}"
