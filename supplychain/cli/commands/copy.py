"""`supplychain copy`: an image with everything attached to it, to somewhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import Paint, printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.times import size

if TYPE_CHECKING:
    from supplychain.model.subject import Subject
    from supplychain.pipeline.copying import Copied


@options.command(options.CACHE, options.REGISTRY)
def copy(
    shared: Context,
    source: options.Source,
    destination: Annotated[
        str,
        typer.Argument(
            metavar="DESTINATION",
            help="registry reference or oci:DIR[:TAG]; without a tag the copy gets none",
            show_default=False,
        ),
    ],
    platform: Annotated[
        str | None,
        typer.Option(
            "--platform",
            metavar="OS/ARCH",
            help="demand that the image is for this one; an index is copied whole or not at all",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="move a tag that stands on another image")
    ] = False,
    output: options.Output = OutputFormat.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Copy an image and everything attached to it, by digest, and check the copy.

    Signatures, attestations and SBOMs go along in every form. The tag is set
    last, after everything was read back from the destination; what is there
    already is not sent again.

    \b
    Examples:
      supplychain copy staging.example/shop:1.4 registry.example/shop:1.4
      supplychain copy registry.example/shop:1.4 registry.example/live:now --force
      supplychain copy registry.example/shop:1.4 oci:offline/shop:1.4 -o json
    """
    from supplychain.bootstrap import copies

    with shared.progress(output) as progress:
        origin, done = copies.copy(
            shared.settings, source, destination, progress, platform=platform, move=force
        )
    if output is OutputFormat.JSON:
        write_json(_document(origin, done), output_file)
    else:
        write("".join(f"{line}\n" for line in _lines(done, shared.paint)), output_file)


def _lines(done: Copied, paint: Paint) -> Iterator[str]:
    tag = f"  tag {done.tag}" if done.tag else ""
    yield f"{paint('bold', printable(done.subject.name))}@{done.subject.digest}{tag}"
    yield f"  manifests  {_counted(Counter(done.moved.manifests.values()))}"
    sizes: Counter[str] = Counter()
    for blob, fate in done.moved.blobs.items():
        sizes[fate] += blob.size
    yield f"  blobs      {_counted(Counter(done.moved.blobs.values()), sizes)}"
    yield f"  attached   {_attached(done)}"


def _counted(counts: Counter[str], sizes: Counter[str] | None = None) -> str:
    shown = (
        f"{counts[fate]} {fate.replace('_', ' ')}" + (f" ({size(sizes[fate])})" if sizes else "")
        for fate in ("copied", "mounted", "already_there")
        if counts[fate]
    )
    return ", ".join(shown) or "none"


def _attached(done: Copied) -> str:
    referrers = sum(len(nodes) for nodes in done.graph.attached.values())
    tags = Counter(one.tag.rpartition(".")[2] for one in done.graph.companions)
    parts = [f"{referrers} by reference"] if referrers else []
    parts += [f"{count} under .{suffix}" for suffix, count in sorted(tags.items())]
    return ", ".join(parts) or "nothing"


def _document(origin: Subject, done: Copied) -> dict[str, object]:
    moved = done.moved
    return {
        "source": str(origin),
        "destination": str(done.subject),
        "digest": str(done.subject.digest),
        "tag": done.tag,
        "manifests": [
            {
                "digest": str(node.digest),
                "media_type": node.manifest.media_type,
                "size": len(node.manifest.raw),
                "subject": str(node.subject) if node.subject else None,
                "fate": moved.manifests[node.digest].value,
            }
            for node in done.graph.nodes
        ],
        "blobs": [
            {"digest": str(blob.digest), "size": blob.size, "fate": fate.value}
            for blob, fate in moved.blobs.items()
        ],
        "tags": [{"tag": one.tag, "subject": str(one.subject)} for one in done.graph.companions],
        "bytes": {
            name: sum(blob.size for blob, fate in moved.blobs.items() if fate == name)
            for name in ("copied", "mounted", "already_there")
        },
    }
