"""`supplychain policy`: begin a policy, check it before it counts, show the one that does."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.failures import Exit
from supplychain.cli.judgement import check_environment
from supplychain.cli.policies import as_document, as_explained_yaml, as_yaml, origins
from supplychain.errors import InputError, NotFoundError

app = typer.Typer(help="Begin, check, show and test policies.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Begin, check, show and test policies."""


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
    rows = [_checked(file) for file in files]
    if output is OutputFormat.JSON:
        write_json({"policies": rows})
        return
    for row in rows:
        rules = f"{row['rules']} rules"
        if row["environment"] is None:
            write(f"{row['file']}: a part for policies to include, {rules} in it\n")
        else:
            environment = printable(str(row["environment"]))
            write(f"{row['file']}: environment {environment}, {rules}, {row['digest']}\n")


def _checked(file: Path) -> dict[str, object]:
    """What a usable document is: the policy of an environment, or a part of policies."""
    from supplychain.bootstrap.trust import load_policy_or_part
    from supplychain.gate.policy import Policy

    found = load_policy_or_part(file)
    return {
        "file": str(file),
        "environment": found.environment if isinstance(found, Policy) else None,
        "digest": str(found.digest) if isinstance(found, Policy) else None,
        "rules": len(found.rules),
    }


@app.command()
@options.command()
def show(
    shared: Context,
    environment: Annotated[
        str | None,
        typer.Argument(metavar="ENVIRONMENT", help="whose policy", show_default=False),
    ] = None,
    policy_file: options.Policy = None,
    effective: Annotated[
        bool, typer.Option("--effective", help="say where each rule came from")
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show an environment's policy as the gate reads it: whole, with its keys written in.

    \b
    Examples:
      supplychain policy show prod
      supplychain policy show prod --effective
      supplychain policy show --policy policies/prod.yaml --output json
    """
    from supplychain.bootstrap.trust import load_policy

    named = environment or shared.settings.text("environment")
    if policy_file is None and named is None:
        raise InputError("no environment was given", hint="supplychain policy show prod")
    path = policy_file or shared.settings.policy_file(check_environment(str(named)))
    if not path.exists():
        raise NotFoundError(
            f"there is no policy {path}", hint=f"begin one: supplychain policy init -e {named}"
        )
    policy = load_policy(path)
    document = as_document(policy)
    if output is OutputFormat.JSON:
        more = origins(policy) if effective else {}
        write_json({"file": str(path), "digest": str(policy.digest), "policy": document, **more})
        return
    shown = as_explained_yaml(policy) if effective else as_yaml(document)
    write(f"# {path}\n# {policy.digest}\n{shown}")


@app.command()
@options.command()
def init(
    shared: Context,
    environment: options.Environment = None,
    ready: Annotated[
        str, typer.Option("--from", metavar="NAME", help="starter, strict or pci-like")
    ] = "starter",
    keys: Annotated[
        list[Path] | None,
        typer.Option("--key", metavar="FILE", help="a public key whose signatures count"),
    ] = None,
) -> None:
    """Write the policy of an environment that includes one of the ready ones.

    \b
    Examples:
      supplychain policy init -e prod --from strict --key release.pub
      supplychain policy init -e dev
    """
    from supplychain.bootstrap.ready_policies import begin_policy

    named = environment or shared.settings.text("environment")
    if named is None:
        raise InputError("no environment was given", hint="supplychain policy init -e prod")
    path = shared.settings.policy_file(check_environment(named))
    begin_policy(path, named, ready, keys or ())
    write(f"{path}\n")


class TestOutput(StrEnum):
    """The forms in which the results of tests can be had."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


@app.command("test")
@options.command()
def run_tests(
    shared: Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH...]", help="files or folders", show_default=False),
    ] = None,
    output: Annotated[
        TestOutput,
        typer.Option(
            "--output", "-o", help="form of the result", rich_help_panel=options.RESULT_PANEL
        ),
    ] = TestOutput.TEXT,
    output_file: options.OutputFile = None,
) -> None:
    """Run the tests that stand beside policies; exits with 1 where one of them fails.

    \b
    Examples:
      supplychain policy test
      supplychain policy test policies/prod.test.yaml
      supplychain policy test --output junit --output-file policies.xml
    """
    from supplychain.bootstrap.policy_tests import find_tests, run_file
    from supplychain.cli import policy_results

    folder = shared.settings.policy_file("any").parent
    files = [run_file(path) for path in find_tests(paths or [folder])]
    if output is TestOutput.JSON:
        write_json(policy_results.as_data(files), output_file)
    elif output is TestOutput.JUNIT:
        write(policy_results.as_junit(files), output_file)
    else:
        told = policy_results.lines(files, shared.paint)
        write("".join(f"{line}\n" for line in told), output_file)
    if any(test.failures for file in files for test in file.tests):
        raise typer.Exit(Exit.FAULT)


@app.command()
@options.command(options.RECORD)
def diff(
    shared: Context,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="a policy, or a folder of them")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="the same, as it is to become")],
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="judge everything on record by both, and record nothing"),
    ] = False,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show what another policy changes: its rules, and whose verdict.

    With --recorded it names every image on record whose verdict changes, and by
    which rule. Exits with 0 where no verdict changes, and with 10 where one does.

    \b
    Examples:
      supplychain policy diff policies/prod.yaml draft.yaml
      supplychain policy diff policies/prod.yaml draft.yaml --recorded
      supplychain policy diff policies drafts --recorded --output json
    """
    from supplychain.bootstrap.simulation import policy_pairs, simulated
    from supplychain.cli.policy_lines import Counter, as_data, told

    pairs = policy_pairs(old, new)
    counter = Counter(quiet=shared.quiet or output is OutputFormat.JSON)
    shifts = (
        list(simulated(shared.settings, pairs, at=shared.now(), told=counter)) if recorded else None
    )
    if output is OutputFormat.JSON:
        write_json(as_data(pairs, shifts, counter.total))
    else:
        write("\n".join(told(pairs, shifts, counter.total, shared.paint)) + "\n")
    if shifts:
        raise typer.Exit(Exit.DENY)
