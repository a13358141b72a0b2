"""
The files that a deployment starts from agree with the program and with its rules.
"""

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from worker import bootstrap, settings
from worker.broker.names import QueueName
from worker.cli.api import api
from worker.cli.flower import command_line, flower, password_fault
from worker.cli.metrics import metrics
from worker.jdpay.certificates import load_jd, load_merchant
from worker.processes import COMMANDS, CONSUMERS
from worker.sandbox.keys import MERCHANT
from worker.settings import (
    BrokerSettings,
    DatabaseSettings,
    EntrySettings,
    MerchantSettings,
    MonitorSettings,
    ReceiverSettings,
    Settings,
    StoreSettings,
)

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
PROCFILE = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
)
KNOWN = {f"{settings.PREFIX}{name.upper()}" for name in Settings.model_fields}


def example(*, commented: bool) -> dict[str, str]:
    """
    The settings of .env.example, either the ones given or the ones commented out.
    """
    mark = "#" if commented else ""
    found = re.findall(rf"^{mark}(PAYOUTS_\w+)=(.*)$", EXAMPLE, re.MULTILINE)
    assert len(found) == len(dict(found))
    return dict(found)


def command(service: str) -> list[str]:
    """
    A service's command line, as compose has it.
    """
    argv: list[str] = SERVICES[service]["command"]
    return argv


# --- .env.example


def test_the_example_names_every_setting_once() -> None:
    """
    What can be set is in the example, and what is in the example can be set.
    """
    given, commented = example(commented=False), example(commented=True)

    assert not given.keys() & commented.keys()
    assert given.keys() | commented.keys() == KNOWN


def test_the_example_is_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Its values are possible ones; only the secrets' files have to be there.
    """
    for name, value in example(commented=False).items():
        monkeypatch.setenv(name, value)
    for secret in settings.SECRETS:
        (tmp_path / secret).write_text("secret")
        name = f"{settings.PREFIX}{secret.upper()}_FILE"
        if name in example(commented=False):
            monkeypatch.setenv(name, str(tmp_path / secret))

    assert Settings.load().profile == "sandbox"


def test_the_defaults_shown_are_the_real_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Setting a commented value changes nothing.
    """
    test_the_example_is_accepted(monkeypatch, tmp_path)
    before = Settings.load()
    for name, value in example(commented=True).items():
        field = name.removeprefix(settings.PREFIX).lower()
        if value and not field.endswith("_file"):
            monkeypatch.setenv(name, value)

    assert Settings.load() == before


# --- docker-compose.yml


def test_compose_names_real_settings_only() -> None:
    """
    A setting that was renamed is renamed here too.
    """
    named = set(re.findall(r"PAYOUTS_[A-Z_]+", (ROOT / "docker-compose.yml").read_text()))

    assert named <= KNOWN


def test_the_broker_keeps_what_it_is_given() -> None:
    """
    An append-only file, and no message dropped to make room.
    """
    argv = command("broker")
    options = dict(zip(argv[1::2], argv[2::2], strict=True))

    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--requirepass"].startswith("${BROKER_PASSWORD:?")


@pytest.mark.parametrize("service", COMMANDS)
def test_services_wait_for_the_migration(service: str) -> None:
    """
    Nothing starts on tables of another version, nor without a broker.
    """
    conditions = {name: wait["condition"] for name, wait in SERVICES[service]["depends_on"].items()}

    assert conditions == {
        "migrate": "service_completed_successfully",
        "broker": "service_healthy",
    }


def test_the_migration_waits_for_the_database_and_ends() -> None:
    """
    The job runs once, when PostgreSQL answers.
    """
    assert command("migrate") == ["payouts", "migrate"]
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"


@pytest.mark.parametrize("service", CONSUMERS)
def test_the_worker_is_given_time_to_end(service: str) -> None:
    """
    A stop lets a request that is on the wire come back: longer than the longest task.
    """
    worker = SERVICES[service]

    assert worker["stop_signal"] == "SIGTERM"
    assert worker["stop_grace_period"] == "240s"


#: What depends on the place alone, and may stand in a deployment's command line beside the rest.
PLACES = ("--bind", "--loglevel", "--schedule", "--port", "--address", "--workers", "--worker-tmp")


def essence(words: list[str]) -> set[str]:
    """
    A command line without what depends on the place.
    """
    return {w for w in words if not w.startswith((*PLACES, "127.", "${PORT"))} - {"exec"}


@pytest.mark.parametrize("process", COMMANDS)
def test_what_is_deployed_is_what_is_tried(process: str) -> None:
    """
    The Procfile and compose start each process as the demo, the chaos and the tests do.
    """
    assert essence(shlex.split(PROCFILE[process])) == set(COMMANDS[process])
    assert essence(command(process)) == set(COMMANDS[process])


def test_every_queue_is_taken_by_one_kind_of_process() -> None:
    """
    No queue is forgotten, and none waits behind another's gateway.
    """
    taken = [
        queue
        for name in CONSUMERS
        for word in COMMANDS[name]
        if word.startswith("--queues=")
        for queue in word.removeprefix("--queues=").split(",")
    ]

    assert sorted(taken) == sorted(QueueName)


def test_flower_only_looks_and_asks_for_a_password() -> None:
    """
    Flower is read-only, keeps nothing, needs a password, and is seen from this host only.
    """
    service = SERVICES["flower"]
    started = command_line("0.0.0.0", 5555)

    assert command("flower") == ["payouts", "flower", "--address=0.0.0.0", "--port=5555"]
    assert {"--read_only=True", "--persistent=False"} <= set(started)
    assert started[1:5] == ["-m", "celery", "--app=worker.broker.app", "flower"]
    assert service["ports"] == ["127.0.0.1:5555:5555"]
    assert "FLOWER_UNAUTHENTICATED_API" not in str(COMPOSE)


def test_a_missing_password_of_flowers_stops_nothing_else() -> None:
    """
    Compose reads the file without it; Flower itself says what to set, and does not start.
    """
    given = SERVICES["flower"]["environment"]["FLOWER_BASIC_AUTH"]

    assert given == "${FLOWER_BASIC_AUTH:-}"
    assert "FLOWER_BASIC_AUTH is not set" in str(password_fault(""))
    assert SERVICES["flower"]["restart"] == "unless-stopped"
    assert not any("flower" in service.get("depends_on", {}) for service in SERVICES.values())


@pytest.mark.parametrize("given", ["secret", "user:", ":secret", "user:secret,", "user:secret,x"])
def test_a_password_that_is_none_is_said_and_not_shown(given: str) -> None:
    """
    Flower would run with it, and let in nobody or anybody.
    """
    told = str(password_fault(given))

    assert "is not user:password" in told
    assert "secret" not in told
    assert password_fault("user:secret") is None
    assert password_fault("user:secret,other:word") is None


@pytest.mark.parametrize("service", ["beat", "flower"])
def test_what_only_needs_the_broker_gets_no_secret(service: str) -> None:
    """
    Beat and Flower are given neither the settings file, nor the keys, nor the database.
    """
    given = {name for name in SERVICES[service]["environment"] if name.startswith("PAYOUTS_")}

    assert given == {"PAYOUTS_BROKER_URL"}
    assert SERVICES[service].keys().isdisjoint({"env_file", "volumes", "secrets"})


@pytest.mark.parametrize(
    ("service", "group", "secrets"),
    [
        ("migrate", StoreSettings, {"keyring"}),
        ("web", ReceiverSettings, {"keyring", "sign_key"}),
        ("api-read", MerchantSettings, set()),
    ],
)
def test_what_sends_nothing_gets_only_what_it_reads(
    service: str, group: type[DatabaseSettings], secrets: set[str]
) -> None:
    """
    None of them is given what sends money, nor the way to the queue; nor any key, who tells all.
    """
    read = {f"{settings.PREFIX}{name.upper()}" for name in group.model_fields}
    given = SERVICES[service]["environment"]
    mounts = {mount["source"]: mount["target"] for mount in SERVICES[service].get("secrets", ())}

    # Compose makes the address itself, so that nobody needs a file with it.
    assert given.keys() == read - {"PAYOUTS_DATABASE_URL_FILE"}
    assert {name for name, value in given.items() if value} == {"PAYOUTS_DATABASE_URL"}
    assert SERVICES[service].keys().isdisjoint({"env_file", "volumes"})
    assert mounts.keys() == secrets
    for name, path in mounts.items():
        assert example(commented=False)[f"{settings.PREFIX}{name.upper()}_FILE"] == path
        assert COMPOSE["secrets"][name] == {"file": f"./secrets/{Path(path).name}"}


def test_who_takes_payouts_in_gets_nothing_of_jds() -> None:
    """
    Over HTTP as well: no sign key, no pfx, no certificate; and with play money only.
    """
    service = SERVICES["api-accept"]
    read = {f"{settings.PREFIX}{name.upper()}" for name in EntrySettings.model_fields}
    made = {"PAYOUTS_DATABASE_URL_FILE", "PAYOUTS_BROKER_URL_FILE", "PAYOUTS_SWEEP_EVERY"}

    assert service["environment"].keys() == read - made
    assert {name for name, value in service["environment"].items() if value} == {
        *("PAYOUTS_DATABASE_URL", "PAYOUTS_BROKER_URL")
    }
    assert not any("SIGN" in name or "PFX" in name for name in service["environment"])
    assert service.keys().isdisjoint({"env_file", "volumes"})
    assert [mount["source"] for mount in service["secrets"]] == ["keyring"]
    assert service["profiles"] == ["sandbox"]


def test_who_looks_on_gets_nothing_that_sends() -> None:
    """
    The metrics' process reads the database and the broker: no pfx, no certificate, no gateway.
    """
    read = {f"{settings.PREFIX}{name.upper()}" for name in MonitorSettings.model_fields}
    given = SERVICES["metrics"]["environment"]
    # Compose makes both addresses; how often beat wakes the sweep is beat's affair.
    made = {"PAYOUTS_DATABASE_URL_FILE", "PAYOUTS_BROKER_URL_FILE", "PAYOUTS_SWEEP_EVERY"}

    assert given.keys() == read - made
    assert {name for name, value in given.items() if value} == {
        *("PAYOUTS_DATABASE_URL", "PAYOUTS_BROKER_URL")
    }
    assert SERVICES["metrics"].keys().isdisjoint({"env_file", "volumes"})
    assert SERVICES["metrics"]["secrets"] == SERVICES["web"]["secrets"]
    assert command("metrics") == ["payouts", "metrics", "--address=0.0.0.0", "--port=9464"]


def test_who_tells_producers_gets_nothing_that_signs_for_jd() -> None:
    """
    The relay reads events and their keys, and reaches the broker for those who want a queue.
    """
    fields = BrokerSettings.model_fields | StoreSettings.model_fields
    read = {f"{settings.PREFIX}{name.upper()}" for name in fields}
    made = {"PAYOUTS_DATABASE_URL_FILE", "PAYOUTS_BROKER_URL_FILE", "PAYOUTS_SWEEP_EVERY"}

    assert SERVICES["relay"]["environment"].keys() == read - made
    assert [one["source"] for one in SERVICES["relay"]["secrets"]] == ["keyring"]
    assert SERVICES["relay"].keys().isdisjoint({"env_file", "volumes", "ports"})
    assert command("relay") == ["payouts", "relay"]


def test_only_what_others_call_can_be_opened_to_them() -> None:
    """
    JD and applications; no other service has a port on an address that could be public.
    """
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert ports.keys() == {"web", "flower", "metrics", "api-accept", "api-read"}
    assert ports["api-accept"] == ["${ACCEPT_ADDRESS:-127.0.0.1}:8001:8001"]
    assert ports["api-read"] == ["${READ_ADDRESS:-127.0.0.1}:8002:8002"]
    assert ports["metrics"] == ["127.0.0.1:9464:9464"]
    assert ports["web"] == ["${WEB_ADDRESS:-127.0.0.1}:8000:8000"]


def test_every_lasting_service_says_whether_it_is_well() -> None:
    """
    Each has a health check, except the job and the sandbox.
    """
    without = {name for name, service in SERVICES.items() if "healthcheck" not in service}

    assert without == {"migrate", "sandbox", "sandbox-files"}


def test_the_sandbox_starts_only_when_asked_for() -> None:
    """
    The sandbox is behind its profile; and no top-level name, which old versions refuse.
    """
    behind = {name for name, service in SERVICES.items() if "profiles" in service}

    assert behind == {"sandbox", "sandbox-files", "api-accept"}
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]
    assert "name" not in COMPOSE


def make_sandbox_files(folder: Path) -> None:
    """
    Run the command of `sandbox-files`, with this folder and this user in place of the container's.
    """
    shell, option, script = command("sandbox-files")
    script = script.replace("/run/payouts", str(folder)).replace("10001", str(os.getuid()))
    path = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
    argv = [shell, option, script]
    subprocess.run(argv, env={"PATH": path}, cwd=folder.parent, check=True, timeout=60)


def test_the_sandbox_needs_no_file_made_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    One command makes every file that .env.example and the secrets name; a worker can use them.
    """
    folder = tmp_path / "secrets"
    make_sandbox_files(folder)
    for name, value in example(commented=False).items():
        monkeypatch.setenv(name, value.replace("/run/payouts", str(folder)))
    found = Settings.load()
    password = found.pfx_password.get_secret_value()

    assert found.customer_no == MERCHANT
    assert found.gateway_url.startswith(f"https://{SERVICES['sandbox']['command'][4][7:]}:8443/")
    assert load_merchant(found.pfx_file.read_bytes(), password)
    assert load_jd(found.jd_cert_file.read_bytes())
    assert found.ca_file == folder / "ca.pem"
    assert found.ca_file.exists()
    assert bootstrap.keyring(found)
    for secret in COMPOSE["secrets"].values():
        assert (tmp_path / secret["file"]).stat().st_mode & 0o077 == 0


def test_the_sandboxs_files_are_made_once(tmp_path: Path) -> None:
    """
    A second run changes none: a new keyring would make the database unreadable.
    """
    folder = tmp_path / "secrets"
    make_sandbox_files(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    make_sandbox_files(folder)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert {"keyring", "sign.key", "merchant.pfx", "ca.pem"} <= before.keys()


def test_only_the_maker_of_the_sandboxs_files_is_root() -> None:
    """
    It ends, has no network, and may hand files over and nothing else.
    """
    assert {name for name, service in SERVICES.items() if "user" in service} == {"sandbox-files"}
    maker = SERVICES["sandbox-files"]

    assert (maker["restart"], maker["network_mode"]) == ("no", "none")
    assert (maker["cap_drop"], maker["cap_add"]) == (["ALL"], ["CHOWN", "DAC_OVERRIDE"])
    assert {name for name, service in SERVICES.items() if "cap_add" in service} == {"sandbox-files"}
    assert maker["volumes"] == SERVICES["sandbox"]["volumes"]


def test_no_secret_is_written_down() -> None:
    """
    Passwords come from the environment, and one that is missing is named.
    """
    text = (ROOT / "docker-compose.yml").read_text()
    uses = re.findall(r"\$\{(\w*(?:PASSWORD|AUTH))(:\?[^}]+|:-)?\}", text)

    assert {name for name, _ in uses} == {
        "BROKER_PASSWORD",
        "FLOWER_BASIC_AUTH",
        "POSTGRES_PASSWORD",
    }
    assert {name for name, without in uses if without == ":-"} == {"FLOWER_BASIC_AUTH"}
    assert all(without for _, without in uses)
    assert all(f"\n{name}=\n" in EXAMPLE for name, _ in uses)


# --- Procfile and Dockerfile


def test_the_procfile_has_the_processes() -> None:
    """
    Receiver, workers, beat and monitor, listening at home only.
    """
    assert PROCFILE.keys() == COMMANDS.keys()
    assert "127.0.0.1:${PORT" in PROCFILE["web"]
    assert shlex.split(PROCFILE["flower"]) == [
        "exec",
        "payouts",
        "flower",
        "--port",
        "${PORT:-5555}",
    ]
    for command_of in (flower, metrics, api):
        assert {o.name: o.default for o in command_of.params}["address"] == "127.0.0.1"


@pytest.mark.parametrize("process", [*CONSUMERS, "beat"])
def test_celery_is_started_with_an_app_that_exists(process: str) -> None:
    """
    `--app` names the module that holds the app.
    """
    assert "--app=worker.broker.app" in COMMANDS[process]
    assert importlib.import_module("worker.broker.app").app.main == "payouts"


def test_gunicorn_is_started_with_a_factory_that_exists() -> None:
    """
    The receiver's factory is named the same in both files.
    """
    words = shlex.split(PROCFILE["web"])
    module, factory = words[words.index("gunicorn") + 1].removesuffix("()").split(":")

    assert callable(getattr(importlib.import_module(module), factory))
    assert f"{module}:{factory}()" in command("web")


def test_the_image_is_built_from_the_lock_and_runs_as_nobody_special() -> None:
    """
    Hashes are demanded, the user is not root, the working folder is empty, no address is named.
    """
    text = (ROOT / "Dockerfile").read_text()
    final = text.rpartition("\nFROM ")[2]

    assert "--require-hashes --requirement requirements.lock" in text
    assert re.search(r"^USER payouts$", final, re.MULTILINE)
    assert re.search(r"^WORKDIR /empty$", final, re.MULTILINE)
    assert "://" not in text


# --- docs/hosts.md


def unit() -> dict[str, str]:
    """
    The systemd unit that the documents give.
    """
    text = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
    lines = text.split("```ini\n", 1)[1].split("```", 1)[0].splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_the_unit_starts_what_the_procfile_says(tmp_path: Path) -> None:
    """
    Quotes and defaults of a line of the Procfile mean in the unit what they mean to honcho.
    """
    (tmp_path / "Procfile").write_text(
        "other: exec false\nprobe: exec printf '%s|' 'a b' \"${NOT_SET:-8000}\"\n"
    )
    line = unit()["ExecStart"].replace("%i", "probe").replace("$$", "$")
    told = subprocess.run(
        shlex.split(line.replace("/srv/payouts", str(tmp_path))),
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
        text=True,
    )

    assert told.stdout == "a b|8000|"


def test_the_unit_is_enabled_for_each_process() -> None:
    """
    All processes of the Procfile are started, but for Flower, which may be left out.
    """
    text = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
    (enabled,) = re.findall(r"systemctl enable --now (.*)", text)

    assert {name.removeprefix("payouts@") for name in enabled.split()} == {*PROCFILE} - {"flower"}


def test_the_unit_leaves_time_for_what_is_on_the_wire() -> None:
    """
    Systemd waits as long as the compose file does before it kills.
    """
    assert unit()["TimeoutStopSec"] == SERVICES["sender"]["stop_grace_period"]
