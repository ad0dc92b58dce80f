"""Row B7: XML that means harm, through the commands: refused at once, in little memory, nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.conftest import untouched

ROOT = Path(__file__).parents[2]
OPEN = '<r:GetSubmitBatchOutputResponse xmlns:r="http://api.lrs.miap.gov.uk/batchmsg">'
CLOSE = "</r:GetSubmitBatchOutputResponse>"
ONE = "<Learner><MISIdentifier>ILM-00001</MISIdentifier><GivenName>{0}</GivenName></Learner>"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
GIB = 1 << 30


def reply(inner):
    return (OPEN + inner + CLOSE).encode()


FILES = {
    "doctype": (b"<!DOCTYPE x>" + reply(ONE), "DOCTYPE"),
    "doctype late": (b"<?xml version='1.0'?><!--" + b"x" * 70_000 + b"--><!DOCTYPE x>" + reply(ONE), "DOCTYPE"),
    "doctype over a seam": (b"<!--" + b"x" * (65_536 - 11) + b"--><!DOCTYPE x>" + reply(ONE), "DOCTYPE"),
    "xxe": (
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + reply(ONE.format("&e;")), "DOCTYPE",
    ),
    "xxe by parameter": (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>' + reply(ONE), "DOCTYPE"),
    "billion laughs": (f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'.encode() + reply(ONE.format("&l9;")), "DOCTYPE"),
    "quadratic": (
        f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'.encode() + reply(ONE.format("&a;" * 50_000)), "DOCTYPE",
    ),
    "entity nobody declared": (reply(ONE.format("&e;")), "not well-formed"),
    "300,000 deep": (OPEN.encode() + b"<a>" * 300_000, "64 deep"),
    "65 deep": (reply("<a>" * 65 + "</a>" * 65), "64 deep"),
    "utf-16": (reply(ONE).decode().encode("utf-16"), "UTF-16"),
    "utf-16 without a mark": (reply(ONE).decode().encode("utf-16-le"), "NUL"),
    "utf-32": (reply(ONE).decode().encode("utf-32"), "UTF-32"),
    "latin-1": (b"<?xml version='1.0' encoding='ISO-8859-1'?>" + reply(ONE), "another encoding"),
    "utf-7": (b"<?xml version='1.0' encoding=\"UTF-7\"?>" + reply(ONE), "another encoding"),
    "a long declaration": (b"<?xml version='1.0'" + b" " * 70_000 + b"encoding='utf-7'?>" + reply(ONE), "has no end"),
    "bytes that are no utf-8": (reply(ONE).replace(b"{0}", b"\xff"), "well-formed"),
    "ascii that is none": (
        b"<?xml version='1.0' encoding='US-ASCII'?>" + reply(ONE.format("Zo\u00eb")), "well-formed",
    ),
    "truncated": (reply(ONE)[:-20], "too early"),
    "truncated in a value": (reply(ONE)[:110], "too early"),
    "nothing but a declaration": (b"<?xml version='1.0'?>\n", "too early"),
    "two roots": (reply(ONE) * 2, "not well-formed"),
    "extra namespace": (reply(ONE.replace("<Learner>", '<Learner xmlns:e="http://e.example">')), "namespace"),
    "a namespace of its own": (reply(ONE).replace(b"/batchmsg", b"/learner"), "namespace"),
    "a soap envelope": (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">' + reply(ONE) + b"</s:Envelope>", "namespace",
    ),
    "xinclude": (
        reply(ONE.format('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>')), "namespace",
    ),
    "a value without an end": (reply(ONE.format("x" * 3_000_000)), "longer than"),
    "a long value": (reply(ONE.format("x" * 200_000)), "longer than 100,000"),
    "a tag without an end": (OPEN.encode() + b"<a " + b'b="" ' * 700_000, "longer than|well-formed"),
    "many elements": (reply("<Learner>" + "<ULN/>" * 300_000 + "</Learner>"), "stands twice|elements"),
    "many attributes": (reply("<Learner " + " ".join(f'a{n}=""' for n in range(50_000)) + "/>"), "attribute"),
    "no learner": (reply(""), "no learner"),
    "csv in disguise": (b'"FileVersion"\r\n', "named as XML"),
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    from tests.unit.commands import centre_at

    return centre_at("prepared", tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("kind", FILES)
def test_a_hostile_reply_is_refused_whole(prepared, tmp_path, kind):
    """B7: exit 4, the file and the rule named, no event, no row, no file."""
    data, says = FILES[kind]
    path = tmp_path / "reply.xml"
    path.write_bytes(data)
    result = untouched(prepared, "lrs", "receive", path, code=4, says=("reply.xml",))
    assert any(words in result.err for words in says.split("|")), result.err
    assert "root:" not in result.err


MEASURED = """
import re, sys, time
from pathlib import Path
from cli.app import main
try:
    main()
finally:
    most = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
    print(time.process_time(), most, file=sys.stderr)
"""
"""The memory of a child is asked for in a way that leaves out what its parent held when it was started."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it so")
@pytest.mark.parametrize(
    "kind",
    ["doctype", "billion laughs", "quadratic", "300,000 deep", "a tag without an end", "many elements", "many attributes",
     "a value without an end", "truncated", "2 GB", "2 GB in CSV"],
)  # fmt: skip
def test_a_hostile_file_is_judged_in_a_moment_and_in_little_memory(tmp_path, kind):
    """B7: with the start of the program, below a second of work and 200 MB."""
    path = tmp_path / ("reply.csv" if kind.endswith("CSV") else "reply.xml")
    if kind.startswith("2 GB"):
        with path.open("wb") as target:
            target.write(OPEN.encode())
            target.truncate(2 * GIB)
    else:
        path.write_bytes(FILES[kind][0])
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, "lrs", "check", str(path)], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    seconds, kilobytes = map(float, run.stderr.split("\n")[-2].split())
    assert run.returncode in {1, 4}, run.stderr
    assert seconds < 1
    assert kilobytes < 200_000
    assert "Traceback" not in run.stderr
