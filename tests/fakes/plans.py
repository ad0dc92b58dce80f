"""How a database means to answer a question: the plans of the statements it leads to, indexes preferred."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workflow.store.connection import Connection, Kind


class Watched:
    """A connection that remembers what it was asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self.raw = connection, connection.raw
        self.kind: Kind = connection.kind
        self.asked: list[tuple[str, Sequence[Any]]] = []

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> Any:
        self.asked.append((sql, arguments))
        return self._connection.execute(sql, arguments)

    def stream(self, sql: str, arguments: Sequence[Any] = ()) -> Iterator[Any]:
        self.asked.append((sql, arguments))
        return self._connection.stream(sql, arguments)


def plans(connection: Connection, ask: Callable[[Any], Any]) -> list[str]:
    """One plan a statement; small tables are walked by their indexes too, as large ones would be."""
    watched = Watched(connection)
    answer = ask(watched)
    if isinstance(answer, Iterator):
        list(answer)
    if connection.kind == "postgresql":
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute("SET LOCAL enable_bitmapscan = off")
        return ["\n".join(r[0] for r in connection.execute(f"EXPLAIN {sql}", given)) for sql, given in watched.asked]
    return [
        "\n".join(r[3] for r in connection.execute(f"EXPLAIN QUERY PLAN {sql}", given)) for sql, given in watched.asked
    ]
