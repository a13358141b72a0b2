"""
What of a refused request may be written otherwise: never number, amount, payee or merchant.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One field of the request, as it was sent and as it will be; None where it is absent.

    It may be free text, which may name someone: no `repr` shows it.
    """

    name: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mended:
    """
    A request rendered anew, and how it differs from the one that JD refused.
    """

    request: str = field(repr=False)
    differences: tuple[Difference, ...]
