"""The dependency graph of an image: everything reachable from it, nothing claimed unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from supplychain.errors import InputError

Edges = Mapping[str, Sequence[str]]


def require_closed(edges: Edges) -> None:
    """Refuse edges that lead nowhere.

    Raises:
        InputError: A component depends on one that is not among them.
    """
    for reference, targets in edges.items():
        for target in targets:
            if target not in edges:
                raise InputError(
                    f"{reference} depends on {target}, which is not in the scan",
                    because="a dependency graph must not name what it does not hold",
                )


def entry_points(references: Iterable[str], edges: Edges) -> list[str]:
    """The fewest of `references` from which all the others are reached, sorted.

    Those that nothing else needs; and of a circle that only its own members need, the first.

    Args:
        references: Sorted references to reach.
        edges: What each of them depends on.
    """
    wanted = list(references)
    needed = {target for source in wanted for target in edges[source] if target != source}
    starts = [reference for reference in wanted if reference not in needed]
    reached: set[str] = set()
    for start in starts:
        _reach(start, edges, reached)
    for reference in wanted:
        if reference not in reached:
            starts.append(reference)
            _reach(reference, edges, reached)
    return sorted(starts)


def _reach(start: str, edges: Edges, reached: set[str]) -> None:
    waiting = [start]
    while waiting:
        reference = waiting.pop()
        if reference not in reached:
            reached.add(reference)
            waiting.extend(edges[reference])
