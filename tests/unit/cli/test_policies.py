"""`supplychain policy`: files checked, shown with where each rule came from, and begun."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from typer.testing import CliRunner

from supplychain.bootstrap.ready_policies import ready_names
from supplychain.bootstrap.trust import load_policy
from supplychain.cli.app import tree
from supplychain.errors import ConflictError, NotFoundError, PolicyError

RUNNER = CliRunner(env={"NO_COLOR": "1", "TERM": "dumb"})
BASE = """\
schemaVersion: 1
platforms: [linux/amd64]
rules:
  - id: fresh
    freshness: {scan: 24h}
  - sbom: {}
"""
PROD = """\
schemaVersion: 1
environment: prod
include: [shared/base.yaml, "builtin:starter"]
override:
  - {drop: fresh, because: it is built weekly}
rules:
  - vulnerabilities: {severity: high}
"""


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a policy for prod that includes others, as the current folder."""
    folder = tmp_path / "policies"
    (folder / "shared").mkdir(parents=True)
    (folder / "shared" / "base.yaml").write_text(BASE)
    (folder / "prod.yaml").write_text(PROD)
    monkeypatch.chdir(tmp_path)
    return folder


def typed(*arguments: str | Path) -> str:
    done = RUNNER.invoke(tree(), ["policy", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_policy_is_shown_with_where_each_rule_came_from(policies: Path) -> None:
    shown = typed("show", "--policy", "policies/prod.yaml", "--effective")
    lines = shown.splitlines()
    assert lines[2] == (
        "# policies/prod.yaml:5 drops rule fresh of policies/shared/base.yaml:4: it is built weekly"
    )
    at = lines.index("  # from policies/shared/base.yaml:6")
    assert lines[at + 1] == "  - sbom: {}"
    assert "# from policies/shared/base.yaml:2\nplatforms:\n- linux/amd64\n" in shown
    assert "  # from builtin:starter:" in shown
    assert "  # from policies/prod.yaml:7\n  - vulnerabilities:\n" in shown
    # What is shown is that policy, and can be written into a file of its own.
    (policies / "alone.yaml").write_text(shown)
    assert load_policy(policies / "alone.yaml") == load_policy(policies / "prod.yaml")


def test_data_has_the_origins_beside_the_policy(policies: Path) -> None:
    shown = json.loads(typed("show", "--policy", "policies/prod.yaml", "--effective", "-o", "json"))
    assert len(shown["origins"]["rules"]) == len(shown["policy"]["rules"])
    assert shown["origins"]["platforms"] == "policies/shared/base.yaml:2"
    assert shown["overridden"][0].startswith("policies/prod.yaml:5 drops rule fresh")
    plain = json.loads(typed("show", "--policy", "policies/prod.yaml", "-o", "json"))
    assert plain.keys() == {"schemaVersion", "file", "digest", "policy"}
    assert plain["policy"] == shown["policy"]


def test_a_part_can_be_checked_and_is_no_policy(policies: Path) -> None:
    said = typed("check", "policies/prod.yaml", "policies/shared/base.yaml").splitlines()
    assert said[0].startswith("policies/prod.yaml: environment prod, ")
    assert said[1] == "policies/shared/base.yaml: a part for policies to include, 2 rules in it"
    with pytest.raises(PolicyError, match="the policy needs 'environment'"):
        typed("show", "--policy", "policies/shared/base.yaml")


def test_a_document_that_is_not_there_is_named_with_the_place(policies: Path) -> None:
    (policies / "prod.yaml").write_text(PROD.replace("shared/base", "shared/bass"))
    place = r"policies/prod.yaml:3:11: there is no policy document policies/shared/bass.yaml"
    with pytest.raises(PolicyError, match=place):
        typed("check", "policies/prod.yaml")


def test_a_ready_policy_that_there_is_not_gets_the_nearest_name(policies: Path) -> None:
    (policies / "prod.yaml").write_text(PROD.replace("builtin:starter", "builtin:startr"))
    with pytest.raises(PolicyError, match=r"no ready policy 'startr'; did you mean starter\?"):
        typed("check", "policies/prod.yaml")


@pytest.mark.parametrize("name", ready_names())
def test_every_ready_policy_is_one_that_an_environment_can_include(
    policies: Path, name: str
) -> None:
    (policies / "prod.yaml").write_text(
        f'schemaVersion: 1\nenvironment: prod\ninclude: ["builtin:{name}"]\n'
    )
    policy = load_policy(policies / "prod.yaml")
    assert len(policy.rules) > 2
    # Whoever has to depart from one can name what is meant.
    assert all(entry.terms.id for entry in policy.rules)


def test_the_ready_policies_are_each_stricter_than_the_last(policies: Path) -> None:
    found = []
    for name in ("starter", "strict", "pci-like"):
        (policies / "prod.yaml").write_text(
            f'schemaVersion: 1\nenvironment: prod\ninclude: ["builtin:{name}"]\n'
        )
        found.append(set(load_policy(policies / "prod.yaml").rules))
    assert found[0] < found[1] < found[2]
    assert set(ready_names()) == {"starter", "strict", "pci-like"}


def test_init_writes_a_policy_that_includes_a_ready_one(policies: Path) -> None:
    key = policies.parent / "release.pub"
    key.write_text(
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuoaI2k75FbGb8WOJZHKmvCREGjEN\n"
        "pJ9OnOPnSWR4sEFYzyfpByYG9eS1mCvfyqxiT7vqRtKstXcwIZ5s14eC4g==\n"
        "-----END PUBLIC KEY-----\n"
    )
    said = typed("init", "-e", "staging", "--from", "strict", "--key", "release.pub")
    assert said == "policies/staging.yaml\n"
    written = policies / "staging.yaml"
    policy = load_policy(written)
    assert policy.environment == "staging"
    names = [entry.rule.name for entry in policy.rules]
    assert "signature" in names
    assert "sbom" in names
    assert yaml.safe_load(written.read_text())["include"] == ["builtin:strict"]
    # It writes over nothing.
    with pytest.raises(ConflictError, match=r"there is a policies/staging.yaml already"):
        typed("init", "-e", "staging", "--from", "starter", "--key", "release.pub")


def test_init_without_anybody_to_trust_says_what_is_missing(policies: Path) -> None:
    typed("init", "-e", "dev", "--from", "starter")
    text = (policies / "dev.yaml").read_text()
    assert "# - signature: {keys: [" in text
    assert load_policy(policies / "dev.yaml").environment == "dev"
    with pytest.raises(NotFoundError, match="no ready policy 'strickt'") as caught:
        typed("init", "-e", "qa", "--from", "strickt")
    assert caught.value.hint == "did you mean strict?"
    with pytest.raises(NotFoundError, match=r"gone\.pub"):
        typed("init", "-e", "qa", "--from", "strict", "--key", "gone.pub")
    assert not (policies / "qa.yaml").exists()


TESTS = """\
schemaVersion: 1
tests:
  - name: nothing is recorded
    image: {}
    verdict: deny
    reasons: [nothing is recorded]
  - name: a good one & <its> name
    image: {scanned: 2h, sbom: 2h}
    verdict: allow
"""


def test_tests_beside_a_policy_are_found_and_run(policies: Path) -> None:
    (policies / "prod.test.yaml").write_text(TESTS)
    (policies / "tests").mkdir()
    (policies / "tests" / "prod.yaml").write_text(TESTS)
    said = typed("test").splitlines()
    assert said[0] == "policies/prod.test.yaml  (policies/prod.yaml)"
    assert said[1:3] == ["  ✓ nothing is recorded", "  ✓ a good one & <its> name"]
    assert said[3] == "policies/tests/prod.yaml  (policies/prod.yaml)"
    assert said[-1] == "4 passed, 0 failed"


def test_a_test_that_fails_says_what_came_instead(policies: Path) -> None:
    (policies / "prod.test.yaml").write_text(TESTS.replace(", sbom: 2h", ""))
    done = RUNNER.invoke(tree(), ["policy", "test"])
    assert done.exit_code == 1
    assert done.stdout.splitlines()[2:] == [
        "  ✗ a good one & <its> name",
        "      policies/prod.test.yaml:7",
        "      expected allow, got deny",
        "      got: sbom: no SBOM is recorded",
        "1 passed, 1 failed",
    ]
    data = json.loads(RUNNER.invoke(tree(), ["policy", "test", "-o", "json"]).stdout)
    assert [test["passed"] for test in data["files"][0]["tests"]] == [True, False]
    assert data["files"][0]["tests"][1]["reasons"] == ["sbom: no SBOM is recorded"]
    done = RUNNER.invoke(tree(), ["policy", "test", "-o", "junit", "--output-file", "r.xml"])
    assert done.exit_code == 1
    suite = ElementTree.fromstring(Path("r.xml").read_text()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text == "expected allow, got deny; got: sbom: no SBOM is recorded"


def test_a_file_of_tests_can_name_its_policy(policies: Path) -> None:
    file = policies.parent / "elsewhere.yaml"
    file.write_text(TESTS.replace("tests:", "policy: policies/prod.yaml\ntests:"))
    assert "2 passed" in typed("test", "elsewhere.yaml")
    file.write_text(TESTS)
    with pytest.raises(NotFoundError, match=r"there is no gone\.yaml"):
        typed("test", "gone.yaml")


def test_no_tests_are_no_success(policies: Path) -> None:
    with pytest.raises(NotFoundError, match="there are no tests of policies in policies"):
        typed("test")


IN_ORDER = """\
schemaVersion: 1
tests:
  - name: in order
    image:
      scanned: 1h
      sbom:
        made: 1h
        elements:
          - {name: Version of the Component, total: 4}
          - {name: Other Unique Identifiers, total: 4}
      secrets: []
      config: {user: "1000", created_at: 3d}
      exploitation:
        kev: {kind: kev, published_at: 1d, recorded_at: 1d}
        known: []
    verdict: allow
"""
BAD = {
    "scanned: 1h": ("scanned: 8d", ready_names()),
    "config: {": (
        "findings: [{id: A, severity: critical, fixed: '2', first_seen: 15d}]\n      config: {",
        ready_names(),
    ),
    'user: "1000"': ("user: root", ("strict", "pci-like")),
    "secrets: []": ("secrets: [{rule: private-key, severity: high}]", ("strict", "pci-like")),
    "known: []": (
        "known: [{vulnerability_id: B}]\n      findings: [{id: B, severity: low}]",
        ("strict", "pci-like"),
    ),
    "created_at: 3d": ("created_at: 91d", ("pci-like",)),
    "Version of the Component, total: 4": (
        "Version of the Component, total: 4, missing: 1",
        ("pci-like",),
    ),
}


@pytest.mark.parametrize("name", ready_names())
def test_a_ready_policy_allows_an_image_in_order_and_denies_what_it_is_there_for(
    policies: Path, name: str
) -> None:
    (policies / "prod.yaml").write_text(
        f'schemaVersion: 1\nenvironment: prod\ninclude: ["builtin:{name}"]\n'
    )
    file = policies / "prod.test.yaml"
    file.write_text(IN_ORDER)
    assert "1 passed" in typed("test")
    for good, (bad, denying) in BAD.items():
        assert good in IN_ORDER
        text = IN_ORDER.replace(good, bad)
        file.write_text(text.replace("allow", "deny" if name in denying else "allow"))
        assert "1 passed" in typed("test"), good
