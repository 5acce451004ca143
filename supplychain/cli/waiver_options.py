"""Options that commands about waivers share."""

from __future__ import annotations

from typing import Annotated

import typer

from supplychain.model.waiver import EndsWithFix as Ends

Waiver = Annotated[str, typer.Argument(metavar="WAIVER", help="as in WV-17", show_default=False)]
Cve = Annotated[
    str | None,
    typer.Option("--cve", metavar="ID", help="the vulnerability", show_default=False),
]
Rule = Annotated[
    str | None,
    typer.Option("--rule", metavar="NAME", help="the rule of the policy", show_default=False),
]
Package = Annotated[
    str | None,
    typer.Option(
        "--package",
        metavar="PURL",
        help="the package, perhaps with its version; else the one that has the vulnerability",
        show_default=False,
    ),
]
Versions = Annotated[
    str | None,
    typer.Option(
        "--versions",
        metavar="RANGE",
        help="which versions of it: '>=2.0, <2.2.9', or '*'; else those on record, and no other",
        show_default=False,
    ),
]
Image = Annotated[
    str | None,
    typer.Option("--image", metavar="IMAGE", help="only this image", show_default=False),
]
Repository = Annotated[
    str | None,
    typer.Option(
        "--repository", metavar="NAME", help="only images of this name", show_default=False
    ),
]
Environments = Annotated[
    list[str] | None,
    typer.Option(
        "--environment",
        "-e",
        metavar="NAME",
        help="only there; several times for several",
        show_default=False,
    ),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires",
        metavar="TIME",
        help="from when it counts no longer: 14d from now, a date, or an instant",
        show_default=False,
    ),
]
Owner = Annotated[
    str | None,
    typer.Option("--owner", metavar="NAME", help="who looks after it", show_default=False),
]
Ticket = Annotated[
    str | None,
    typer.Option("--ticket", metavar="ID", help="where it is discussed", show_default=False),
]
EndsWithFix = Annotated[
    Ends | None,
    typer.Option(
        "--ends-with-fix",
        help="finding: ends for what can be repaired; all: ends when any of it can",
        show_default=False,
    ),
]
