"""`supplychain policy`: check a policy before it counts, show the one that does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.judgement import check_environment
from supplychain.errors import InputError, NotFoundError

app = typer.Typer(help="Check and show policies.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check and show policies."""


@app.command()
@options.command()
def check(
    _shared: Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="policy files", show_default=False)
    ],
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Check policy files; names what is wrong with line, column and the nearest word.

    \b
    Examples:
      supplychain policy check policies/prod.yaml
      supplychain policy check policies/*.yaml
    """
    from supplychain.bootstrap.trust import load_policy

    policies = [(file, load_policy(file)) for file in files]
    if output is OutputFormat.JSON:
        rows = [
            {
                "file": str(file),
                "environment": policy.environment,
                "digest": str(policy.digest),
                "rules": len(policy.rules),
            }
            for file, policy in policies
        ]
        write_json({"policies": rows})
        return
    for file, policy in policies:
        write(
            f"{file}: environment {printable(policy.environment)}, "
            f"{len(policy.rules)} rules, {policy.digest}\n"
        )


@app.command()
@options.command()
def show(
    shared: Context,
    environment: Annotated[
        str | None,
        typer.Argument(metavar="ENVIRONMENT", help="whose policy", show_default=False),
    ] = None,
    policy_file: options.Policy = None,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show an environment's policy as the gate reads it, with its keys written in.

    \b
    Examples:
      supplychain policy show prod
      supplychain policy show --policy policies/prod.yaml --output json
    """
    from supplychain.bootstrap.trust import load_policy

    named = environment or shared.settings.text("environment")
    if policy_file is None and named is None:
        raise InputError("no environment was given", hint="supplychain policy show prod")
    path = policy_file or shared.settings.policy_file(check_environment(str(named)))
    if not path.exists():
        raise NotFoundError(
            f"there is no policy {path}", hint="write one: docs/policy.md has examples"
        )
    policy = load_policy(path)
    canonical = json.loads(policy.canonical())
    document = {"schemaVersion": canonical.pop("schemaVersion"), **canonical}
    if output is OutputFormat.JSON:
        write_json({"file": str(path), "digest": str(policy.digest), "policy": document})
        return
    write(f"# {path}\n# {policy.digest}\n{_as_yaml(document)}")


def _as_yaml(document: dict[str, object]) -> str:
    """The document as people would write it: keys in blocks, not with escaped line ends."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """With block style for texts of several lines."""

    def block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, block)
    return str(yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True))
