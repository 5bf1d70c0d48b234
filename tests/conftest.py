"""What every test may use: --update writes golden files anew, and a profile that makes property tests steady.

`make test` draws the same examples every time, so that a red run can be run again; `make test-long` draws new ones.
"""

import hypothesis
import pytest

hypothesis.settings.register_profile("steady", derandomize=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the golden files anew; then read the difference")
