"""What is remembered of who may come in from the local network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import entrance
from node.access import Access, read_access, write_access
from node.entrance import Entrance
from node.errors import ComeLater, HomeError, InputError
from node.home import Home
from node.limits import MAX_ENTERING, MAX_SESSIONS, SESSION_SECONDS

HASHED = "$argon2id$v=19$m=65536,t=2,p=1$QTt3VJ7N0Xa8v8cp8h9fjg$avfBwKhRJMWByujFjpmQqVf9AceV48QzGIpRhHHCXcw"


@pytest.fixture
def home(places: Path) -> Home:
    made = Home(places / "home")
    made.make()
    return made


def test_what_is_written_is_read_by_its_owner_alone(home: Home) -> None:
    access = Access(lan=True, password=HASHED, sessions={"ab": 5})
    write_access(home, access)
    assert read_access(home) == access
    assert home.access_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "junk",
    [b"", b"\xff", b"[]", b'{"password": 1}', b'{"lan": true, "password": "$argon2id$x"}', b"[" * 9_999],
)
def test_a_file_that_cannot_be_read_lets_nobody_in(home: Home, junk: bytes) -> None:
    home.access_file.write_bytes(junk)
    assert read_access(home) == Access()


@given(data=st.binary(max_size=200))
def test_junk_raises_nothing(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    home = Home(tmp_path_factory.getbasetemp())
    home.access_file.write_bytes(data)
    assert isinstance(read_access(home), Access)


# The entrance, with a password that costs nothing -----------------------------------------------


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash of a password is its length and itself: what is asked here is not argon2id's."""
    plain: Callable[[str], str] = lambda text: "$argon2id$" + text.encode().hex().rjust(40, "0")  # noqa: E731
    monkeypatch.setattr(entrance, "_hash", plain)
    monkeypatch.setattr(entrance, "_is_right", lambda hashed, text: hashed == plain(text))


@pytest.mark.usefixtures("cheap")
def test_sessions_end_by_the_clock_and_the_oldest_give_way(home: Home) -> None:
    now = 1_000

    async def story() -> None:
        nonlocal now
        door = Entrance(home, lambda: now)
        await door.set_password("0123456789")
        first = await door.enter("10.0.0.1", "0123456789")
        assert door.knows(first)
        now += 1
        others = [await door.enter("10.0.0.1", "0123456789") for _ in range(MAX_SESSIONS)]
        assert not door.knows(first)
        assert all(map(door.knows, others))
        assert door.sessions == MAX_SESSIONS
        now += SESSION_SECONDS * 1_000
        assert not any(map(door.knows, others))
        assert door.sessions == 0
        last = await door.enter("10.0.0.1", "0123456789")
        assert read_access(home).sessions.keys() == {entrance._mark(last)}
        for wrong in ("", "x", last[:-1], last + "x", "x" * 65, "\udcff", "ñ" * 20):
            assert not door.knows(wrong)

    asyncio.run(story())


@pytest.mark.usefixtures("cheap")
def test_a_password_that_cannot_be_kept_is_not_set(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        door = Entrance(home)
        await door.set_password("0123456789")
        session = await door.enter("10.0.0.1", "0123456789")

        def full(path: Path, data: bytes, mode: int = 0) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("node.home.write_durably", full)
        with pytest.raises(HomeError, match="No space left"):
            await door.set_password("another password")
        with pytest.raises(InputError, match="No space left"):
            await door.enter("10.0.0.1", "0123456789")
        assert door.knows(session)

    asyncio.run(story())


@pytest.mark.usefixtures("cheap")
def test_many_at_once_are_no_way_round_the_waiting(home: Home) -> None:
    async def story() -> None:
        door = Entrance(home)
        await door.set_password("0123456789")
        tried = [door.enter("10.0.0.1", f"guess {number}") for number in range(100)]
        came = await asyncio.gather(*tried, return_exceptions=True)
        assert sum(not isinstance(each, ComeLater) for each in came) <= MAX_ENTERING
        with pytest.raises(ComeLater) as refused:
            await door.enter("10.0.0.1", "0123456789")
        assert refused.value.wait > 0

    asyncio.run(story())


@pytest.mark.usefixtures("cheap")
def test_nobody_comes_in_while_there_is_no_password(home: Home) -> None:
    async def story() -> None:
        door = Entrance(home)
        for typed in ("", "0123456789"):
            with pytest.raises(InputError, match="not the password"):
                await door.enter("10.0.0.1", typed)
        with pytest.raises(InputError, match="only with a password"):
            await door.switch(lan=True)
        await door.set_password("0123456789")
        await door.switch(lan=True)
        session = await door.enter("10.0.0.1", "0123456789")
        await door.remove_password()
        assert not door.knows(session)
        assert not door.is_wanted

    asyncio.run(story())


@pytest.mark.parametrize("password", ["", "123456789", "x" * 201])
def test_a_password_has_some_length_and_not_any(home: Home, password: str) -> None:
    async def story() -> None:
        with pytest.raises(InputError, match="characters"):
            await Entrance(home).set_password(password)

    asyncio.run(story())
