"""
Every setting, from the environment (``PAYOUTS_*``) or a file that it names, checked at start.

Each process reads only the group that it needs: beat and Flower the broker's, commands that look
things up the store's, the receiver no certificate. Durations carry their unit (``90s``, ``3m``,
``2h``, ``1d``). A secret may be in a file: ``PAYOUTS_SIGN_KEY_FILE`` in place of
``PAYOUTS_SIGN_KEY``.
"""

import enum
import os
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from worker.intake import review_list
from worker.payouts.errors import SettingsError
from worker.payouts.limits import Limits
from worker.payouts.model import Terms
from worker.payouts.policy.controls import ReviewList
from worker.payouts.query_schedule import Schedule
from worker.setting_types import (
    Accounts,
    Broker,
    Digest,
    Duration,
    Durations,
    Rate,
    Span,
    Tail,
    TwoGaps,
)

PREFIX = "PAYOUTS_"

#: The settings that may be given as ``<NAME>_FILE``.
SECRETS = (
    *("broker_url", "database_url", "keyring", "sign_key", "pfx_password", "review_accounts"),
)


class Profile(enum.StrEnum):
    """
    What a database and its payouts belong to: play money or real money. They never mix.
    """

    SANDBOX = "sandbox"
    LIVE = "live"


_SCHEDULE = Schedule()
_LIMITS = Limits()


class _Group(BaseModel):
    """
    One group of settings; what another group owns is ignored.
    """

    #: A group's validator is built when the group is first loaded: few processes load them all.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    @classmethod
    def load(cls) -> Self:
        """
        Read the environment. Raises `SettingsError` that names every fault at once.
        """
        found = {name.upper(): value for name, value in os.environ.items()}
        given = {n: found[v] for n in cls.model_fields if (v := PREFIX + n.upper()) in found}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            faults = [f"{_variable(e['loc'])}: {_rule(e)}" for e in error.errors()]
        raise SettingsError("the settings cannot be used:\n  " + "\n  ".join(faults))

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, given: dict[str, Any]) -> dict[str, Any]:
        given = dict(given)
        for name in SECRETS:
            path = given.get(f"{name}_file")
            if path and name not in given and name in cls.model_fields:
                given[name] = _contents(name, Path(path))
        return given


def _contents(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        variable = f"{PREFIX}{name.upper()}_FILE"
        raise ValueError(f"{variable}: cannot read {path}: {error.strerror}") from error


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + "_".join(str(part) for part in location).upper() if location else "settings"


def _rule(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return "is not set"
    return str(error["msg"]).removeprefix("Value error, ")


class BrokerSettings(_Group):
    """
    What beat, Flower and anything else on the queue needs.
    """

    broker_url: Broker
    broker_url_file: Path | None = None
    #: The authority that signed the broker's certificate, for ``rediss://``.
    broker_ca_file: Path | None = None
    #: How often beat wakes the sweep.
    sweep_every: Duration = timedelta(seconds=5)


class DatabaseSettings(_Group):
    """
    Which database, and what it is for: no key that opens anything in it.
    """

    profile: Profile = Profile.SANDBOX
    database_url: SecretStr
    database_url_file: Path | None = None


class MerchantSettings(DatabaseSettings):
    """
    Whose payouts: what it takes to tell a producer of its own.
    """

    #: JD's number of the merchant, who pays.
    customer_no: str = Field(pattern=r"^[0-9A-Za-z]{1,24}$")


class StoreSettings(DatabaseSettings):
    """
    What it takes to read the ledger.
    """

    #: Keys that seal payee data at rest, newest first, with commas between.
    keyring: SecretStr
    keyring_file: Path | None = None


class ReceiverSettings(StoreSettings, MerchantSettings):
    """
    What it takes to judge evidence: the notification receiver's share.
    """

    #: The key behind `sign_data`, issued by JD for each merchant.
    sign_key: SecretStr = Field(min_length=1)
    sign_key_file: Path | None = None

    #: Follow-up queries after each transmission; JD notifies at the same intervals.
    followups: Durations = _SCHEDULE.ladder
    #: And then: this often, for that long; the last without end.
    followup_tail: Tail = _SCHEDULE.tail
    #: Queries after success, for money that the bank sends back.
    return_watch: Durations = _SCHEDULE.return_queries
    query_retry_first: Duration = _SCHEDULE.retry_first
    query_retry_longest: Duration = _SCHEDULE.retry_longest
    #: One not-found answer for each of these, so long after the last lease, allows a resend.
    resend_gaps: TwoGaps = _LIMITS.resend_gaps
    resend_window: Duration = _LIMITS.resend_window
    #: Resends of one payout; 0 switches them off.
    resend_limit: int = Field(default=_LIMITS.resend_limit, ge=0, le=2)
    backoff_first: Duration = _LIMITS.backoff_first
    backoff_longest: Duration = _LIMITS.backoff_longest
    #: The whole of one exchange with the gateway takes no longer.
    http_deadline: Duration = _LIMITS.http_deadline
    #: By how much a lease outlasts that deadline.
    lease_margin: Duration = _LIMITS.lease_margin
    #: A payout still unsent so long after its acceptance is held, if its job names no time.
    send_within: Duration = _LIMITS.send_within
    #: A payout without a final state so long after it was sent is overdue: an alert.
    overdue_after: Duration = _LIMITS.overdue_after
    #: No sweep for so long is an alert.
    silence_limit: Duration = _LIMITS.silence_limit
    #: And so is what is due for so long while nothing of its kind is done.
    late_limit: Duration = _LIMITS.late_limit
    #: The circuit breaker: in this window, of at least so many transmissions, at least so many
    #: percent ended as unknown; then nothing is sent for so long.
    breaker_window: Duration = _LIMITS.breaker_window
    breaker_least: int = Field(default=_LIMITS.breaker_least, ge=1)
    breaker_percent: int = Field(default=_LIMITS.breaker_percent, ge=1, le=100)
    breaker_rest: Duration = _LIMITS.breaker_rest
    #: How fast payouts are sent and JD is asked, each by itself: ``10/s``, ``300/m``, ``1000/h``.
    send_pace: Rate = _LIMITS.send_pace
    query_pace: Rate = _LIMITS.query_pace
    #: A payout that is due and may not be sent is looked at again after this.
    look_again: Duration = _LIMITS.look_again
    #: So long after a restore JD is asked about a new payout before it is sent.
    ask_first_for: Duration = _LIMITS.ask_first_for
    #: An unsigned message brings a payout's next query forward at most this often.
    hurry_spacing: Duration = _LIMITS.hurry_spacing
    #: So many unverifiable answers in a row stop sending.
    unverifiable_limit: int = Field(default=_LIMITS.unverifiable_limit, ge=1)

    @property
    def limits(self) -> Limits:
        """
        The domain's share of the settings.
        """
        alike = {f.name: getattr(self, f.name) for f in fields(Limits) if hasattr(self, f.name)}
        return Limits(
            schedule=Schedule(
                ladder=self.followups,
                tail=self.followup_tail,
                return_queries=self.return_watch,
                retry_first=self.query_retry_first,
                retry_longest=self.query_retry_longest,
            ),
            **alike,
        )


class MonitorSettings(BrokerSettings, ReceiverSettings):
    """
    What it takes to say how the whole is.
    """


class AcceptanceSettings(StoreSettings, MerchantSettings):
    """
    What it takes to accept jobs: where and as whom they will be sent, and no key of JD's.
    """

    #: The gateway's base address; ``/defray_pay`` and ``/trade_query`` follow it.
    gateway_url: str = Field(pattern=r"^https://[^/?#@]+(/[^?#]*)?$")
    #: Addresses with commas between at which payouts that were accepted before may be finished.
    former_gateway_urls: str | None = Field(None, pattern=r"^(https://[^/?#@,]+(/[^?#,]*)?,?)*$")
    #: Where JD is to send notifications: the receiver, as seen from JD.
    notify_url: str = Field(pattern=r"^https?://[^&\s]{1,240}$")
    #: Payees' account numbers with commas between: a person looks at their payouts first.
    review_accounts: Accounts = SecretStr("")
    review_accounts_file: Path | None = None
    #: What pays as much to a payee as another payout so short a while before is held, too.
    duplicates_within: Span = timedelta(hours=24)

    @property
    def review_list(self) -> ReviewList:
        """
        Whose payouts are held for a person when they are accepted.
        """
        return review_list.parse(self.review_accounts.get_secret_value())

    @property
    def terms(self) -> Terms:
        """
        What is fixed for a payout when it is accepted.
        """
        address = self.gateway_url.rstrip("/")
        return Terms(self.profile, self.customer_no, address, self.notify_url)


class EntrySettings(BrokerSettings, AcceptanceSettings):
    """
    What it takes to accept jobs and have a worker woken for them.
    """


class Settings(EntrySettings, ReceiverSettings):
    """
    Everything: what it takes to send money.
    """

    #: The authority to trust for the gateway's TLS; the public ones if unset.
    ca_file: Path | None = None
    #: The merchant's PKCS#12 file, which signs.
    pfx_file: Path
    pfx_password: SecretStr
    pfx_password_file: Path | None = None
    #: Where each process that sends keeps a journal of its claims, and for how long.
    journal: Path = Path("journal")
    journal_keep: Duration = timedelta(days=35)
    #: JD's certificate (DER or PEM), which the envelope is sealed for.
    jd_cert_file: Path
    envelope_digest: Digest = Digest.SHA1
    #: Whether the signature carries signed attributes, as JD's own library does.
    envelope_attributes: bool = True
