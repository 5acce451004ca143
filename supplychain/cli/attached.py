"""What is attached to an image, as people and programs read it, and as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli import statements, witnesses
from supplychain.cli.console import Paint, printable, say
from supplychain.cli.context import OutputFormat, write, write_json
from supplychain.errors import InputError, NotFoundError, StoreError
from supplychain.export.data import signer_data

if TYPE_CHECKING:
    from supplychain.signing.inventory import Attached

_SIGNATURE = "signature"
_COLOURS = {"verified": "green", "rejected": "red", "unverified": "yellow", "unsigned": "yellow"}
_UNPROVEN = "nobody checked who says so"


def type_of(name: str | None) -> str | None:
    """The predicate type that a user means; None where any will do.

    Raises:
        InputError: There is no such type.
    """
    from supplychain.model.evidence import SIGNATURE_PREDICATE
    from supplychain.signing.predicate_types import type_uri

    if name is None:
        return None
    return SIGNATURE_PREDICATE if name == _SIGNATURE else type_uri(name)


def show(found: Sequence[Attached], output: OutputFormat, paint: Paint) -> None:
    """Print everything, in the order in which it was found."""
    if output is OutputFormat.JSON:
        write_json({"attestations": [_document(one) for one in found]})
        return
    several = len({one.subject.digest for one in found}) > 1
    for one in found:
        write("\n".join(_lines(one, paint, several=several)) + "\n")
    if not found:
        say("nothing is attached")
    elif any(one.state == "unverified" for one in found):
        say(f"unverified: {_UNPROVEN}; name whose word counts: --key, or an identity")


def refused(reasons: Iterable[str]) -> None:
    """Tell what was not recorded, and why."""
    for reason in reasons:
        say(f"refused   {reason}")


def write_out(
    found: Sequence[Attached], content: str, output_file: Path | None, folder: Path | None
) -> None:
    """Write the bytes of what was chosen.

    Args:
        found: What was chosen.
        content: `document`, `statement` or `predicate`.
        output_file: Where the only one goes; stdout where it is None.
        folder: Where all of them go; None for one alone.

    Raises:
        NotFoundError: There is nothing.
        InputError: There are several and no folder, or a folder and a file.
        StoreError: The folder or a file cannot be written.
    """
    if output_file is not None and folder is not None:
        raise InputError(
            "--output-file and --output-folder were both given", hint="give one of them"
        )
    if not found:
        raise NotFoundError(
            "nothing attached fits, or none of it verifies",
            hint="see what there is with: supplychain attestations list",
        )
    if folder is None and len(found) > 1:
        names = "\n".join(f"{one.digest}  {_kind(one)}" for one in found[:20])
        raise InputError(
            f"{len(found)} fit", because=names, hint="choose with --digest, or --output-folder"
        )
    for one in found:
        if one.attestation is None:
            say(f"{one.state} {one.digest.short}: {_UNPROVEN}")
        data = _bytes(one, content)
        write(data, output_file if folder is None else _made(folder) / f"{one.digest.hex}.json")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder {folder} cannot be made", because=error.strerror, retryable=False
        ) from error
    return folder


def _bytes(one: Attached, content: str) -> bytes:
    if content == "document" or one.says is None:
        return one.data
    return one.says.payload if content == "statement" else one.says.predicate


def _kind(one: Attached) -> str:
    from supplychain.model.evidence import SIGNATURE_PREDICATE

    named = one.predicate_type
    if not named:
        return printable(one.media_type) or "unknown"
    return _SIGNATURE if named == SIGNATURE_PREDICATE else printable(named)


def _lines(one: Attached, paint: Paint, *, several: bool) -> list[str]:
    state = paint(_COLOURS.get(one.state, "dim"), f"{one.state:10}")
    lines = [f"{state}  {one.digest.short}  {one.form:8}  {_kind(one)}"]
    if several:
        lines.append(f"  about {one.subject.digest}")
    if one.attestation is not None:
        lines.append(f"  by {witnesses.signer(one.attestation)}")
        lines += witnesses.lines(one.attestation)
    lines += statements.build_lines(one.says.build if one.says else None)
    if one.reason:
        lines.append(f"  {printable(one.reason)}")
    return lines


def _document(one: Attached) -> dict[str, object]:
    says, holds = one.says, one.attestation
    return {
        "subject": str(one.subject.digest),
        "state": one.state.value,
        "form": one.form.value,
        "digest": str(one.digest),
        "manifest": str(one.manifest),
        "media_type": one.media_type or None,
        "size": len(one.data),
        "predicate_type": one.predicate_type or None,
        **statements.build_data(says.build if says else None),
        "verified_by": signer_data(holds) if holds else None,
        "predicate_digest": str(holds.predicate_digest)
        if holds and holds.predicate_digest
        else None,
        "reason": one.reason or None,
    }
