"""
The harness works: every benchmark comes to figures at its smallest size. How fast is not asked.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.bench import __main__, running
from tests.bench.figures import Figure

UNITS = {
    "1/s",
    "MB",
    "MB above idle",
    "ms",
    "ms per connection",
    "ms per message",
    "ms per payout",
    "per payout",
    "payouts",
    "ratio",
    "s",
}

#: What may be nothing: on a quiet machine, or at a size at which the noise is as large, or early.
MAY_BE_ZERO = {"MB above idle", "ms per message", "ms per payout", "per payout", "payouts", "s"}


@pytest.mark.parametrize("name", running.BENCHMARKS)
def test_a_benchmark_comes_to_figures(name: str) -> None:
    """
    Its document is complete: a load, conditions, and figures with a unit, none below zero.
    """
    done = CliRunner().invoke(__main__.main, ["--smallest", "--only", name, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)

    assert document["schema"] == 1
    assert document["failed"] == {}
    assert document["machine"]["cores"] >= 1
    assert {"celery", "openssl", "sqlite"} <= document["machine"]["versions"].keys()
    assert document["commit"]
    for load in document["load_average"].values():
        assert len(load) == 3
    [benchmark] = document["benchmarks"]
    assert benchmark["name"] == name
    assert benchmark["what"].endswith(".")
    assert benchmark["conditions"]
    assert benchmark["figures"]
    for figure in benchmark["figures"]:
        check(figure)


def check(figure: Mapping[str, Any]) -> None:
    """
    Assert that a figure is one.
    """
    assert figure.keys() == {"name", "unit", "min", "median", "max", "samples"}
    assert figure["unit"] in UNITS, figure
    least = 0.0 if figure["unit"] in MAY_BE_ZERO else 1e-9
    assert least <= figure["min"] <= figure["median"] <= figure["max"], figure
    assert figure["min"] in figure["samples"]


def test_a_figure_knows_its_samples() -> None:
    """
    The median is the sample in the middle, or between the two in the middle.
    """
    assert Figure("any", "ms", (9.0, 1.0, 2.0)).as_dict()["median"] == 2.0
    assert Figure("any", "ms", (9.0, 1.0, 2.0, 4.0)).as_dict()["median"] == 3.0
    with pytest.raises(ValueError, match="no sample"):
        Figure("any", "ms", ())


def test_a_checkout_that_was_not_installed_is_refused(tmp_path: Path) -> None:
    """
    The message says what is missing and what to do.
    """
    done = CliRunner().invoke(__main__.main, ["--against", str(tmp_path)])

    assert done.exit_code == 1
    assert f"there is no {tmp_path}/Procfile: run `make install` in {tmp_path}" in done.stderr
