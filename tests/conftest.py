"""What every test may use: --update writes golden files anew, and a profile that makes property tests steady.

`make test` draws the same examples every time, so that a red run can be run again; `make test-long` draws new ones.
"""

import signal
from pathlib import Path

import hypothesis
import pytest

CHROMIUM = Path("/usr/bin/chromium")

signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests in the background has it ignored
hypothesis.settings.register_profile("steady", derandomize=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the golden files anew; then read the difference")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Chromium where it is not installed: `make test` says so when it sets up."""
    if not CHROMIUM.exists():
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=f"Debian's Chromium is not at {CHROMIUM}"))
