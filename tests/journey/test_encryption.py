"""The database file encrypted and made plain again, with every byte compared."""

import pytest

pytest.importorskip("sqlcipher3")

from tests.fakes.centre import DATA


@pytest.fixture
def filled(centre):
    if centre.on != "sqlite":
        pytest.skip("a database on a server is encrypted there")
    centre.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    file = centre.folder / "ulnflow.toml"
    file.write_text(file.read_text("utf-8") + '\n[encryption]\nkey_file = "away/ulnflow.key"\n', "utf-8")
    (centre.folder / "away").mkdir(exist_ok=True)
    return centre


def bytes_of(centre):
    return b"".join(path.read_bytes() for path in sorted(centre.folder.glob("ulnflow.db*")) if path.is_file())


def test_an_encrypted_database_shows_nothing_and_works_as_before(filled):
    told = filled.do("learner", "show", "ILM-00001", "--format", "json").out
    assert b"Brandon" in bytes_of(filled)
    result = filled.run("db", "encrypt", "--format", "json")
    assert result.code == 0
    assert (filled.folder / "away" / "ulnflow.key").stat().st_mode & 0o077 == 0
    held = bytes_of(filled)
    assert b"Brandon" not in held
    assert b"SQLite format 3" not in held
    assert filled.do("learner", "show", "ILM-00001", "--format", "json").out == told
    filled.do("lrs", "submit", "--cohort", "NF-1")
    assert b"Brandon" not in bytes_of(filled)
    assert filled.run("audit", "verify").code == 0
    assert filled.run("db", "check").code == 0
    assert "already" in filled.do("db", "encrypt").err
    filled.do("db", "decrypt")
    assert b"SQLite format 3" in bytes_of(filled)
    assert filled.run("audit", "verify").code == 0


def test_without_its_key_or_with_another_nothing_is_read_and_nothing_harmed(filled):
    filled.do("db", "encrypt")
    key = filled.folder / "away" / "ulnflow.key"
    right, before = key.read_text(), bytes_of(filled)
    key.unlink()
    assert "put back" in filled.refused("status").err
    assert "put back" in filled.refused("db", "encrypt").err + filled.refused("db", "decrypt").err
    key.touch(0o600)
    assert "no key" in filled.refused("status").err
    key.write_text("0" * 64)
    assert "another" in filled.refused("status").err
    key.chmod(0o644)
    assert "read by others" in filled.refused("status").err
    key.write_text(right)
    key.chmod(0o600)
    assert bytes_of(filled) == before
    assert filled.run("status").code == 0


def test_a_rewrite_that_was_cut_off_before_the_swap_is_finished_by_repeating_it(filled, monkeypatch):
    def gone(*_):
        raise OSError(5, "the plug was pulled")

    with monkeypatch.context() as cut:
        cut.setattr("pathlib.Path.replace", gone)
        assert filled.run("db", "encrypt").code == 4
    assert "moved" in filled.refused("status").err
    filled.do("db", "encrypt")
    assert b"Brandon" not in bytes_of(filled)
    assert not (filled.folder / "ulnflow.db.anew").exists()
    assert filled.run("audit", "verify").code == 0


def test_a_new_database_is_encrypted_from_the_first_byte_where_a_key_is_named(filled):
    for path in (*filled.folder.glob("ulnflow.db*"), *filled.folder.glob("seals/*"), *filled.folder.glob("keys/*")):
        path.unlink()
    filled.do("init")
    filled.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    assert b"SQLite format 3" not in bytes_of(filled)
    assert filled.run("audit", "verify").code == 0


def test_without_a_key_named_it_says_where_to_name_one(centre):
    if centre.on != "sqlite":
        pytest.skip("a database on a server is encrypted there")
    assert "key_file" in centre.refused("db", "encrypt").err
