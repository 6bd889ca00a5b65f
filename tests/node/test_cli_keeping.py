"""Backup, restore, export, import and authority, as a secretary gives the commands."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger.signing import is_key
from node.blobs import Blobs
from node.cli import trueque
from node.home import Home

from ..support.photos import digest_of, jpeg, post_with_photos
from .conftest import Found, Secretary

PASSWORD = "una clave larga"


@pytest.fixture
def password(places: Path) -> str:
    path = places / "password"
    path.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return str(path)


def words_of(secretary: Secretary) -> str:
    return str(secretary.home.with_suffix(".words"))


def refusal(secretary: Secretary, *arguments: str) -> str:
    """Why a command is refused: the last line, after hints and summaries."""
    return secretary.run(*arguments, status=2).stderr.strip().splitlines()[-1]


def empty_home(like: Secretary, name: str = "new-laptop") -> Secretary:
    return Secretary(like.name, like.home.parent / name)


# Backup and restore -----------------------------------------------------------------------------


def test_a_commune_comes_back_on_another_computer_in_a_log_of_its_own(
    montes: Secretary, places: Path, password: str
) -> None:
    offered = montes.sign("offer", "Maize", "--quantity", "100", "--unit", "kg")
    file = str(places / "montes.backup")
    montes.run("backup", file, "--password-file", password)
    laptop = empty_home(montes)
    laptop.run("restore", file, "--password-file", password, "--words", words_of(montes))
    assert laptop.commune == montes.commune
    assert [row["id"] for row in laptop.json("listings")] == [offered]
    laptop.sign("offer", "Tomatoes")
    assert len(laptop.json("listings")) == 2
    assert (laptop.home / "log.key").read_text() != (montes.home / "log.key").read_text()


def test_the_old_computer_stops_signing_once_it_hears_of_the_new_one(
    montes: Secretary, places: Path, password: str
) -> None:
    file, bundle = str(places / "montes.backup"), str(places / "b.trueque")
    montes.run("backup", file, "--password-file", password)
    laptop = empty_home(montes)
    laptop.run("restore", file, "--password-file", password, "--words", words_of(montes))
    laptop.run("export", "--bundle", bundle)
    assert "Entries new: 1; known already: 1;" in montes.run("import", bundle).stdout
    assert "now writes with another log" in refusal(montes, "offer", "Maize", "--yes")


def test_restoring_an_old_backup_rids_nobody_of_a_debt(
    montes: Secretary, valle: Secretary, places: Path, password: str
) -> None:
    """What was accepted after the backup still stands, since the other side has seen it."""
    file, bundle = str(places / "montes.backup"), str(places / "b.trueque")
    montes.run("backup", file, "--password-file", password)
    exchange = valle.sign("propose", "--to", "Los Montes", "--give", "Nails;5;kg", "--take", "Maize;100;kg")
    valle.tell(montes)
    montes.sign("accept", exchange)
    montes.tell(valle)
    valle.sign("deliver", exchange)
    laptop = empty_home(montes)
    laptop.run("restore", file, "--password-file", password, "--words", words_of(montes))
    assert laptop.json("exchanges") == []
    valle.run("export", "--bundle", bundle, "--all")
    laptop.run("import", bundle, "--all")
    (known,) = laptop.json("exchanges")
    assert (known["id"], known["state"], known["contested"]) == (exchange, "agreed", True)


def test_a_wrong_password_and_wrong_words_change_nothing(
    montes: Secretary, valle: Secretary, places: Path, password: str
) -> None:
    file = str(places / "montes.backup")
    montes.run("backup", file, "--password-file", password)
    wrong = places / "wrong"
    wrong.write_text("otra clave larga\n")
    laptop = empty_home(montes)
    sentence = laptop.refused("restore", file, "--password-file", str(wrong), "--words", words_of(montes))
    assert "password is wrong" in sentence
    assert not laptop.home.exists()
    sentence = laptop.refused("restore", file, "--password-file", password, "--words", words_of(valle))
    assert "of another key" in sentence
    # The right words then finish what those could not.
    laptop.run("restore", file, "--password-file", password, "--words", words_of(montes))
    assert laptop.commune == montes.commune


def test_a_home_in_use_is_never_restored_into(montes: Secretary, places: Path, password: str) -> None:
    file = str(places / "montes.backup")
    montes.run("backup", file, "--password-file", password)
    before = (montes.home / "log.key").read_text()
    sentence = montes.refused("restore", file, "--password-file", password, "--words", words_of(montes))
    assert "already" in sentence
    assert (montes.home / "log.key").read_text() == before


def test_a_short_password_is_refused(montes: Secretary, places: Path) -> None:
    short = places / "short"
    short.write_text("corta\n")
    sentence = montes.refused("backup", str(places / "b"), "--password-file", str(short))
    assert "at least 8" in sentence
    assert not (places / "b").exists()


def test_a_file_that_is_something_else_is_not_replaced(
    montes: Secretary, places: Path, password: str
) -> None:
    photo = places / "photo.png"
    photo.write_bytes(b"\x89PNG")
    assert "not replaced" in montes.refused("backup", str(photo), "--password-file", password)
    assert "not replaced" in montes.refused("export", "--bundle", str(photo))
    assert photo.read_bytes() == b"\x89PNG"


def test_what_is_no_backup_is_refused_and_leaves_no_home(places: Path, password: str) -> None:
    junk = places / "junk"
    laptop = Secretary("Nobody", places / "new")
    for content in (b"", b"x" * 1000):
        junk.write_bytes(content)
        sentence = laptop.refused("restore", str(junk), "--password-file", password, "--words", password)
        assert sentence
    assert "No such file" in laptop.refused("restore", str(places / "none"), "--password-file", password)
    assert not laptop.home.exists()


def test_a_restore_into_a_full_or_damaged_place_says_what_to_do(
    montes: Secretary, places: Path, password: str
) -> None:
    file = places / "montes.backup"
    montes.run("backup", str(file), "--password-file", password)
    laptop = empty_home(montes)
    data = file.read_bytes()
    file.write_bytes(data[:-30])
    sentence = laptop.refused("restore", str(file), "--password-file", password, "--words", words_of(montes))
    assert "cut short" in sentence or "damaged" in sentence


def test_a_backup_brings_ones_own_photos_back_and_leaves_those_of_others_to_them(
    montes: Secretary, valle: Secretary, places: Path, password: str
) -> None:
    file, own, theirs = str(places / "montes.backup"), jpeg("maíz"), jpeg("clavos")
    post_with_photos(montes.home, "Maíz", own)
    post_with_photos(valle.home, "Clavos", theirs)
    valle.tell(montes)
    Blobs.of(Home(montes.home)).keep(digest_of(theirs), theirs, own=False)
    montes.run("backup", file, "--password-file", password)
    laptop = empty_home(montes)
    laptop.run("restore", file, "--password-file", password, "--words", words_of(montes))
    blobs = Blobs.of(Home(laptop.home))
    opened = blobs.open_own(digest_of(own))
    assert opened is not None
    opened[1].close()
    assert not blobs.holds(digest_of(theirs))


def test_photos_go_from_home_to_home_in_a_bundle_unless_they_are_left_out(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    bundle, less = str(places / "b.trueque"), str(places / "less.trueque")
    photo = jpeg("maíz")
    post_with_photos(montes.home, "Maíz", photo)
    valle.run("recognise", "Los Montes")
    assert montes.json("export", "--bundle", less, "--no-photos")["photos"] == 0
    assert montes.json("export", "--bundle", bundle)["photos"] == 1
    assert "photo" not in valle.run("import", less).stdout
    assert "1 new photo." in valle.run("import", bundle).stdout
    assert valle.json("import", bundle)["photos"] == {"new": 0, "known": 1, "left_out": 0}
    assert Blobs.of(Home(valle.home)).read(digest_of(photo)) == photo


def test_a_backup_never_holds_the_key(montes: Secretary, places: Path, password: str) -> None:
    """Whoever finds the file and guesses the password can read, and still not write in the commune's name."""
    from node.sealed import OpeningReader

    file = places / "montes.backup"
    montes.run("backup", str(file), "--password-file", password)
    seed = bytes.fromhex((montes.home / "log.key").read_text())
    with file.open("rb") as raw:
        plain = OpeningReader(raw, PASSWORD).read()
    assert seed not in plain
    assert seed.hex().encode() not in plain
    assert file.stat().st_mode & 0o077 == 0


# Several keys -----------------------------------------------------------------------------------


def council_keys(secretary: Secretary, places: Path, count: int = 3) -> list[tuple[str, str]]:
    made = []
    for number in range(count):
        words = str(places / f"council-{number}.words")
        made.append((secretary.json("authority", "key", "--out", words)["key"], words))
    return made


@pytest.fixture
def councils(montes: Secretary, places: Path) -> list[tuple[str, str]]:
    """Los Montes, spoken for by two of three councils."""
    made = council_keys(montes, places)
    keys = [option for key, _ in made for option in ("--key", key)]
    montes.sign("authority", "replace", *keys, "--threshold", "2", "--words", words_of(montes))
    return made


def test_the_assembly_takes_over_from_the_recovery_words(
    montes: Secretary, councils: list[tuple[str, str]], places: Path
) -> None:
    (link,) = montes.json("authority")
    assert link["threshold"] == 2
    assert sorted(link["keys"]) == sorted(key for key, _ in councils)
    sentence = montes.refused(
        "authority", "replace", "--key", councils[0][0], "--threshold", "1", "--words", words_of(montes)
    )
    assert "of another key" in sentence


def test_a_key_that_nobody_can_sign_with_never_speaks_for_a_commune(montes: Secretary, places: Path) -> None:
    """A slip in copying it would lock the commune out for ever."""
    good = council_keys(montes, places, 1)[0][0]
    slips = [f"{number:02x}{good[2:]}" for number in range(256)]
    slip = next(key for key in slips if not is_key(bytes.fromhex(key)))
    for key in ("00" * 32, "01" + "00" * 31, slip):
        replacing = ("authority", "replace", "--key", good, "--key", key, "--threshold", "1")
        assert "no key that anybody can sign with" in montes.refused(*replacing, "--words", words_of(montes))
    assert len(montes.json("authority")[0]["keys"]) == 1
    assert montes.json("authority")[0]["keys"] != [good]


def test_two_councils_change_the_authority_by_a_request(
    montes: Secretary, councils: list[tuple[str, str]], places: Path
) -> None:
    asked, one, both = (str(places / name) for name in ("asked.json", "one.json", "both.json"))
    montes.run("authority", "replace", "--key", councils[2][0], "--threshold", "1", "--out", asked)
    assert "still needed: 2" in refusal(montes, "authority", "record", asked, "--yes")
    montes.run("authority", "sign", asked, "--words", councils[0][1], "--out", one, "--yes")
    assert "still needed: 1" in refusal(montes, "authority", "record", one, "--yes")
    told = montes.run("authority", "show", one).stdout
    assert "2 of these 3 keys have to sign" in told
    assert (told.count("  signed"), told.count("  not yet")) == (1, 2)
    (asking,) = montes.json("authority", "show", one)["authorities"]
    assert [row["key"] for row in asking["keys"] if row["signed"]] == [councils[0][0]]
    montes.run("authority", "sign", one, "--words", councils[1][1], "--out", both, "--yes")
    montes.run("authority", "record", both, "--yes")
    (link,) = montes.json("authority")
    assert link["keys"] == [councils[2][0]]
    # The same request again is of an authority that is replaced now.
    assert "make a new one" in refusal(montes, "authority", "record", both, "--yes")


def test_whose_signatures_are_needed_is_what_the_ledger_says(
    montes: Secretary, councils: list[tuple[str, str]], places: Path
) -> None:
    """A request that lists nobody, or a stranger, would be recorded with no effect, and told as done."""
    asked = places / "asked.json"
    montes.run("authority", "replace", "--key", councils[2][0], "--threshold", "1", "--out", str(asked))
    request = json.loads(asked.read_text(encoding="utf-8"))
    entries = len(montes.json("log"))
    for authorities in ([], [{**request["authorities"][0], "threshold": 1}]):
        asked.write_text(json.dumps({**request, "authorities": authorities}), encoding="utf-8")
        assert "still needed: 2" in montes.refused("authority", "record", str(asked), "--yes")
    assert len(montes.json("log")) == entries


def test_a_restore_waits_for_the_councils(
    montes: Secretary, councils: list[tuple[str, str]], places: Path, password: str
) -> None:
    file, asked = str(places / "montes.backup"), str(places / "asked.json")
    montes.run("backup", file, "--password-file", password)
    laptop = empty_home(montes)
    made = laptop.json("restore", file, "--password-file", password, "--request-out", asked)
    assert made["missing"] == 2
    assert "finish `trueque restore`" in refusal(laptop, "offer", "Maize", "--yes")
    signed = []
    for number in (0, 2):
        signed.append(str(places / f"signed-{number}.json"))
        montes.run("authority", "sign", asked, "--words", councils[number][1], "--out", signed[-1], "--yes")
    assert "still needed: 1" in laptop.refused("restore", "--signed", signed[0])
    assert "stop using it" in laptop.run("restore", "--signed", signed[1]).stderr
    assert laptop.commune == montes.commune
    laptop.sign("offer", "Tomatoes")


def test_a_request_of_another_home_is_not_taken(
    montes: Secretary, councils: list[tuple[str, str]], valle: Secretary, places: Path
) -> None:
    asked = str(places / "asked.json")
    montes.run("authority", "replace", "--key", councils[2][0], "--threshold", "1", "--out", asked)
    assert "another home" in refusal(valle, "authority", "record", asked, "--yes")


def test_who_signs_reads_what_they_sign(
    montes: Secretary, councils: list[tuple[str, str]], places: Path
) -> None:
    asked = str(places / "asked.json")
    montes.run("authority", "replace", "--key", councils[2][0], "--threshold", "1", "--out", asked)
    for speaks, expected in (("en", "For Los Montes, this key"), ("es", "Los Montes")):
        out = str(places / f"signed-{speaks}.json")
        result = montes.run(
            "authority", "sign", asked, "--words", councils[0][1], "--out", out, "--yes", speaks=speaks
        )
        assert expected in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("replace",),
        ("replace", "--key", "00", "--threshold", "1"),
        ("replace", "--key", "ab" * 32, "--threshold", "2"),
        ("replace", "--key", "ab" * 32, "--key", "ab" * 32, "--threshold", "1"),
        ("sign",),
        ("record",),
        ("key",),
    ],
)
def test_a_command_that_lacks_something_says_what(montes: Secretary, arguments: tuple[str, ...]) -> None:
    assert montes.refused("authority", *arguments, "--words", words_of(montes)) != ""


# Export and import ------------------------------------------------------------------------------


def test_what_one_exports_the_other_imports_and_twice_changes_nothing(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    bundle = str(places / "montes.trueque")
    valle.run("recognise", montes.commune, "--yes")
    montes.sign("offer", "Maize")
    written = montes.json("export", "--bundle", bundle)
    assert written["entries"] == 2
    first = valle.json("import", bundle)
    assert (first["new"], first["known"], first["left_out"]) == (1, 1, 0)
    again = valle.json("import", bundle)
    assert (again["new"], again["known"]) == (0, 2)


def test_who_is_not_recognised_is_left_out_unless_all_are_asked_for(found: Found, places: Path) -> None:
    montes, ceiba = found("Los Montes"), found("La Ceiba")
    bundle = str(places / "montes.trueque")
    montes.run("export", "--bundle", bundle)
    left_out = ceiba.json("import", bundle)
    assert (left_out["new"], left_out["left_out"], left_out["logs"][0]["name"]) == (0, 1, "Los Montes")
    assert ceiba.json("import", bundle, "--all")["new"] == 1


def test_a_bundle_cut_short_gives_what_came_whole(montes: Secretary, valle: Secretary, places: Path) -> None:
    bundle = places / "montes.trueque"
    montes.sign("offer", "Maize")
    montes.run("export", "--bundle", str(bundle))
    bundle.write_bytes(bundle.read_bytes()[:-5])
    result = valle.run("import", str(bundle), "--all", "--json", status=2)
    assert json.loads(result.stdout)["new"] == 1
    assert "cut short" in result.stderr


def test_a_bundle_of_another_network_is_refused(montes: Secretary, places: Path) -> None:
    other = Secretary("Otra", places / "otra")
    words = str(places / "otra.words")
    other.run("init", "--name", "Otra", "--network", "de-verdad", "--yes", "--recovery-out", words)
    bundle = str(places / "otra.trueque")
    other.run("export", "--bundle", bundle)
    refused = montes.refused("import", bundle, "--all")
    assert "never merged" in refused
    assert "in another folder" in refused, "which says what to do"


def test_entries_that_a_copied_disk_lost_come_back(montes: Secretary, valle: Secretary, places: Path) -> None:
    """The database is rolled back, the anchors are not: nothing is signed until the entries are back."""
    copy = places / "copy"
    shutil.copy(montes.home / "ledger.sqlite", copy)
    montes.sign("offer", "Maize")
    montes.tell(valle)
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (montes.home / name).unlink(missing_ok=True)
    shutil.copy(copy, montes.home / "ledger.sqlite")
    assert "older than what this computer has signed" in refusal(montes, "offer", "Beans", "--yes")
    bundle = str(places / "valle.trueque")
    valle.run("export", "--bundle", bundle, "--all")
    assert montes.json("import", bundle)["situation"] == "ready"
    montes.sign("offer", "Beans")
    assert len(montes.json("listings")) == 2


def test_a_damaged_bundle_is_told_in_the_language_spoken_alone(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    """What libraries say of it is English, and tells a secretary nothing."""
    bundle = places / "b.trueque"
    for number in range(4):
        montes.sign("offer", f"Maíz {number}")
    montes.run("export", "--bundle", str(bundle))
    whole, english = bundle.read_bytes(), []
    for at in range(0, len(whole), 41):
        bundle.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        result = CliRunner().invoke(
            trueque, ["--language", "es", "import", str(bundle), "--all", "--home", str(valle.home)]
        )
        english += re.findall(r"[^.]*\b(?:[Ee]rror|Expected|data|[Tt]he|A \w+ has)\b[^.]*", result.output)
    assert english == []


def test_in_a_ring_the_answer_of_a_party_that_is_not_recognised_is_taken_in(
    montes: Secretary, valle: Secretary, found: Found, places: Path
) -> None:
    """Vega knows Los Montes alone, and waits for El Valle too: without its answer nothing is ever agreed."""
    vega = found("La Vega")
    for one, other in ((montes, vega), (valle, vega), (vega, montes)):
        one.tell(other)
    vega.run("recognise", montes.commune, "--yes")
    ring = places / "ring.json"
    legs = [
        ("Los Montes", "El Valle", "Maize"),
        ("El Valle", "La Vega", "Nails"),
        ("La Vega", "Los Montes", "Beans"),
    ]
    ring.write_text(
        json.dumps({"transfers": [{"from": one, "to": other, "title": title} for one, other, title in legs]})
    )
    exchange = vega.sign("propose", "--file", str(ring))
    vega.tell(montes, valle)
    for other in (montes, valle):
        other.sign("accept", exchange)
        bundle = str(places / f"{other.home.name}.trueque")
        other.run("export", "--bundle", bundle)
        assert vega.json("import", bundle)["new"] > 0
    assert vega.json("exchanges")[0]["state"] == "agreed"


def test_a_new_password_is_asked_for_until_it_is_long_enough_and_typed_twice_alike(
    montes: Secretary, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.secret.is_interactive", lambda: True)
    typed = "\n".join(("", "corta", PASSWORD, "otra cosa larga", PASSWORD, PASSWORD, ""))
    told = montes.run("backup", str(places / "respaldo"), typed=typed).stderr
    assert "it has 0" in told
    assert "it has 5" in told
    assert "not the same" in told


def test_what_the_others_hold_is_left_out_of_a_bundle(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    theirs, rest = str(places / "valle.trueque"), str(places / "rest.trueque")
    montes.sign("recognise", "El Valle")
    valle.sign("recognise", "Los Montes")
    montes.tell(valle)
    valle.json("export", "--bundle", theirs)
    montes.sign("offer", "Maíz")
    assert montes.json("export", "--bundle", rest, "--since", theirs)["entries"] == 2
    report = valle.json("import", rest)
    # The offer, and the last entry known of El Valle's own log: it shows that there is one history of it.
    assert (report["new"], report["known"]) == (1, 1)
    assert "name another file" in montes.refused("export", "--bundle", theirs, "--since", theirs)
