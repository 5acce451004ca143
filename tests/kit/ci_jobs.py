"""The CI templates as their runners read them, and their script lines run as those run them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml

_TEMPLATES = Path(__file__).resolve().parents[2] / "ci-templates"
GITLAB = _TEMPLATES / "gitlab" / "templates" / "gate.yml"
GITHUB = _TEMPLATES / "github" / "gate.yml"
# https://docs.gitlab.com/ci/inputs/: `$[[ inputs.name ]]`, anywhere below the header
_INPUT = re.compile(r"\$\[\[ *inputs\.([\w-]+) *\]\]")
_EXPRESSION = re.compile(r"\$\{\{(.+?)\}\}")
_CONTEXT = re.compile(r"\b(inputs|secrets|github)\.([\w-]+)")


@dataclass(frozen=True, slots=True)
class Job:
    """A job's shell scripts, one process each, and the variables that its template sets."""

    scripts: tuple[str, ...]
    variables: Mapping[str, str]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: the code of its first script, and everything that was printed."""

    code: int
    log: str


def gitlab_header() -> dict[str, Any]:
    """The component's `spec`."""
    header: dict[str, Any] = next(yaml.safe_load_all(GITLAB.read_text()))
    return header


def gitlab_inputs_used() -> set[str]:
    """The inputs that the component's job mentions."""
    return set(_INPUT.findall(_below_header()))


def gitlab_pipeline(inputs: Mapping[str, str]) -> dict[str, Any]:
    """The component's jobs with these inputs put in."""
    declared = gitlab_header()["spec"]["inputs"]
    values: dict[str, Any] = {name: entry.get("default") for name, entry in declared.items()}
    values |= inputs
    text = _INPUT.sub(lambda found: values[found[1]], _below_header())
    pipeline: dict[str, Any] = yaml.safe_load(text)
    return pipeline


def gitlab_job(inputs: Mapping[str, str], variables: Mapping[str, str], shell: str) -> Job:
    """The component's one job: two scripts, the second for what comes after.

    GitLab's runner takes bash with pipefail where the image has it, else sh.
    """
    (job,) = gitlab_pipeline(inputs).values()
    first = "set -eo pipefail" if shell == "bash" else "set -e"
    return Job(
        (
            "\n".join([first, *job["before_script"], *job["script"]]),
            "\n".join([first, *job["after_script"]]),
        ),
        {
            name: Template(text).safe_substitute(variables)
            for name, text in job["variables"].items()
        },
        tuple(job["artifacts"]["paths"]),
    )


def github_workflow() -> dict[Any, Any]:
    """The reusable workflow."""
    workflow: dict[Any, Any] = yaml.safe_load(GITHUB.read_text())
    return workflow


def github_declared() -> dict[str, dict[str, Any]]:
    """What the workflow takes: `inputs` and `secrets`."""
    call = github_workflow()[True]["workflow_call"]  # YAML 1.1 reads the key `on` as true
    return {"inputs": call["inputs"], "secrets": call["secrets"]}


def github_used() -> set[tuple[str, str]]:
    """The inputs and secrets that the workflow's expressions mention."""
    found = {pair for text in _EXPRESSION.findall(GITHUB.read_text()) for pair in _contexts(text)}
    return {(kind, name) for kind, name in found if kind != "github"}


def github_job(contexts: Mapping[str, Mapping[str, str]]) -> Job:
    """The workflow's script with its expressions evaluated; `shell: sh` is `sh -e`."""
    (job,) = github_workflow()["jobs"].values()
    step = next(step for step in job["steps"] if "run" in step)
    upload = next(step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert step["shell"] == "sh"
    assert not _EXPRESSION.search(step["run"]), "an expression in a script is an injection"
    inputs = {n: i.get("default", "") for n, i in github_declared()["inputs"].items()}
    whole = {**contexts, "inputs": inputs | dict(contexts["inputs"])}
    return Job(
        (f"set -e\n{step['run']}",),
        {name: _evaluated(text, whole) for name, text in step["env"].items()},
        tuple(upload["with"]["path"].split()),
    )


def run_job(job: Job, folder: Path, environ: Mapping[str, str], shell: str = "sh") -> Ended:
    """Run a job's scripts one after the other, as a runner does."""
    ends = [
        subprocess.run(
            [shell, "-c", script],
            cwd=folder,
            env={**environ, **job.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        for script in job.scripts
    ]
    return Ended(ends[0].returncode, "".join(end.stdout for end in ends))


def path_with(program: Path) -> str:
    """A PATH with this program's folder in front."""
    return os.pathsep.join([str(program.parent), os.defpath])


def _below_header() -> str:
    return GITLAB.read_text().split("\n---\n", 1)[1]


def _contexts(expression: str) -> list[tuple[str, str]]:
    return _CONTEXT.findall(re.sub(r"'[^']*'", "''", expression))


def _evaluated(text: str, contexts: Mapping[str, Mapping[str, str]]) -> str:
    """GitHub's expressions, as far as the template uses them: `||`, `&&` and `startsWith`."""

    def value(found: re.Match[str]) -> str:
        python = found[1].strip().replace("||", " or ").replace("&&", " and ")
        looked_up = _CONTEXT.sub(lambda m: repr(contexts[m[1]].get(m[2], "")), python)
        names = {"__builtins__": {}, "startsWith": str.startswith}
        return str(eval(looked_up, names))

    return _EXPRESSION.sub(value, text)
