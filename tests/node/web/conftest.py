"""Nodes in homes that were founded before, and browsers at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ...support.browser import Browser
from ...support.nodes import NodeProcess
from ..conftest import Secretary

Visiting = Callable[[Secretary], Browser]


@pytest.fixture
def visit() -> Iterator[Visiting]:
    """Start the node of a home, and open a browser at it."""
    with ExitStack() as running:

        def visited(secretary: Secretary) -> Browser:
            node = running.enter_context(NodeProcess(secretary.home))
            assert node.started
            return Browser(node.told["people_port"])

        yield visited
