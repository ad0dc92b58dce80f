"""Check an evidence pack of ulnflow: python -I verify.py [FOLDER] --key 'name+hash+key'.

This one file needs Python 3.11 or later and nothing else, so that it can be read before it is trusted. It checks that
the manifest and the checkpoint are signed (C2SP signed-note, 2023; Ed25519, RFC 8032, 2017), that the folder holds
exactly the files of the manifest, byte for byte, that each event stands in the log at its place (RFC 6962, 2013;
RFC 9162, 2021), that no case has a gap, and that every route named is the one enclosed. It writes nothing and asks
nobody.

It shows what the centre itself found when it verified the whole log before it made the pack.

Exit code 0: everything holds, by a key that you gave. 1: something does not hold, or the pack says that its log did
not. 2: not used rightly. 3: everything holds by the pack's own key, which shows only that the pack agrees with itself.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import sys
from collections.abc import Iterator, Sequence
from hashlib import file_digest, sha256, sha512
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

HOLDS, WRONG, USAGE, UNTRUSTED = 0, 1, 2, 3
MANIFEST, HEAD = "manifest.txt", "ulnflow evidence pack 1"
EVENTS, PROOFS, CHECKPOINT, KEYS = "events.jsonl", "proofs.jsonl", "checkpoint.txt", "keys.txt"
NEEDED = {EVENTS, PROOFS, CHECKPOINT, KEYS, "events.csv", "story.html", "rules.json", "verify.py"}
FILE = re.compile(r"file ([0-9a-f]{64}) (0|[1-9][0-9]{0,15}) ([a-z0-9][a-z0-9._-]{0,79})", re.ASCII)
FACT = re.compile(r"([a-z]+) (\S.*)", re.ASCII)
LOG_HELD, LOG_FAILED = "whole log: it held", "whole log: IT DID NOT HOLD"
LARGEST = 100_000_000
"""Bytes of the manifest, a note or one line, at most."""

SHOWS = """\
What this shows: each event of the pack was in the log, at its place and in these very bytes, when the checkpoint was
signed; the other files are those that were made with it. Compare the checkpoint with one you were given earlier or by
somebody else: a log that was rewritten since would have another root.
What it does not show: that nothing was left out. Within a case nothing is missing between its first and its last event
in the pack; later events of a case, and other cases, may be in the log and not in the pack. Nor does it show that what
people entered was true, or that the words of events.csv and story.html are right: the bodies in events.jsonl count.
This program cannot vouch for itself: read it, or run a copy that you had before."""


class Refused(Exception):
    """Something does not hold; says what."""


def refuse(words: str) -> NoReturn:
    """Say that something does not hold."""
    raise Refused(words)


# --- Ed25519, as RFC 8032 writes it: a point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z ------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def point(raw: bytes) -> Point | None:
    """The point that 32 bytes name (RFC 8032, 5.1.3)."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def add(p: Point, q: Point) -> Point:
    """The sum of two points (RFC 8032, 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, p: Point) -> Point:
    """A point added to itself so often."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, p)
        p, number = add(p, p), number >> 1
    return total


def is_signed(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the signature (64 bytes) of some data is right for a public key (32 bytes) (RFC 8032, 5.1.7)."""
    base, key = point((4 * pow(5, -1, P) % P).to_bytes(32, "little")), point(public)
    s = int.from_bytes(signature[32:], "little")
    if len(public) != 32 or len(signature) != 64 or base is None or key is None or s >= ORDER:  # noqa: PLR2004 - bytes of a key and a signature
        return False
    hashed = int.from_bytes(sha512(signature[:32] + public + data).digest(), "little") % ORDER
    x, y, z, _ = add(times(s, base), times(hashed, (P - key[0], key[1], 1, P - key[3])))
    x, y = x * pow(z, -1, P) % P, y * pow(z, -1, P) % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# --- signed notes -----------------------------------------------------------------------------------------------------


def decoded(text: str) -> bytes:
    """Base64 in its one spelling; nothing for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""


def key_of(line: str) -> tuple[str, bytes, bytes]:
    """A key's name, the four bytes that name it in a signature, and the key itself, from name+hash+key."""
    name, _, rest = line.strip().partition("+")
    shown, _, encoded = rest.partition("+")
    raw = decoded(encoded)
    named = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if not name or len(raw) != 33 or raw[0] != 1 or shown != named.hex():  # noqa: PLR2004 - kind 1 and 32 bytes
        refuse("a key is not written as name+hash+key for Ed25519, or a letter of it was changed")
    return name, named, raw[1:]


def opened(data: bytes, keys: Sequence[tuple[str, bytes, bytes]], what: str) -> tuple[str, list[str]]:
    """The text of a note and the names of the keys that signed it: one of these, and none of them wrongly."""
    whole = data.decode("utf-8")
    text, parting, lines = whole.rpartition("\n\n")
    if not parting or not lines.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in whole):  # noqa: PLR2004 - the first blank
        refuse(f"{what} is no signed note")
    signers = []
    for line in lines[:-1].split("\n"):
        match = re.fullmatch(r"\u2014 (\S+) (\S+)", line)
        raw = decoded(match[2]) if match else b""
        if match is None or len(raw) <= 4:  # noqa: PLR2004 - the bytes that name the key
            refuse(f"{what} has a signature line that is none")
        for name, named, public in keys:
            if (name, named) == (match[1], raw[:4]):
                if not is_signed(public, raw[4:], f"{text}\n".encode()):
                    refuse(f"the signature of {name} on {what} is wrong: it was changed after it was signed")
                signers.append(f"{name} ({named.hex()})")
    if not signers:
        refuse(f"{what} is not signed by a key that is trusted")
    return text, signers


# --- the tree ---------------------------------------------------------------------------------------------------------


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf stands at its place, counted from 0, in the tree of this size and root (RFC 9162, 2.1.3.2)."""
    fn, sn, node = index, size - 1, leaf
    for other in proof:
        if sn == 0 or len(other) != 32:  # noqa: PLR2004 - bytes of a hash
            refuse(f"the proof of event {index + 1} is too long, or no list of hashes")
        if fn & 1 or fn == sn:
            node = sha256(b"\x01" + other + node).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = sha256(b"\x01" + node + other).digest()
        fn, sn = fn >> 1, sn >> 1
    if not 0 <= index < size or sn or node != root:
        refuse(f"event {index + 1} is not in the log of the checkpoint: it was changed, or its proof was")


# --- the pack ---------------------------------------------------------------------------------------------------------


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file without their ends, the last of which must end too."""
    with path.open("rb") as file:
        while line := file.readline(LARGEST):
            if not line.endswith(b"\n"):
                refuse(f"{path.name} does not end with a whole line")
            yield line[:-1]


def bounded(path: Path) -> bytes:
    """The bytes of a small file."""
    with path.open("rb") as file:
        return file.read(LARGEST)


def manifest_of(text: str) -> tuple[dict[str, str], dict[str, tuple[str, int]]]:
    """What the manifest says of the pack, and the digest and size of each file."""
    head, *lines = text.split("\n")
    facts: dict[str, str] = {}
    files: dict[str, tuple[str, int]] = {}
    for line in lines:
        if (file := FILE.fullmatch(line)) and file[3] not in files:
            files[file[3]] = file[1], int(file[2])
        elif (fact := FACT.fullmatch(line)) and line.isprintable() and fact[1] not in {"file", *facts}:
            facts[fact[1]] = fact[2]
        else:
            refuse(f"{MANIFEST} has a line that is not written as one")
    if head != HEAD or not {"origin", "size", "root", "about", "events"} <= facts.keys() or not files.keys() >= NEEDED:
        refuse(f"{MANIFEST} is not that of an evidence pack of this version")
    return facts, files


def check_files(folder: Path, files: dict[str, tuple[str, int]]) -> None:
    """Check that the folder holds these files, byte for byte, and nothing else."""
    there = {path.name: path for path in folder.iterdir()}
    if missing := sorted(files.keys() - there.keys()):
        refuse(f"missing: {', '.join(missing)}")
    if added := sorted(there.keys() - files.keys() - {MANIFEST}):
        refuse(f"not of the pack: {', '.join(map(ascii, added))}")
    for name, (digest, size) in files.items():
        path = there[name]
        if path.is_symlink() or not path.is_file():
            refuse(f"{name} is no plain file")
        with path.open("rb") as file:
            if path.stat().st_size != size or file_digest(file, "sha256").hexdigest() != digest:
                refuse(f"{name} is not the file that was made with the pack: it was changed")


def check_events(folder: Path, facts: dict[str, str], routes: set[str]) -> list[str]:
    """Check every event with its proof, and the places and links within each case; says what was found."""
    origin, size, root = facts["origin"], int(facts["size"]), bytes.fromhex(facts["root"])
    cases: dict[int, tuple[int, str]] = {}
    begun: list[str] = []
    count = last = 0
    for body, line in zip_longest(lines_of(folder / EVENTS), lines_of(folder / PROOFS)):
        if body is None or line is None:
            refuse("there are not as many proofs as events")
        event, proof = json.loads(body), json.loads(line)
        place, leaf = event["position"], sha256(b"\x00" + body).digest()
        if event["origin"] != origin or type(place) is not int or proof["position"] != place or place <= last:
            refuse(f"event {count + 1} of the pack is of another log, out of order, or not the one its proof is of")
        check_inclusion(place - 1, size, leaf, [bytes.fromhex(one) for one in proof["proof"]], root)
        if facts.get("whole") == "yes" and count and place != last + 1:
            refuse(f"the pack has every event of its days, but those between {last} and {place} are missing")
        if event.get("route_hash", "") not in {"", *routes}:
            refuse(f"the route that event {place} was judged by is not in the pack")
        if (case := event.get("case")) is not None:
            begun += check_place(event, cases, facts)
            cases[case] = event["sequence"], leaf.hex()
        count, last = count + 1, place
    if str(count) != facts["events"]:
        refuse(f"the manifest counts {facts['events']} events, the pack holds {count}")
    return [
        f"events: {count}, each in that log at its place",
        f"cases: {len(cases)}, none with a gap between its first and its last event here",
        *begun,
    ]


def check_place(event: dict[str, Any], cases: dict[int, tuple[int, str]], facts: dict[str, str]) -> list[str]:
    """Check that an event follows the one before it in its case; says so where the first is not the case's first."""
    case, sequence = event["case"], event["sequence"]
    if case in cases:
        before, leaf = cases[case]
        if sequence != before + 1 or event.get("prev") != leaf:
            refuse(f"case {case} has a gap: event {event['position']} does not follow the one before it here")
    elif sequence != 1:
        if "since" not in facts:
            refuse(f"case {case} has a gap: its first events are missing")
        return [f"case {case} begins here with its event number {sequence}: the days asked for begin later"]
    return []


def whole_log(facts: dict[str, str]) -> str:
    """What the centre found when it verified the whole log, as the manifest tells it."""
    match tuple(map(facts.get, ("holds", "verified", "faults"))):
        case "yes", str(when), None:
            return f"{LOG_HELD} when the centre verified it, {when}"
        case "no", str(when), str(faults):
            return f"{LOG_FAILED} when the centre verified it, {when}: {faults}"
        case None, None, None:
            return "whole log: this pack, of an earlier ulnflow, does not say whether it held"
        case _:
            refuse(f"{MANIFEST} does not say rightly whether the log held")


def log_fault(found: Sequence[str]) -> bool:
    """Whether what was checked says that the log did not hold."""
    return any(line.startswith(LOG_FAILED) for line in found)


def check(folder: Path, trusted: Sequence[str]) -> list[str]:
    """Check a whole pack by these keys, or by its own where there are none; says what was checked. Raises Refused."""
    own = [key_of(line) for line in bounded(folder / KEYS).decode().splitlines()]
    keys = [key_of(line) for line in trusted] or own
    text, signers = opened(bounded(folder / MANIFEST), keys, MANIFEST)
    facts, files = manifest_of(text)
    check_files(folder, files)
    told, sealers = opened(bounded(folder / CHECKPOINT), keys, CHECKPOINT)
    root = base64.b64encode(bytes.fromhex(facts["root"])).decode()
    if told != f"{facts['origin']}\n{facts['size']}\n{root}":
        refuse("the checkpoint is not the one that the manifest speaks of")
    routes = {digest for name, (digest, _) in files.items() if name.startswith("route-")}
    return [
        f"pack: {facts['about']}" + "".join(f", {word} {facts[word]}" for word in ("since", "until") if word in facts),
        f"manifest: signed by {', '.join(signers)}",
        f"files: {len(files)}, each byte for byte the one that was made with the pack; none missing, none added",
        f"checkpoint: log {facts['origin']}, {facts['size']} events, signed by {', '.join(sealers)}",
        f"root: {facts['root']}, which the checkpoint spells {root}",
        whole_log(facts),
        *check_events(folder, facts, routes),
        f"routes: {len(routes)}, and each is the one its events were judged by",
        f"verify.py of the pack: SHA-256 {files['verify.py'][0]}",
    ]


def main(words: Sequence[str]) -> int:
    """Check the folder that was named, or that this file lies in; says what was found and gives the exit code."""
    folders, keys, rest = [], [], list(words)
    while rest:
        word = rest.pop(0)
        if word == "--key" and rest:
            keys.append(rest.pop(0))
        elif word.startswith("--key="):
            keys.append(word.removeprefix("--key="))
        else:
            folders.append(word)
    if len(folders) > 1 or any(word.startswith("-") for word in folders):
        sys.stderr.write(f"{__doc__}\n")
        return USAGE
    folder = Path(folders[0]) if folders else Path(__file__).parent
    try:
        found = check(folder, keys)
    except Refused as wrong:
        sys.stdout.write(f"NOT VERIFIED: {wrong}\n")
        return WRONG
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as wrong:
        sys.stdout.write(f"NOT VERIFIED: a file of the pack is missing or no such file ({type(wrong).__name__})\n")
        return WRONG
    sys.stdout.write("Checked:\n" + "".join(f"  {line}\n" for line in found) + f"{SHOWS}\n")
    if log_fault(found):
        sys.stdout.write(
            "THE LOG DID NOT HOLD: the pack is what was made, but ask the centre what was found, and why.\n"
        )
        return WRONG
    if keys:
        sys.stdout.write("VERIFIED by the key that you gave.\n")
        return HOLDS
    sys.stdout.write(
        "ONLY CONSISTENT: no --key was given, so the pack's own was used. Whoever made the whole pack up could have\n"
        "made that key too. Ask for the key another way, and run: python -I verify.py --key 'name+hash+key'\n"
    )
    return UNTRUSTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
