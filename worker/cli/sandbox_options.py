"""
How `payouts sandbox` reads its options, and what it prints instead of running.
"""

import ipaddress
import re
from datetime import timedelta

import click

from worker.payouts.durations import parse_duration
from worker.sandbox.scenarios import SCENARIOS, End

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours"}
_LONGEST_LATENCY = timedelta(minutes=10)


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is not a duration like 500ms, 2s, 3m or 1h")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def read_duration(_ctx: click.Context, _param: click.Parameter, text: str) -> timedelta:
    """
    Read one duration of the sandbox's.
    """
    return _duration(text)


def read_rising_durations(
    _ctx: click.Context, _param: click.Parameter, text: str
) -> tuple[timedelta, ...]:
    """
    Read durations with commas between, each at least as long as the one before.
    """
    durations = tuple(_duration(part) for part in text.split(","))
    if list(durations) != sorted(durations):
        raise click.BadParameter("the times must rise")
    return durations


def read_latency(_ctx: click.Context, _param: click.Parameter, text: str) -> timedelta:
    """
    Read how long every reply is to take, in the form of the settings.
    """
    try:
        latency = parse_duration(text)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from fault
    if latency > _LONGEST_LATENCY:
        raise click.BadParameter(f"no client waits that long; at most {_LONGEST_LATENCY}")
    return latency


def read_host(_ctx: click.Context, _param: click.Parameter, text: str) -> ipaddress.IPv4Address:
    """
    Read the address to listen on.
    """
    try:
        return ipaddress.IPv4Address(text)
    except ValueError as fault:
        raise click.BadParameter("give an IPv4 address") from fault


def print_scenarios(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """
    Print the table of accounts, then exit.
    """
    if not wanted:
        return
    for scenario in SCENARIOS:
        ends = scenario.ends
        told = " | ".join(map(_end, (ends.normal, ends.no_notifications, ends.no_replies)))
        click.echo(f"{scenario.account_no}  {scenario.name:26}{scenario.summary}\n{'':20}{told}")
    ctx.exit()


def _end(end: End) -> str:
    return f"{end.status}, case {end.case}" if end.case else end.status
