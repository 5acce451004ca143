"""Settings: precedence, origins, and what a project's file may not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from supplychain.errors import ConfigurationError
from supplychain.settings import SETTINGS, Settings


def settings(
    tmp_path: Path,
    *,
    flags: dict[str, str | None] | None = None,
    environ: dict[str, str] | None = None,
    project: str | None = None,
    user: str | None = None,
) -> Settings:
    here = tmp_path / "project" / "deep" / "down"
    here.mkdir(parents=True, exist_ok=True)
    if project is not None:
        (tmp_path / "project" / "supplychain.toml").write_text(project)
    user_file = tmp_path / "user.toml"
    if user is not None:
        user_file.write_text(user)
    return Settings(flags or {}, environ or {}, here, user_file)


def test_a_flag_wins_over_the_environment_over_the_project_over_the_user(tmp_path: Path) -> None:
    project, user = 'project = "from-project"', 'project = "from-user"'
    environ = {"SUPPLYCHAIN_PROJECT": "from-environment"}
    flags: dict[str, str | None] = {"project": "from-flag"}

    everything = settings(tmp_path, flags=flags, environ=environ, project=project, user=user)
    assert everything.value("project").text == "from-flag"
    assert everything.value("project").origin == "flag"
    no_flag = settings(tmp_path, environ=environ, project=project, user=user)
    assert no_flag.value("project").text == "from-environment"
    assert no_flag.value("project").origin == "environment SUPPLYCHAIN_PROJECT"
    only_files = settings(tmp_path, project=project, user=user)
    assert only_files.value("project").text == "from-project"
    assert only_files.value("project").origin.endswith("project/supplychain.toml")
    (tmp_path / "project" / "supplychain.toml").unlink()
    assert settings(tmp_path, user=user).value("project").text == "from-user"


def test_what_nobody_sets_has_its_default_or_is_not_set(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.value("project").text, found.value("project").origin) == ("default", "default")
    assert (found.value("key").text, found.value("key").origin) == (None, "not set")
    assert found.database_url == f"sqlite:///{found.data_dir}/supplychain.db"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert settings(tmp_path, environ={"SUPPLYCHAIN_PROJECT": ""}).text("project") == "default"


def test_the_databases_url_can_be_mounted(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://somebody:secret@database/record\n")
    environ = {"SUPPLYCHAIN_DATABASE_FILE": str(tmp_path / "url")}
    found = settings(tmp_path, environ=environ)
    assert found.database_url == "postgresql://somebody:secret@database/record"
    assert "secret" not in found.value("database").shown
    environ["SUPPLYCHAIN_DATABASE"] = "sqlite:///nearer.db"
    assert settings(tmp_path, environ=environ).database_url == "sqlite:///nearer.db"


def test_a_relative_path_in_a_file_is_relative_to_that_file(tmp_path: Path) -> None:
    found = settings(tmp_path, project='policies = "gates"')
    assert found.policy_file("prod") == tmp_path / "project" / "gates" / "prod.yaml"


def test_cosigns_own_variable_is_read_after_ours(tmp_path: Path) -> None:
    cosign = {"COSIGN_PASSWORD": "theirs"}
    assert settings(tmp_path, environ=cosign).text("key_password") == "theirs"
    both = cosign | {"SUPPLYCHAIN_KEY_PASSWORD": "ours"}
    assert settings(tmp_path, environ=both).text("key_password") == "ours"


def test_a_secret_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    environ = {"SUPPLYCHAIN_KEY_PASSWORD_FILE": str(tmp_path / "password")}
    value = settings(tmp_path, environ=environ).value("key_password")
    assert value.text == "hunter2"
    assert "hunter2" not in value.shown + value.origin


def test_our_file_wins_over_cosigns_variable(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("ours")
    environ = {
        "SUPPLYCHAIN_KEY_PASSWORD_FILE": str(tmp_path / "password"),
        "COSIGN_PASSWORD": "theirs",
    }
    assert settings(tmp_path, environ=environ).text("key_password") == "ours"


def test_a_secret_file_that_is_not_there_is_an_error_not_an_empty_secret(tmp_path: Path) -> None:
    environ = {"SUPPLYCHAIN_KEY_PASSWORD_FILE": str(tmp_path / "absent")}
    with pytest.raises(ConfigurationError, match="SUPPLYCHAIN_KEY_PASSWORD_FILE names"):
        settings(tmp_path, environ=environ).text("key_password")


@pytest.mark.parametrize("name", ["key_password", "database"])
def test_a_file_with_nothing_in_it_is_an_error_and_not_the_default(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "mounted").write_text("\n")
    environ = {f"SUPPLYCHAIN_{name.upper()}_FILE": str(tmp_path / "mounted")}
    with pytest.raises(ConfigurationError, match="which is empty"):
        settings(tmp_path, environ=environ).text(name)


def test_a_password_in_a_database_url_is_masked(tmp_path: Path) -> None:
    environ = {"SUPPLYCHAIN_DATABASE": "postgresql://me:s3cret@db.example/x"}
    shown = settings(tmp_path, environ=environ).value("database").shown
    assert shown == "postgresql://me:********@db.example/x"


@pytest.mark.parametrize("name", [s.name for s in SETTINGS if s.trusted_only])
def test_a_projects_file_may_not_name_programs_or_lower_trust(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"may not set {name}"):
        settings(tmp_path, project=f'{name} = "evil"').text(name)
    (tmp_path / "project" / "supplychain.toml").unlink()
    assert settings(tmp_path, user=f'{name} = "mine"').text(name)


@pytest.mark.parametrize("name", [s.name for s in SETTINGS if s.secret])
def test_no_file_may_hold_a_secret(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, user=f'{name} = "hunter2"').text(name)
    assert "hunter2" not in str(caught.value)
    assert f"SUPPLYCHAIN_{name.upper()}_FILE" in (caught.value.hint or "")


def test_an_unknown_setting_names_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'databse', which is not") as caught:
        settings(tmp_path, project='databse = "x"').text("database")
    assert caught.value.hint == "did you mean 'database'?"


@pytest.mark.parametrize("text", ["= 1", "project = 3", 'project = ""', "project = [1]", "\x00"])
def test_a_file_that_does_not_read_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        settings(tmp_path, project=text).text("project")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("24h", 86400), ("7d", 604800)]
)
def test_durations(tmp_path: Path, text: str, seconds: int) -> None:
    assert settings(tmp_path, flags={"scan_timeout": text}).duration("scan_timeout") == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1h", "1.5h", "h", "10", "1w", "١s٢"])
def test_what_is_no_duration_is_refused_with_its_origin(tmp_path: Path, text: str) -> None:
    found = settings(tmp_path, flags={"scan_timeout": text or " "})
    with pytest.raises(ConfigurationError, match="not a duration") as caught:
        found.duration("scan_timeout")
    assert caught.value.because == "it comes from flag"


@pytest.mark.parametrize("text", ["1_0", "+5", "٣", "1e2", "0x10", "5.0", "9" * 5000])
def test_a_number_is_written_in_digits(tmp_path: Path, text: str) -> None:
    found = settings(tmp_path, environ={"SUPPLYCHAIN_RATE_LIMIT": text})
    with pytest.raises(ConfigurationError, match="not a number from 1 on"):
        found.count("rate_limit")


def test_sizes(tmp_path: Path) -> None:
    assert (
        settings(tmp_path, flags={"max_unpacked_size": "2MiB"}).size("max_unpacked_size") == 2**21
    )
    with pytest.raises(ConfigurationError, match="not a size"):
        settings(tmp_path, flags={"max_unpacked_size": "2MB"}).size("max_unpacked_size")


@pytest.mark.parametrize("text", ["3651d", "99999999999d"])
def test_a_duration_that_no_clock_can_count_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="more than anyone needs"):
        settings(tmp_path, flags={"db_max_age": text}).duration("db_max_age")


def test_the_home_of_nobody_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="~nobody-at-all/policies"):
        settings(tmp_path, flags={"policies": "~nobody-at-all/policies"}).path("policies")


def test_lists_by_comma_or_as_toml_arrays(tmp_path: Path) -> None:
    environ = {"SUPPLYCHAIN_INSECURE_REGISTRY": "a:5000, b"}
    assert settings(tmp_path, environ=environ).names("insecure_registry") == ("a:5000", "b")
    user = 'insecure_registry = ["c", "d"]'
    assert settings(tmp_path, user=user).names("insecure_registry") == ("c", "d")


@pytest.mark.parametrize(
    "reference", ["hashivault://release", "env://KEY", "awskms:///alias/release", "k8s://ci/keys"]
)
def test_a_key_reference_in_a_file_stays_as_it_is(tmp_path: Path, reference: str) -> None:
    assert settings(tmp_path, project=f'key = "{reference}"').text("key") == reference


@pytest.mark.parametrize(
    "reference",
    [
        "pkcs11:token=t;object=k?module-path=/tmp/evil.so",
        "awskms://evil.example/alias/release",
        "azurekms://evil.example/release",
    ],
)
def test_a_project_may_not_bring_a_library_or_a_host_for_keys(
    tmp_path: Path, reference: str
) -> None:
    with pytest.raises(ConfigurationError, match="may not name this key"):
        settings(tmp_path, project=f'key = "{reference}"').text("key")
    (tmp_path / "project" / "supplychain.toml").unlink()
    assert settings(tmp_path, user=f'key = "{reference}"').text("key") == reference


def test_all_that_are_made_from_the_same_settings_read_its_files_once(tmp_path: Path) -> None:
    found = settings(tmp_path, project='project = "one"')
    assert found.to_serve().text("project") == "one"
    (tmp_path / "project" / "supplychain.toml").write_text("an edit that is half done")
    for same in (found, found.to_serve(), found.but(key="k"), found.to_serve().but(key="k")):
        assert same.text("project") == "one"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        settings(tmp_path).text("project")
