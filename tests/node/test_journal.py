"""The journal: one line a happening, whatever stands in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from node import journal


@pytest.fixture
def root() -> Iterator[None]:
    """The program's logging as it was, afterwards."""
    logger = logging.getLogger()
    own = logging.getLogger("trueque")
    kept = (list(logger.handlers), logger.level, own.level)
    yield
    logger.handlers[:], own.level = kept[0], kept[2]
    logger.setLevel(kept[1])


def lines(*, as_json: bool, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    journal.begin(level, as_json=as_json)
    logging.getLogger().handlers[:] = [journal.Journal(stream, as_json=as_json)]
    return stream


@pytest.mark.usefixtures("root")
def test_a_line_has_the_time_the_level_the_event_and_its_particulars() -> None:
    stream = lines(as_json=False)
    journal.tell("started", people=8783, peers=None, home="La Sierra\n", good=True, address="[::1]:80")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line.startswith("time=2")
    assert line.endswith(
        'level=info event=started people=8783 peers=none home="La Sierra\\n" good=yes address=[::1]:80\n'
    )


@pytest.mark.usefixtures("root")
def test_as_json_a_line_is_one_object() -> None:
    stream = lines(as_json=True)
    journal.tell("started", level="warning", home="Mérida\n")
    found = json.loads(stream.getvalue())
    assert (found["event"], found["level"], found["home"]) == ("started", "warning", "Mérida\n")
    assert "Mérida" in stream.getvalue()


@pytest.mark.usefixtures("root")
def test_below_the_level_nothing_is_said() -> None:
    stream = lines(as_json=False, level="warning")
    journal.tell("answered", level="debug")
    journal.tell("started")
    assert stream.getvalue() == ""
    journal.tell("trouble", level="error")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.usefixtures("root")
def test_a_fault_says_where_it_happened_in_one_line() -> None:
    stream = lines(as_json=False)
    try:
        raise KeyError("x")
    except KeyError as error:
        journal.fault("fault", error, path="/")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert "event=fault path=/" in line
    assert "test_journal.py" in line


@pytest.mark.usefixtures("root")
def test_what_libraries_say_comes_out_the_same_way() -> None:
    stream = lines(as_json=True)
    logging.getLogger("aiohttp.server").warning("something %s", "odd")
    found = json.loads(stream.getvalue())
    assert (found["event"], found["library"], found["said"]) == ("library", "aiohttp.server", "something odd")


@pytest.mark.usefixtures("root")
def test_nobody_reading_it_stops_nothing() -> None:
    stream = lines(as_json=False)
    stream.close()
    journal.tell("started")
