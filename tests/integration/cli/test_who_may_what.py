"""Tokens, rules of trust, members, organisations and the audit log, typed at the command line."""

from __future__ import annotations

import json

import pytest

from tests.kit.typist import Typist


def test_a_token_is_shown_once(typist: Typist) -> None:
    made = typist.type("tokens", "create", "ci-shop", "--role", "submitter", "--as", "alice")

    assert made.code == 0
    text = made.stdout.strip()
    assert text.startswith("sct_")
    assert "not shown again" in made.stderr
    listed = typist.type("tokens", "list")
    identifier = text.split("_")[1]
    assert f"{identifier}  alice  ci-shop  submitter in default" in listed.stdout
    assert text not in listed.stdout + typist.type("audit", "export").stdout


def test_a_token_as_data_and_its_end(typist: Typist) -> None:
    made = typist.type(
        "tokens", "create", "audit", "--role", "auditor", "--all-projects", "--expires", "30d",
        "--owner", "machine:siem", "-o", "json",
    ).json()  # fmt: skip
    assert (made["owner"], made["roles"], made["projects"]) == ("machine:siem", ["auditor"], None)
    assert made["token"].startswith(f"sct_{made['id']}_")

    assert typist.type("tokens", "revoke", made["id"]).code == 0

    assert typist.type("tokens", "list").stdout == ""
    [ended] = typist.type("tokens", "list", "--ended", "-o", "json").json()["tokens"]
    assert ended["state"] == "revoked"
    assert "token" not in ended
    again = typist.type("tokens", "revoke", made["id"])
    assert (again.code, "revoked already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--role", "root"], "'root' is no role"),
        (["--role", "viewer", "--project", "absent"], "no project 'absent'"),
        (["--role", "viewer", "--project", "default", "--all-projects"], "beside all of them"),
        (["--role", "admin", "--owner", "machine:ci"], "is a machine"),
        (["--role", "viewer", "--expires", "400d"], "366 days"),
        (["--role", "viewer", "--owner", "two words"], "cannot name anybody"),
    ],
)
def test_a_token_that_nobody_should_have_is_refused(
    typist: Typist, arguments: list[str], told: str
) -> None:
    refused = typist.type("tokens", "create", "x", *arguments)
    assert refused.code in {1, 2}
    assert told in refused.stderr
    assert typist.type("tokens", "list", "--ended").stdout == ""


def test_jobs_are_trusted_by_what_their_tokens_say(typist: Typist) -> None:
    added = typist.type(
        "trust", "add", "shop", "--issuer", "https://gitlab.example",
        "--claim", "project_id=42", "--claim", "project_id=43", "--claim", "ref_protected=true",
        "--role", "submitter", "--lifetime", "5m",
    )  # fmt: skip
    assert added.code == 0
    assert "  project_id = 42 or 43\n  ref_protected = true\n" in added.stdout
    [rule] = typist.type("trust", "list", "-o", "json").json()["rules"]
    assert rule["claims"] == {"project_id": ["42", "43"], "ref_protected": ["true"]}
    assert rule["lifetime_seconds"] == 300

    assert typist.type("trust", "remove", "shop").code == 0
    assert typist.type("trust", "list").stdout == ""


def test_a_rule_for_everybodys_jobs_is_refused(typist: Typist) -> None:
    refused = typist.type(
        "trust", "add", "x", "--issuer", "https://token.actions.githubusercontent.com",
        "--claim", "environment=prod", "--role", "submitter",
    )  # fmt: skip
    assert refused.code == 2
    assert "nothing says whose may come" in refused.stderr
    assert "--claim repository_id=" in refused.stderr


def test_members_come_change_and_go(typist: Typist) -> None:
    login = ["--issuer", "https://login.example"]
    added = typist.type(
        "members", "add", "alice", *login, "--email", "A@b.example", "--role", "submitter"
    )
    assert added.code == 0
    changed = typist.type(
        "members", "change", "alice", "--role", "auditor", "--role", "viewer", "--all-projects"
    )
    assert "alice  auditor, viewer in every project" in changed.stdout
    [member] = typist.type("members", "list", "-o", "json").json()["members"]
    assert (member["email"], member["subject"]) == ("a@b.example", None)
    assert typist.type("members", "remove", "alice").code == 0
    assert typist.type("members", "remove", "alice").code == 1


def test_organisations_have_projects_and_logs_of_their_own(
    typist: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typist.type("organisations", "create", "bank").code == 0
    assert typist.type("projects", "create", "shop").code == 0
    assert typist.type("organisations", "list").stdout == "bank  default\ndefault  default, shop\n"
    monkeypatch.setenv("SUPPLYCHAIN_ORGANISATION", "bank")
    assert typist.type("projects", "list").stdout == "default\n"
    assert "shop" not in typist.type("audit", "list").stdout
    monkeypatch.setenv("SUPPLYCHAIN_PROJECT", "shop")
    missing = typist.type("images", "list")
    assert (missing.code, "no project 'shop'" in missing.stderr) == (1, True)


def test_the_log_names_who_did_what_by_which_command(typist: Typist) -> None:
    typist.type("projects", "create", "shop", "--as", "alice")
    typist.type("tokens", "create", "x", "--role", "viewer", "--as", "bob")

    newest, first = typist.type("audit", "list", "-o", "json").json()["events"]

    assert (first["who"], first["what"], first["about"]) == ("alice", "project.created", "shop")
    assert first["from_where"].startswith("command line on ")
    assert first["through"] == "supplychain projects create"
    assert (newest["who"], newest["before"]) == ("bob", None)
    assert newest["after"]["roles"] == ["viewer"]
    told = typist.type("audit", "list", "--who", "alice", "--since", "1h").stdout
    assert "alice  project.created  shop" in told
    assert "bob" not in told


def test_a_log_that_somebody_changed_is_no_log(typist: Typist) -> None:
    for name in ("a", "b", "c"):
        typist.type("projects", "create", name)
    whole = typist.type("audit", "verify")
    assert (whole.code, "whole  3 events" in whole.stdout) == (0, True)
    head = typist.type("audit", "verify", "-o", "json").json()["newest"]["link"]
    assert typist.type("audit", "verify", "--link", head).code == 0

    typist.sql("DROP TRIGGER audit_events_no_update")
    typist.sql("UPDATE audit_events SET who = 'eve' WHERE sequence = 2")

    broken = typist.type("audit", "verify")
    assert broken.code == 1
    assert "BROKEN  number 2: it was changed after it was written" in broken.stdout
    assert "not as it was written" in broken.stderr


def test_the_whole_log_goes_into_a_file_line_by_line(typist: Typist) -> None:
    for name in ("a", "b"):
        typist.type("projects", "create", name)
    assert typist.type("audit", "export", "--output-file", "log.jsonl").code == 0
    lines = (typist.folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["about"] for line in lines] == ["a", "b"]
