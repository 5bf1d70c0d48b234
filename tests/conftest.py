"""One option for every golden test: --update writes the expected files anew, and a person reads the difference."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the golden files anew; then read the difference")
