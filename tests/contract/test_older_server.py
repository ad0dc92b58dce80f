"""The oldest server that is promised, PostgreSQL 15, where its programs are on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(os.environ.get("ULNFLOW_TEST_POSTGRES_15", "/usr/lib/postgresql/15/bin"))
SUITES = ("test_store.py", "test_roles.py", "test_protection_postgres.py")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs are looked for where Linux has them")


def account() -> str | None:
    """Whom the server runs as: it refuses root. None is whoever runs the tests."""
    if os.geteuid():
        return None
    import pwd  # which Windows has not

    known = {entry.pw_name for entry in pwd.getpwall()}
    found = next((name for name in ("postgres", "nobody") if name in known), None)
    if found is None:
        pytest.skip("PostgreSQL does not run as root, and there is no other account here")
    return found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    if not (BIN / "initdb").is_file():
        pytest.skip(f"PostgreSQL 15 is not in {BIN}")
    user = account()
    folder = Path(tempfile.mkdtemp(prefix="ulnflow-pg15-"))
    if user is not None:
        shutil.chown(folder, user)

    def do(*words: str | Path) -> None:
        subprocess.run(words, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    data = folder / "data"
    do(BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    settings = f"-F -c listen_addresses= -c unix_socket_directories={folder} -c max_connections=60"
    do(BIN / "pg_ctl", "-D", data, "-l", folder / "log", "-o", settings, "-w", "start")
    yield f"postgresql://postgres@/postgres?host={folder}"
    do(BIN / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("suite", SUITES)
def test_the_contract_holds_on_the_oldest_server(address: str, suite: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"tests/contract/{suite}"],
        cwd=ROOT, env={**os.environ, "ULNFLOW_TEST_POSTGRES": address}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:]
