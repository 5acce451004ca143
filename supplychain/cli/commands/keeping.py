"""`supplychain backup`, `restore`, `verify-store`: that the record survives, and is what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.keeping_lines import as_data, kept_lines
from supplychain.cli.times import size
from supplychain.pipeline.progress import stage


@options.command(options.RECORD)
def backup(
    shared: Context,
    target: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="a new file, or a folder to put one into")
    ],
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Back up the whole record, as of one moment, while others go on writing.

    The file holds every row and every document, and can be restored into either
    kind of database. Whoever has it can read all that is on record. Keys and
    settings are not in it. Note the digest that is printed where nobody who can
    write the file can write: `restore --manifest` asks for it.

    \b
    Examples:
      supplychain backup /var/backups/supplychain
      supplychain backup record.tar --output json
    """
    from supplychain.bootstrap import keeping

    with shared.progress(output) as progress, stage(progress, "backup", str(target)) as told:
        path, made = keeping.back_up(
            shared.settings, target, at=shared.now(), moved=progress.advance
        )
        told.text = f"{made.rows} rows, {made.documents} documents ({size(made.size)})"
    if output is OutputFormat.JSON:
        write_json(
            {
                "file": str(path),
                "manifest": str(made.manifest),
                "schema": made.schema,
                "rows": made.rows,
                "documents": made.documents,
                "bytes": made.size,
            }
        )
        return
    write(f"{path}\nmanifest  {made.manifest}\n")


@options.command(options.RECORD)
def restore(
    shared: Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what `backup` wrote")],
    manifest: Annotated[
        str | None,
        typer.Option(
            "--manifest", metavar="DIGEST", help="what `backup` printed; it has to be this one"
        ),
    ] = None,
    accept_breaks: Annotated[
        bool,
        typer.Option(
            "--accept-breaks", help="take over what was broken already when it was backed up"
        ),
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Restore a backup into an empty database of either kind: all of it, or nothing.

    Every document is hashed again, every chain looked at link by link, before
    anything counts. An older backup comes out with today's schema.

    \b
    Examples:
      supplychain restore record.tar --data-dir /srv/restored
      SUPPLYCHAIN_DATABASE=postgresql://db/shop supplychain restore record.tar
    """
    from supplychain.bootstrap import keeping
    from supplychain.model.digest import Digest

    with shared.progress(output) as progress, stage(progress, "restore", str(file)) as told:
        made = keeping.restore(
            shared.settings,
            file,
            expected=Digest.parse(manifest) if manifest else None,
            accept_breaks=accept_breaks,
            moved=progress.advance,
        )
        told.text = f"{made.rows} rows, {made.documents} documents ({size(made.size)})"
    if output is OutputFormat.JSON:
        write_json(
            {
                "manifest": str(made.manifest),
                "schema": made.schema,
                "rows": made.rows,
                "documents": made.documents,
                "bytes": made.size,
            }
        )
        return
    write(f"{shared.settings.shown_database}\nmanifest  {made.manifest}\n")


@options.command(options.RECORD)
def verify_store(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Look at the whole record: every document hashed again, every chain, every row's document.

    Every row is looked at, too: what it holds, and what it names in other tables.
    Exits with 1 where something is not as it was recorded. Documents that no row
    names are listed and are no damage: a run that was killed leaves such.

    \b
    Examples:
      supplychain verify-store
      supplychain verify-store --output json
    """
    from supplychain.bootstrap import keeping
    from supplychain.records.store_check import require_whole

    with shared.progress(output) as progress:
        with stage(progress, "rows", shared.settings.shown_database) as told:
            rows = keeping.check_rows(shared.settings)
            told.text = f"{len(rows.damaged)} are damaged; {len(rows.chains)} chains"
        with stage(progress, "documents", "each of them") as told:
            found = keeping.check_store(shared.settings, rows, moved=progress.advance)
            told.text = f"{found.documents} ({size(found.size)})"
    if output is OutputFormat.JSON:
        write_json(as_data(found))
    else:
        write("".join(f"{line}\n" for line in kept_lines(found, shared.paint)))
    require_whole(found)
