"""
The one reading of JSON for whatever brings a job: a message, a request, a file.

Two readings of one text would be two jobs: where the first of two equal keys counts for one reader
and the last for another, a person checks one amount and another is paid.
"""

import json

from worker.payouts.errors import UnreadableJobs


def parse(content: bytes) -> object:
    """
    The one JSON value that some bytes are; each key of its objects is there once, or it raises.

    Raises `UnreadableJobs`, which says where.
    """
    try:
        return json.loads(content, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        raise UnreadableJobs(f"this is not JSON: {fault.msg} at {place}") from None
    except UnicodeDecodeError as fault:
        raise UnreadableJobs(f"this is not UTF-8 text, from byte {fault.start + 1} on") from None
    except RecursionError:
        raise UnreadableJobs("this JSON is nested too deeply to hold jobs") from None
    except ValueError:
        raise UnreadableJobs("a number in it has more digits than any amount") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        # Which of the two would count is nothing to guess about where money is concerned.
        raise UnreadableJobs("an object has the same key twice")
    return made


def _no_constant(_name: str) -> object:
    raise UnreadableJobs("NaN and Infinity are no JSON")
