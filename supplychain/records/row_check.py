"""Every row looked at: what a cell holds, the rules of its table, and whether it hangs together.

Databases hold that themselves, as long as nobody writes a file with other tools, turns foreign
keys off, or has a disk that forgets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKeyConstraint,
    Row,
    Table,
    and_,
    select,
    text,
)

from supplychain.frozen import dataclass
from supplychain.records.cells import UnfitError, any_text, cell
from supplychain.records.columns import DigestText, Instant, as_stored, shown
from supplychain.records.schema import metadata

_AT_ONCE = 5000
# Columns of text that is JSON.
_JSON = frozenset(
    {
        "attestations.build_images",
        "attestations.claims",
        "attestations.log_entries",
        "attestations.times",
        "audit_events.after",
        "audit_events.before",
        "components.licences",
        "findings.aliases",
        "findings.ratings",
        "findings.scores",
        "findings.weaknesses",
        "runs.error",
        "sbom_qualities.elements",
        "scans.secrets",
        "trust_rules.claims",
        "vex_claims.names",
        "vex_claims.products",
        "vex_signatures.claims",
        "vex_signatures.log_entries",
        "vex_signatures.times",
        "waiver_events.terms",
    }
)


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """Something that is wrong with a row.

    Attributes:
        table: Its table.
        key: What names it there: `id 5`.
        what: What is wrong, for people.
    """

    table: str
    key: str
    what: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.table}, {self.key}: {self.what}"


def damaged_rows(connection: Connection) -> Iterator[DamagedRow]:
    """Everything that is wrong with any row, table by table.

    Raises:
        StoreError: The database cannot be read.
    """
    with any_text(connection):
        for table in metadata.sorted_tables:
            yield from _of_cells(connection, table)
            yield from _of_rules(connection, table)
            yield from _of_references(connection, table)


def _of_cells(connection: Connection, table: Table) -> Iterator[DamagedRow]:
    columns = list(table.c)
    everything = range(len(columns))
    careful = [n for n in everything if _needs_more_than_its_kind(columns[n])]
    # Kinds of values that were right once: of most cells there is no more to be known.
    right: set[tuple[type, ...]] = set()
    for row in _rows(connection, select(*map(as_stored, columns))):
        kinds = tuple(map(type, row))
        places = careful if kinds in right else everything
        wrong = [what for n in places if (what := _wrong(columns[n], row[n]))]
        if wrong:
            yield from (DamagedRow(table.name, _key(table, row), what) for what in wrong)
        else:
            right.add(kinds)


def _needs_more_than_its_kind(column: Column[Any]) -> bool:
    return _is_json(column) or isinstance(column.type, DigestText | Instant | Boolean)


def _wrong(column: Column[Any], value: object) -> str:
    """What is wrong with a cell; "" where nothing is."""
    try:
        found = cell(column, value)
        if found is not None and _is_json(column):
            json.loads(found)
    except UnfitError as error:
        return str(error)
    except (ValueError, RecursionError):
        return f"{column.name} holds {shown(value)} where JSON belongs"
    return ""


def _is_json(column: Column[Any]) -> bool:
    return f"{column.table.name}.{column.name}" in _JSON


def _of_rules(connection: Connection, table: Table) -> Iterator[DamagedRow]:
    for rule in table.constraints:
        if isinstance(rule, CheckConstraint):
            broken = select(*_named_by(table)).where(text(f"NOT ({rule.sqltext})"))
            for row in _rows(connection, broken):
                what = f"it is not so that {rule.sqltext}"
                yield DamagedRow(table.name, _key(table, row), what)


def _of_references(connection: Connection, table: Table) -> Iterator[DamagedRow]:
    rules = [one for one in table.constraints if isinstance(one, ForeignKeyConstraint)]
    for rule in sorted(rules, key=lambda one: str(one.name)):
        mine = [element.parent for element in rule.elements]
        other = rule.referred_table.alias()
        same = [other.c[one.column.name] == one.parent for one in rule.elements]
        lost = (
            select(*_named_by(table), *(as_stored(one, f"own_{one.name}") for one in mine))
            .where(*(one.is_not(None) for one in mine))
            .where(~select(other).where(and_(*same)).exists())
        )
        for row in _rows(connection, lost):
            held = row._asdict()
            said = ", ".join(f"{one.name} {shown(held[f'own_{one.name}'])}" for one in mine)
            what = f"there is no row of {rule.referred_table.name} with its {said}"
            yield DamagedRow(table.name, _key(table, row), what)


def _rows(connection: Connection, chosen: Any) -> Iterator[Row[Any]]:
    yield from connection.execute(chosen, execution_options={"yield_per": _AT_ONCE})


def _named_by(table: Table) -> Sequence[Any]:
    return [as_stored(one) for one in table.primary_key.columns or table.c]


def _key(table: Table, row: Row[Any]) -> str:
    said = row._asdict()
    names = [one.name for one in table.primary_key.columns or table.c]
    return ", ".join(f"{name} {shown(said[name])}" for name in names)
