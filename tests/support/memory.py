"""What a process holds in memory, as Linux tells it."""

from __future__ import annotations

from pathlib import Path


def held(process: int | str = "self") -> float:
    """MB (of 10⁶ bytes) that a process holds now."""
    return _field("VmRSS", process)


def peak(process: int | str = "self") -> float:
    """MB (of 10⁶ bytes) that it held at most; `getrusage` would begin with its parent's peak."""
    return _field("VmHWM", process)


def _field(name: str, process: int | str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1_024 / 1e6
