"""
Settings: read from the environment, checked at once, secrets hidden.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from worker.payouts.errors import SettingsError
from worker.payouts.limits import Limits
from worker.payouts.policy.controls import ReviewList
from worker.payouts.query_schedule import Schedule, Stretch
from worker.settings import (
    SECRETS,
    AcceptanceSettings,
    BrokerSettings,
    Profile,
    ReceiverSettings,
    Settings,
    StoreSettings,
)

NEEDED = {
    "BROKER_URL": "redis://:broker-secret@127.0.0.1:6379/0",
    "DATABASE_URL": "postgresql://u:db-secret@127.0.0.1/p",
    "KEYRING": "keyring-secret",
    "CUSTOMER_NO": "360080000000000001",
    "SIGN_KEY": "sign-secret",
    "GATEWAY_URL": "https://127.0.0.1:9443/npp10/",
    "NOTIFY_URL": "http://127.0.0.1:9080/jdpay/notify",
    "PFX_FILE": "/run/merchant.pfx",
    "PFX_PASSWORD": "pfx-secret",
    "JD_CERT_FILE": "/run/jd.cer",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(f"PAYOUTS_{name}", value)


def given(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    """
    Set these variables; None takes one away.
    """
    for name, value in changes.items():
        if value is None:
            monkeypatch.delenv(f"PAYOUTS_{name}")
        else:
            monkeypatch.setenv(f"PAYOUTS_{name}", value)


def fault() -> str:
    """
    What loading everything complains about.
    """
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    return str(caught.value)


def test_the_defaults_are_the_domains_own() -> None:
    """
    Whoever sets nothing gets the schedule and the rules that the design argues for.
    """
    assert Limits() == Settings.load().limits
    assert Profile.SANDBOX is Settings.load().profile


def test_the_terms_of_new_payouts() -> None:
    """
    Where and as whom, without a slash at the end.
    """
    terms = Settings.load().terms

    assert (
        terms.profile,
        terms.customer_no,
        terms.gateway_url,
    ) == ("sandbox", "360080000000000001", "https://127.0.0.1:9443/npp10")


def test_durations_carry_their_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A demo sets short ones, a merchant other ones.
    """
    given(
        monkeypatch,
        FOLLOWUPS="1s,3s,6s,12s",
        FOLLOWUP_TAIL="30s/10m,1h",
        RETURN_WATCH="1m,2m",
        RESEND_GAPS="2s,10s",
        QUERY_RETRY_FIRST="0.5s",
        HTTP_DEADLINE="5s",
        LEASE_MARGIN="30s",
        SWEEP_EVERY="0.5s",
    )
    settings = Settings.load()

    assert settings.limits.schedule == Schedule(
        ladder=tuple(timedelta(seconds=s) for s in (1, 3, 6, 12)),
        tail=(
            Stretch(timedelta(seconds=30), timedelta(minutes=10)),
            Stretch(timedelta(hours=1)),
        ),
        return_queries=(timedelta(minutes=1), timedelta(minutes=2)),
        retry_first=timedelta(seconds=0.5),
    )
    assert (timedelta(seconds=2), timedelta(seconds=10)) == settings.limits.resend_gaps
    assert timedelta(seconds=35) == settings.limits.lease
    assert timedelta(seconds=0.5) == settings.sweep_every


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """
    By the variable that an operator has to set.
    """
    given(monkeypatch, **{name: None})

    assert f"PAYOUTS_{name}: is not set" in fault()


def test_all_faults_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A deployment is fixed in one go.
    """
    given(monkeypatch, SIGN_KEY=None, CUSTOMER_NO="no spaces", FOLLOWUPS="3m,1m", PROFILE="test")
    text = fault()

    assert [
        name
        for name in ("SIGN_KEY", "CUSTOMER_NO", "FOLLOWUPS", "PROFILE")
        if f"PAYOUTS_{name}: " not in text
    ] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_URL", "http://127.0.0.1:9443"),  # payee data never travels unencrypted
        ("GATEWAY_URL", "https://user@jd.com"),
        ("GATEWAY_URL", "https://jd.com/?a=1"),
        ("NOTIFY_URL", "http://x/?a=1&b=2"),  # it travels inside the envelope
        ("NOTIFY_URL", "ftp://x"),
        ("CUSTOMER_NO", ""),
        ("CUSTOMER_NO", "3600\n"),
        ("SIGN_KEY", ""),
        ("HTTP_DEADLINE", "45"),
        ("HTTP_DEADLINE", "999999999999d"),
        ("FOLLOWUPS", "10m,1m"),
        ("FOLLOWUPS", ""),
        ("FOLLOWUP_TAIL", "1h/1d"),
        ("RESEND_GAPS", "10m,2m"),
        ("RESEND_LIMIT", "3"),  # two is what the design allows
        ("RESEND_LIMIT", "-1"),
        ("UNVERIFIABLE_LIMIT", "0"),
        ("ENVELOPE_DIGEST", "md5"),
    ],
)
def test_an_impossible_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """
    At start, by its variable's name.
    """
    given(monkeypatch, **{name: value})

    assert f"PAYOUTS_{name}: " in fault()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESEND_GAPS", "10m"),  # one answer is no permission to send again
        ("RESEND_GAPS", "0s,1s"),  # an answer from the moment of the lease's end proves nothing
        ("RESEND_LIMIT", "3"),  # each resend relies on what JD documents and nobody could try
        ("QUERY_RETRY_FIRST", "0s"),  # it would ask without a pause
        ("SWEEP_EVERY", "0s"),
        ("LOOK_AGAIN", "0s"),
        ("SEND_PACE", "0/s"),
        ("SEND_PACE", "10"),
        ("QUERY_PACE", "ten/s"),
        ("QUERY_PACE", "9999999/s"),
        ("HTTP_DEADLINE", "0s"),
        ("BACKOFF_FIRST", "0s"),
    ],
)
def test_a_setting_that_would_hurt_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """
    Zero waits make loops, and a resend needs two answers.
    """
    given(monkeypatch, **{name: value})

    assert f"PAYOUTS_{name}: " in fault()


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Neither in a repr nor in a fault.
    """
    shown = repr(Settings.load())
    given(monkeypatch, CUSTOMER_NO="no spaces")
    shown += fault()

    assert [value for value in NEEDED.values() if "secret" in value and value in shown] == []
    assert "-secret" not in shown


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "review_accounts"])
def test_a_secret_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """
    As container platforms hand them out, with a line end.
    """
    path = tmp_path / "secret"
    path.write_text("redis://from-a-file\n", encoding="utf-8")
    given(monkeypatch, **{name.upper(): None, f"{name.upper()}_FILE": str(path)})

    assert "redis://from-a-file" == getattr(Settings.load(), name).get_secret_value()  # noqa: SIM300


@pytest.mark.parametrize(
    "text",
    [
        "6222021234567897312,622848001",
        " 6222021234567897312 , 622848001, ",
        "6222021234567897312\n622848001\n",
        "6222021234567897312,\r\n622848001",
    ],
)
@pytest.mark.parametrize("in_a_file", [False, True])
def test_the_review_list(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, in_a_file: bool
) -> None:
    """
    Account numbers with commas or line ends between, in the variable or in a file.
    """
    path = tmp_path / "reviewed"
    path.write_text(text, encoding="utf-8")
    name = "REVIEW_ACCOUNTS_FILE" if in_a_file else "REVIEW_ACCOUNTS"
    given(monkeypatch, **{name: str(path) if in_a_file else text})

    listed = AcceptanceSettings.load().review_list

    assert listed.account_nos == {"6222021234567897312", "622848001"}


def test_nobody_is_on_the_review_list_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Not set, or set to nothing, it holds nothing back.
    """
    unset = AcceptanceSettings.load().review_list
    given(monkeypatch, REVIEW_ACCOUNTS="")

    assert unset == AcceptanceSettings.load().review_list == ReviewList()


@pytest.mark.parametrize("wrong", ["6222 0212 3456 7897", "622202O234567897312", "6222", "6" * 33])
def test_what_no_account_can_be_is_refused_by_its_place(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """
    A number that could never match would be a control that holds nothing; its text is not told.
    """
    given(monkeypatch, REVIEW_ACCOUNTS=f"6222021234567897312,{wrong}")

    told = fault()

    assert "PAYOUTS_REVIEW_ACCOUNTS: account number 2 of 2 must be 5 to 32 digits" in told
    assert wrong not in told
    assert "6222021234567897312" not in told


def test_the_review_list_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is payee data: neither the settings' repr nor the list's own holds a number.
    """
    given(monkeypatch, REVIEW_ACCOUNTS="6222021234567897312")
    settings = Settings.load()

    shown = f"{settings!r} {settings} {settings.review_list!r} {settings.review_list}"

    assert "6222021234567897312" not in shown
    assert "6222021234567897312" in settings.review_list.account_nos


@pytest.mark.parametrize(("text", "hours"), [("0s", 0), ("2h", 2)])
def test_for_how_long_payments_are_compared(
    monkeypatch: pytest.MonkeyPatch, text: str, hours: int
) -> None:
    """
    A day unless that is told otherwise; nothing switches it off.
    """
    unset = AcceptanceSettings.load().duplicates_within
    given(monkeypatch, DUPLICATES_WITHIN=text)

    assert unset == timedelta(hours=24)
    assert AcceptanceSettings.load().duplicates_within == timedelta(hours=hours)


def test_the_variable_wins_over_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    What is set on purpose is not overridden by what lies around.
    """
    given(monkeypatch, SIGN_KEY_FILE=str(tmp_path / "absent"))

    assert Settings.load().sign_key.get_secret_value() == "sign-secret"


def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    With its variable and the reason.
    """
    given(monkeypatch, SIGN_KEY=None, SIGN_KEY_FILE=str(tmp_path / "absent"))

    assert "PAYOUTS_SIGN_KEY_FILE: cannot read" in fault()


def test_each_process_needs_only_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Beat and Flower get no key, commands that look things up no certificate.
    """
    for name in set(NEEDED) - {"BROKER_URL"}:
        given(monkeypatch, **{name: None})
    assert BrokerSettings.load()

    given(monkeypatch, BROKER_URL=None, **{n: NEEDED[n] for n in ("DATABASE_URL", "KEYRING")})
    assert StoreSettings.load()

    given(monkeypatch, **{n: NEEDED[n] for n in ("CUSTOMER_NO", "SIGN_KEY")})

    assert ReceiverSettings.load()


def test_settings_do_not_change() -> None:
    """
    They are read once a process.
    """
    settings = Settings.load()

    with pytest.raises(ValueError, match="frozen"):
        settings.customer_no = "1"  # type: ignore[misc] # what must not be done


@pytest.mark.parametrize(
    "url",
    [
        "amqp://payouts:geheim@127.0.0.1/",
        "sqs://geheim",
        "sentinel://:geheim@127.0.0.1:26379",
        "memory://",
        "filesystem://",
        "127.0.0.1:6379",
        " redis://127.0.0.1/0",
        "redis://:geh/eim@127.0.0.1:6379/0",
        "redis://:geh#eim@127.0.0.1:6379/0",
        "redis://127.0.0.1:geheim",
        "redis://127.0.0.1:6379/geheim",
        "redis://",
        "redis+socket://",
    ],
)
def test_a_broker_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """
    Whatever reads it says what to write instead, in a line.
    """
    given(monkeypatch, BROKER_URL=url)

    told = fault()

    assert "PAYOUTS_BROKER_URL: " in told
    assert "redis://" in told
    assert "geh" not in told
    assert "eim" not in told


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "rediss://payouts:ge%2Fh%40eim@broker.example:6380/3?health_check_interval=5",
        "redis://[::1]:6379/0",
        "redis+socket:///run/valkey.sock?virtual_host=1",
    ],
)
def test_a_broker_that_can_be_used(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """
    By name or number, with or without password, TLS, a port and a database.
    """
    given(monkeypatch, BROKER_URL=url)

    assert BrokerSettings.load().broker_url.get_secret_value() == url
