"""What holds for every test: how long hypothesis may search, that it is not timed, and what is traced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No deadline: a test does not fail because the machine was busy.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

# The same examples each time: what passed here passes elsewhere. `--slow` looks for others.
settings.register_profile("quick", _UNTIMED, max_examples=50, derandomize=True)
settings.register_profile("thorough", _UNTIMED, max_examples=1_000)
settings.load_profile("quick")

OF_THE_LEDGER = ("tests/ledger/", "tests/node/test_receipts.py", "tests/node/test_rations.py")
"""Where the ledger is tested: what grounds of receipts and lengths of logs are for shows in the node."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """With `--cov=ledger`, trace what tests the ledger alone: tracing makes the others half as slow again."""
    coverage = item.config.pluginmanager.getplugin("_cov")
    asked = item.config.getoption("cov_source", default=None)
    if coverage is None or asked != ["ledger"] or item.nodeid.startswith(OF_THE_LEDGER):
        yield
        return
    coverage.cov_controller.pause()
    yield
    coverage.cov_controller.resume()
