"""Benchmarks: speed as ratios measured in one run, on a pinned corpus. Not collected with the tests."""
