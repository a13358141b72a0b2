"""
What someone may have meant who wrote another word.
"""

import difflib
from collections.abc import Iterable


def unknown(complaint: str, word: object, names: Iterable[str]) -> str:
    """
    The complaint about an unknown word, the nearest word if any is near, and all that are allowed.
    """
    known = sorted(names)
    matches = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    hint = f"; did you mean {matches[0]}?" if matches else "."
    return f"{complaint}{hint} Allowed: {', '.join(known)}"
