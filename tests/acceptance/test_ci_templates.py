"""The CI templates: valid by their makers' schemas, and what they run does what they say."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from tests.kit.ci_jobs import (
    GITHUB,
    github_declared,
    github_job,
    github_used,
    github_workflow,
    gitlab_header,
    gitlab_inputs_used,
    gitlab_job,
    gitlab_pipeline,
    path_with,
    run_job,
)
from tests.kit.cli import PASSWORD, PROGRAM, Desk
from tests.kit.registry import PASSWORD as REGISTRY_PASSWORD
from tests.kit.registry import USERNAME, RunningRegistry
from tests.kit.shop import push
from tests.kit.sigstore.mock import MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER
from tests.kit.vulndb import publish, write_sample

JOBS = ("gitlab", "github")
INPUTS = {"image": "registry.example/shop:1.4", "environment": "prod", "container": "tool@sha256:0"}
ARTIFACTS = ("supplychain-decision.json", "supplychain-sbom.cdx.json")


@dataclass(frozen=True, slots=True)
class Runner:
    """A machine that takes CI jobs: nothing is on it but the program and the checkout.

    Attributes:
        desk: The checkout, with its policies; a home folder that nobody used yet.
        secrets: What the project keeps for its jobs.
        image: What is to be judged.
        environ: The environment of every job.
    """

    desk: Desk
    secrets: dict[str, str]
    image: Reference
    environ: dict[str, str]

    def run(self, kind: str, shell: str = "sh") -> tuple[int, str]:
        """Run the job of a template; its exit code and its log."""
        return self._gitlab(shell) if kind == "gitlab" else self._github()

    def _gitlab(self, shell: str) -> tuple[int, str]:
        key = self.desk.folder.parent / "SUPPLYCHAIN_KEY"  # a variable of type File
        key.write_text(self.secrets["SUPPLYCHAIN_KEY"])
        secrets = self.secrets | {"SUPPLYCHAIN_KEY": str(key)}
        del secrets["SUPPLYCHAIN_REGISTRY_PASSWORD"]
        given = {"CI_REGISTRY_USER": USERNAME, "CI_REGISTRY_PASSWORD": REGISTRY_PASSWORD}
        job = gitlab_job(INPUTS | {"image": str(self.image)}, given, shell)
        assert job.paths == ARTIFACTS
        ended = run_job(job, self.desk.folder, self.environ | secrets | given, shell)
        return ended.code, ended.log

    def _github(self) -> tuple[int, str]:
        inputs = INPUTS | {
            "image": str(self.image),
            "content": self.secrets["SUPPLYCHAIN_CONTENT"],
            "registry-username": USERNAME,
        }
        job = github_job({"inputs": inputs, "secrets": self.secrets, "github": {"actor": "me"}})
        assert job.paths == ARTIFACTS
        ended = run_job(job, self.desk.folder, self.environ)
        return ended.code, ended.log

    @property
    def temporary(self) -> Path:
        """The folder that GitHub's runner names in RUNNER_TEMP."""
        return Path(self.environ["RUNNER_TEMP"])

    def artifact(self, name: str) -> Any:
        """A file that the job leaves."""
        return json.loads((self.desk.folder / name).read_bytes())


@pytest.fixture
def runner(
    bare_desk: Desk,
    desk_template: Desk,
    debian_registry: RunningRegistry,
    debian_registry_with_login: RunningRegistry,
    tmp_path: Path,
) -> Runner:
    """A runner for a project whose image lies behind a login, and its database elsewhere."""
    bare_desk.policy()
    shutil.copyfile(desk_template.public_key, bare_desk.public_key)
    database = debian_registry.fresh()
    publish(write_sample(tmp_path / "sample"), RegistryRepository(database, RegistryOptions()))
    secrets = {
        "SUPPLYCHAIN_KEY": desk_template.key.read_text(),
        "SUPPLYCHAIN_KEY_PASSWORD": PASSWORD,
        "SUPPLYCHAIN_DATABASE": f"sqlite:///{tmp_path / 'server.db'}",
        "SUPPLYCHAIN_CONTENT": str(tmp_path / "bucket"),
        "SUPPLYCHAIN_REGISTRY_PASSWORD": REGISTRY_PASSWORD,
    }
    environ = bare_desk.environ | {
        "PATH": path_with(PROGRAM),
        "SUPPLYCHAIN_TRIVY": desk_template.environ["SUPPLYCHAIN_TRIVY"],
        "SUPPLYCHAIN_DB_REPOSITORY": f"{database.name}:2",
        "RUNNER_TEMP": str(bare_desk.folder / "runner"),
        "GITHUB_OUTPUT": str(bare_desk.folder / "runner" / "output"),
    }
    (bare_desk.folder / "runner").mkdir()
    return Runner(bare_desk, secrets, debian_registry_with_login.fresh(), environ)


def pushed(layout: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> str:
    """The image of a layout, put where the runner's job looks for it; its digest."""
    login = base64.b64encode(f"{USERNAME}:{REGISTRY_PASSWORD}".encode()).decode()
    folder = runner.desk.folder.parent / "docker"
    folder.mkdir()
    auths = {runner.image.registry: {"auth": login}}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return push(layout, runner.image, "latest")


@pytest.mark.parametrize("kind", JOBS)
def test_a_job_passes_on_allow_and_leaves_what_it_found(
    kind: str, runner: Runner, repaired: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = pushed(repaired, runner, monkeypatch)

    code, log = runner.run(kind)

    assert code == 0, log
    assert f"ALLOW  {runner.image.name}@{digest} in prod" in log
    decision = runner.artifact("supplychain-decision.json")
    assert (decision["verdict"], decision["subject"]["digest"]) == ("allow", digest)
    assert runner.artifact("supplychain-sbom.cdx.json")["bomFormat"] == "CycloneDX"
    if kind == "github":
        assert (runner.temporary / "output").read_text() == "verdict=allow\n"


@pytest.mark.parametrize("kind", JOBS)
def test_a_job_stops_with_10_on_deny_and_still_leaves_what_it_found(
    kind: str, runner: Runner, vulnerable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = pushed(vulnerable, runner, monkeypatch)

    code, log = runner.run(kind, shell="bash" if shutil.which("bash") else "sh")

    assert code == 10, log
    assert "CVE-2019-10906" in log
    decision = runner.artifact("supplychain-decision.json")
    assert (decision["verdict"], decision["subject"]["digest"]) == ("deny", digest)
    names = [c["name"] for c in runner.artifact("supplychain-sbom.cdx.json")["components"]]
    assert "Jinja2" in names
    if kind == "github":
        assert (runner.temporary / "output").read_text() == "verdict=deny\n"


@pytest.mark.parametrize("kind", JOBS)
def test_a_fault_fails_the_job_and_is_no_verdict(kind: str, runner: Runner) -> None:
    code, log = runner.run(kind)  # nobody pushed the image

    assert code == 1, log
    assert "error: " in log
    assert "ALLOW" not in log
    assert not any((runner.desk.folder / name).exists() for name in ARTIFACTS)
    assert not (runner.temporary / "output").exists()


def test_a_secret_never_reaches_the_log_and_the_key_file_goes_with_the_job(
    runner: Runner, repaired: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(repaired, runner, monkeypatch)

    code, log = runner.run("github")

    assert code == 0, log
    assert [path.name for path in runner.temporary.iterdir()] == ["output"]
    secrets = (*runner.secrets["SUPPLYCHAIN_KEY"].splitlines()[1:-1], PASSWORD, REGISTRY_PASSWORD)
    assert not [secret for secret in secrets if secret in log]


@pytest.mark.parametrize(
    ("image", "given", "sent"),
    [
        ("ghcr.io/acme/shop:1", {}, ("me", "the job's token")),
        ("registry.example/shop:1", {}, ("", "")),
        ("ghcr.io.example/shop:1", {}, ("", "")),
        ("registry.example/shop:1", {"registry-username": "it"}, ("it", "secret")),
        ("ghcr.io/acme/shop:1", {"registry-username": "it"}, ("it", "secret")),
    ],
)
def test_githubs_own_token_goes_to_githubs_registry_alone(
    image: str, given: dict[str, str], sent: tuple[str, str]
) -> None:
    secrets = {"SUPPLYCHAIN_REGISTRY_PASSWORD": "secret"}
    github = {"actor": "me", "token": "the job's token"}
    inputs = INPUTS | {"image": image} | given
    variables = github_job({"inputs": inputs, "secrets": secrets, "github": github}).variables
    username = variables["SUPPLYCHAIN_REGISTRY_USERNAME"]
    assert (username, variables["SUPPLYCHAIN_REGISTRY_PASSWORD"]) == sent


def test_the_gitlab_component_follows_gitlabs_schema(tmp_path: Path) -> None:
    header, pipeline = tmp_path / "header.yml", tmp_path / "pipeline.yml"
    header.write_text(yaml.safe_dump(gitlab_header()))
    pipeline.write_text(yaml.safe_dump(gitlab_pipeline(INPUTS)))
    follows("vendor.gitlab-ci", header, pipeline)
    follows_not("vendor.gitlab-ci", pipeline, "script:", "skript:")


def test_the_github_workflow_follows_githubs_schema(tmp_path: Path) -> None:
    follows("vendor.github-workflows", GITHUB)
    follows("custom.github-workflows-require-timeout", GITHUB)
    copy = tmp_path / "gate.yml"
    copy.write_text(GITHUB.read_text())
    follows_not("vendor.github-workflows", copy, "runs-on: ${{", "run-on: ${{")


def test_every_input_is_declared_and_every_declared_one_is_used() -> None:
    assert gitlab_inputs_used() == set(gitlab_header()["spec"]["inputs"])
    declared = {(kind, name) for kind, names in github_declared().items() for name in names}
    assert github_used() == declared


def test_actions_are_pinned_and_permissions_are_least() -> None:
    workflow = github_workflow()
    (job,) = workflow["jobs"].values()
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert actions
    for action in actions:
        assert len(action.rpartition("@")[2]) == 40, f"{action} is not pinned by commit"
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "packages": "write"}


def follows(schema: str, *files: Path) -> None:
    """Demand that files are valid, by the schemas that check-jsonschema carries (no network)."""
    done = _check(schema, *files)
    assert done.returncode == 0, done.stdout + done.stderr


def follows_not(schema: str, file: Path, good: str, bad: str) -> None:
    """Demand that the schema would find this mistake."""
    text = file.read_text()
    assert good in text
    file.write_text(text.replace(good, bad))
    assert _check(schema, file).returncode == 1


def _check(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_gitlab_job_signs_as_its_project_with_the_token_that_the_template_asks_for(
    runner: Runner,
    repaired: Path,
    mock_sigstore: MockSigstore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pushed(repaired, runner, monkeypatch)
    (job,) = gitlab_pipeline(INPUTS).values()
    [(variable, asked)] = job["id_tokens"].items()
    documents = mock_sigstore.sigstore()
    whom = f"identities: [{{identity: {DEVELOPER}, issuer: '{documents.issuer}'}}]"
    runner.desk.policy(f"signature: {{{whom}}}", f"sbom: {{{whom}}}")
    runner.environ.update(
        {
            "GITLAB_CI": "true",
            variable: documents.token(aud=asked["aud"]),
            "SUPPLYCHAIN_KEYLESS": "yes",
            "SUPPLYCHAIN_SIGNING_CONFIG": str(documents.signing_config),
            "SUPPLYCHAIN_TRUSTED_ROOT": str(documents.trusted_root),
        }
    )
    code, log = runner.run("gitlab")
    assert code == 0, log
    assert runner.artifact("supplychain-decision.json")["verdict"] == "allow"
    assert len(mock_sigstore.asked("fulcio")) == 1
