"""What is around the learners in XML: roots, namespaces and headers, as tables that were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from workflow.errors import DefinitionError

Kind = Literal["batch", "reply", "verify"]

KINDS_COUNTED: Final = frozenset({"new", "updated", "possible", "not_found", "rejected"})
"""The lines of the LRS's own totals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One kind of file: `tag` is its root with the namespace in braces, `learner` the element of one.

    `header` stands before the learners in order, `also` may stand there.
    """

    kind: Kind
    tag: str
    learner: str
    header: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    counts: Mapping[str, str] = field(default_factory=dict)
    without_answers: Mapping[str, str] = field(default_factory=dict)
    response: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapper:
    """The wrapper of batches and replies; `written` gives each header element of a batch what is written there."""

    namespace: str
    prefix: str
    harmless: frozenset[str]
    batch: Root
    reply: Root
    written: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyTable:
    """Answers to verified ULNs: the elements of a learner in order, and the words of the failure flags."""

    roots: tuple[Root, ...]
    fields: tuple[str, ...]
    reference: str
    searched: str
    code: str
    uln: str
    flag: str
    echo: Mapping[str, str]
    flags: Mapping[str, str]
    unknown_flag: str

    def words(self, flags: Sequence[str]) -> tuple[str, ...]:
        """What differs, in plain words, each once."""
        said = (self.flags.get(flag.strip().upper(), self.unknown_flag) for flag in flags if flag.strip())
        return tuple(dict.fromkeys(said))


def read_wrapper(raw: Mapping[str, Any], faults: list[str]) -> Wrapper | None:
    """The table [xml] of the batch layout; adds its faults, and is None with any."""
    before = len(faults)
    namespace, learner = str(raw.get("namespace", "")), str(raw.get("learner", ""))
    faults += [f"xml.{key} is missing" for key in ("namespace", "prefix", "learner") if not raw.get(key)]
    batch, reply = raw.get("batch", {}), raw.get("reply", {})
    for name, one in (("batch", batch), ("reply", reply)):
        if not one.get("root"):
            faults.append(f"xml.{name}.root is missing")
    written = {str(name): str(text) for name, text in dict(batch.get("header", {})).items()}
    for name, text in written.items():
        try:
            text.format(count="", ukprn="", reference="", file_version="")
        except (KeyError, IndexError, ValueError):
            faults.append(f"xml.batch.header.{name}: only count, ukprn, reference and file_version stand in braces")
    counts = {str(name): str(kind) for name, kind in dict(reply.get("counts", {})).items()}
    faults += [
        f"xml.reply.counts.{name}: {k} is no kind of answer" for name, k in counts.items() if k not in KINDS_COUNTED
    ]
    if len(faults) > before:
        return None
    return Wrapper(
        namespace=namespace,
        prefix=str(raw["prefix"]),
        harmless=frozenset(map(str, raw.get("harmless", ()))),
        batch=Root(
            kind="batch",
            tag=f"{{{namespace}}}{batch['root']}",
            learner=learner,
            header=tuple(written),
            also=frozenset(map(str, batch.get("also", ()))),
        ),
        reply=Root(
            kind="reply",
            tag=f"{{{namespace}}}{reply['root']}",
            learner=learner,
            header=tuple(map(str, reply.get("header", ()))),
            also=frozenset(map(str, reply.get("also", ()))),
            counts=counts,
            without_answers={str(code): str(says) for code, says in dict(reply.get("without_answers", {})).items()},
            response=str(reply.get("response", "")),
        ),
        written=written,
    )


def read_verify(raw: Mapping[str, Any], origin: str = "lrs/verify.toml") -> VerifyTable:
    """The table of verified ULNs; raises DefinitionError with every fault of it."""
    texts = ("reference", "searched", "code", "uln", "flag", "learner")
    faults = [f"{key} is missing" for key in texts if not raw.get(key)]
    names = tuple(map(str, raw.get("fields", ())))
    faults += [f"{raw[key]} is not among the fields" for key in texts[:-1] if raw.get(key) and raw[key] not in names]
    roots = raw.get("root", ())
    faults += [
        "a root needs a name and a namespace" for one in roots if not one.get("name") or not one.get("namespace")
    ]
    unknown = str(raw.get("unknown_flag", {}).get("says", ""))
    if not roots or not unknown:
        faults.append("it needs a root, and unknown_flag with what it says")
    if faults:
        raise DefinitionError(origin, faults)
    return VerifyTable(
        roots=tuple(
            Root(
                kind="verify",
                tag=f"{{{one['namespace']}}}{one['name']}",
                learner=str(raw["learner"]),
                also=frozenset(map(str, one.get("also", ()))),
            )
            for one in roots
        ),
        fields=names,
        echo={str(name): str(source) for name, source in dict(raw.get("echo", {})).items()},
        flags={str(name): str(says) for name, says in dict(raw.get("flags", {})).items()},
        unknown_flag=unknown,
        **{key: str(raw[key]) for key in texts[:-1]},
    )
