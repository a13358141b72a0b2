"""
Structured log lines: one JSON object each, with nothing about a payee.

Only the fields that a record was given on purpose are written, so a library that puts a task's
arguments into its records does not put them into ours.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime

#: What our own records may carry beside the message.
FIELDS = (
    "action",
    "payout_id",
    "out_trade_no",
    "detail",
    "outcome",
    "from_status",
    "to_status",
    "reason",
    "alert",
    "severity",
    "size_bytes",
    "sha256",
)


#: Whose records at level INFO are worth a line: our own, and that a worker is ready.
TOLD = ("jdpay_payouts", "celery.apps")

#: Longer runs of digits are shortened wherever they come from, but for the places behind a decimal
#: point: a library's message may quote someone's account.
_LONG_NUMBER = re.compile(r"(?<![0-9])(?<![0-9]\.)[0-9]{10,}")


def redact(text: str) -> str:
    """
    Hide the middle of every long number: an account, a phone, an ID.
    """
    return _LONG_NUMBER.sub(lambda found: f"{found[0][:2]}…{found[0][-2:]}", text)


class JsonFormatter(logging.Formatter):
    """
    One record as one line of JSON.
    """

    def format(self, record: logging.LogRecord) -> str:
        """
        Write time (UTC), level, logger, message, and the fields we know.
        """
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(level: int | str) -> None:
    """
    Send every record to standard error; of the libraries' only warnings, but for a worker's start.

    They would tell of each message that came and went. DEBUG is refused: libraries print whole
    messages there.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    number = logging.getLevelNamesMapping().get(str(level).upper(), level)
    asked = max(number if isinstance(number, int) else logging.INFO, logging.INFO)
    logging.basicConfig(level=max(asked, logging.WARNING), handlers=[handler], force=True)
    for name in TOLD:
        logging.getLogger(name).setLevel(asked)
