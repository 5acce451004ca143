"""`vulndb pull`: a database out of a registry, proven, in force; and whose login it gets."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from tests.kit.cli import Desk
from tests.kit.registry import PASSWORD, USERNAME, RunningRegistry
from tests.kit.vulndb import publish, write_empty, write_sample, write_stale


@pytest.fixture
def repository(debian_registry: RunningRegistry) -> RegistryRepository:
    """A repository for databases that anyone may read."""
    return RegistryRepository(debian_registry.fresh(), RegistryOptions())


@pytest.fixture
def locked_repository(
    debian_registry_with_login: RunningRegistry, tmp_path: Path
) -> RegistryRepository:
    """A repository with the sample database, behind a login."""
    options = RegistryOptions(username=USERNAME, password=PASSWORD)
    repository = RegistryRepository(debian_registry_with_login.fresh(), options)
    publish(write_sample(tmp_path / "behind a login"), repository)
    return repository


def pullable(desk: Desk, desk_template: Desk) -> Desk:
    """A desk that has Trivy and no database."""
    trivy = {"SUPPLYCHAIN_TRIVY": desk_template.environ["SUPPLYCHAIN_TRIVY"]}
    return Desk(desk.folder, desk.environ | trivy)


def test_a_pulled_database_is_proven_and_in_force(
    bare_desk: Desk, desk_template: Desk, repository: RegistryRepository, tmp_path: Path
) -> None:
    desk = pullable(bare_desk, desk_template)
    publish(write_sample(tmp_path / "sample"), repository)

    done = desk.type("vulndb", "pull", "--db-repository", f"{repository.name}:2", "-o", "json")

    pulled = done.ended(0).json()
    assert {"debian 12", "npm", "pip"} <= set(pulled["proven"])
    assert f"pull      {repository.name}:2: proven for" not in done.stdout
    status = desk.type("vulndb", "status", "--output", "json").ended(0).json()
    assert status["digest"] == pulled["digest"]


def test_the_tag_is_that_of_the_schema_where_none_is_given(
    bare_desk: Desk, desk_template: Desk, repository: RegistryRepository, tmp_path: Path
) -> None:
    desk = pullable(bare_desk, desk_template)
    publish(write_sample(tmp_path / "sample"), repository, tag="2")
    desk.type("vulndb", "pull", SUPPLYCHAIN_DB_REPOSITORY=repository.name).ended(0)
    desk.type("vulndb", "status").ended(0)


def test_an_old_database_is_taken_and_said_to_be_too_old_for_scans(
    bare_desk: Desk, desk_template: Desk, repository: RegistryRepository, tmp_path: Path
) -> None:
    desk = pullable(bare_desk, desk_template)
    publish(write_stale(tmp_path / "stale"), repository)
    desk.type("vulndb", "pull", "--db-repository", f"{repository.name}:2").ended(0)
    status = desk.type("vulndb", "status").ended(1)
    assert "error: " in status.stderr
    assert "try: supplychain vulndb pull" in status.stderr


def test_an_empty_database_is_refused_and_the_old_one_stays(
    desk: Desk, repository: RegistryRepository, tmp_path: Path
) -> None:
    before = desk.type("vulndb", "status").ended(0).stdout.splitlines()[0]
    publish(write_empty(tmp_path / "empty"), repository)
    refused = desk.type("vulndb", "pull", "--db-repository", f"{repository.name}:2")
    refused.refused(1, "vulnerability database")
    assert desk.type("vulndb", "status").ended(0).stdout.splitlines()[0] == before


def test_the_login_for_images_does_not_go_to_the_databases_registry(
    bare_desk: Desk, desk_template: Desk, locked_repository: RegistryRepository
) -> None:
    desk = pullable(bare_desk, desk_template)
    pull = ("vulndb", "pull", "--db-repository", f"{locked_repository.name}:2")

    desk.type(
        *pull, SUPPLYCHAIN_REGISTRY_USERNAME=USERNAME, SUPPLYCHAIN_REGISTRY_PASSWORD=PASSWORD
    ).refused(1, "login")

    desk.type(*pull, "--registry-username", USERNAME, SUPPLYCHAIN_REGISTRY_PASSWORD=PASSWORD).ended(
        0
    )


def test_dockers_login_for_the_databases_registry_is_used(
    bare_desk: Desk, desk_template: Desk, locked_repository: RegistryRepository
) -> None:
    desk = pullable(bare_desk, desk_template)
    auth = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    auths = {locked_repository.name.partition("/")[0]: {"auth": auth}}
    (desk.home / ".docker").mkdir()
    (desk.home / ".docker" / "config.json").write_text(json.dumps({"auths": auths}))
    desk.type("vulndb", "pull", "--db-repository", f"{locked_repository.name}:2").ended(0)
