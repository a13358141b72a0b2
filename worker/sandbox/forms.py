"""
Reading what was posted.
"""

from urllib.parse import parse_qsl

from worker.sandbox.checks import Refused, illegal_argument


def read_form(body: bytes) -> dict[str, str]:
    """
    Read a form; a field that comes twice is refused, since nobody could say which one counts.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except UnicodeDecodeError as fault:
        raise Refused("ILLEGAL_CHARSET", "字符集有误") from fault
    except ValueError as fault:
        raise illegal_argument("too many fields") from fault
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise illegal_argument("a field comes twice")
    return fields
