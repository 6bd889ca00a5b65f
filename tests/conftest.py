"""What holds for every test: how long hypothesis may search, and that it is not timed."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No deadline: a test does not fail because the machine was busy.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

# The same examples each time: what passed here passes elsewhere. `--slow` looks for others.
settings.register_profile("quick", _UNTIMED, max_examples=50, derandomize=True)
settings.register_profile("thorough", _UNTIMED, max_examples=1_000)
settings.load_profile("quick")
