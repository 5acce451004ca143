"""What the rules about an image itself demand: its configuration, secrets, age, base and name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.model.decision import Decision, Outcome, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.evidence import PROVENANCE_PREDICATE, Build, EvidenceKind
from supplychain.model.image_config import Ancestor, Kinship, Variable
from supplychain.model.subject import Subject
from tests.kit.configured import BASE, SECRET, configured, make_config, make_configured
from tests.kit.policies import (
    ARM,
    ARM_SUBJECT,
    INDEX,
    OTHER_KEY,
    make_attestation,
    make_dossier,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT

DAY = timedelta(days=1)
JUST = timedelta(microseconds=1)
NONROOT = "image-config: {user: nonroot}"
NUMERIC = "image-config: {user: numeric}"
ALLOWED = r"base-image: {allowed: [{repository: registry\.test/base/.*}]}"
FORBIDDEN = r"base-image: {forbidden: [{repository: registry\.test/base/.*}]}"
BY_LABEL = ALLOWED.replace("]}", "], known_by: label}")
BY_KEY = ALLOWED.replace("]}", "], keys: [release.pub]}")


def judge(dossier: Dossier, *rules: str, after: timedelta = timedelta()) -> Decision:
    policy = make_policy(*rules)
    subject = dossier.subject
    return evaluate(dossier, policy, subject=subject, environment="prod", at=AT + after)


def reasons(dossier: Dossier, *rules: str, after: timedelta = timedelta()) -> list[str]:
    decision = judge(dossier, *rules, after=after)
    assert (decision.verdict is Verdict.ALLOW) == (not decision.violations)
    return [v.message for v in decision.violations]


def of_config(**changes: Any) -> Dossier:
    return configured(config=make_config(**changes))


class TestImageConfig:
    @pytest.mark.parametrize(
        "user",
        ["", "root", "0", "00", "+0", "-0", "0:1000", "root:app", ":1000", "4294967296", "-1"],
    )
    def test_root_is_refused_however_it_is_written(self, user: str) -> None:
        (reason,) = reasons(of_config(user=user), NONROOT)
        assert reason.startswith("it runs as ")
        assert reasons(of_config(user=user), NUMERIC) == [reason]

    @pytest.mark.parametrize("user", ["1", "65532:65532", "2147483647"])
    def test_anybody_else_is_not(self, user: str) -> None:
        assert reasons(of_config(user=user), NONROOT) == []
        assert reasons(of_config(user=user), NUMERIC) == []

    def test_a_name_is_no_number(self) -> None:
        named = of_config(user="nobody")
        assert reasons(named, NONROOT) == []
        assert reasons(named, NUMERIC) == ["it runs as user nobody, which is no number"]

    def test_a_pattern_takes_the_user_whole(self) -> None:
        rule = "image-config: {user: 'app(:app)?'}"
        assert reasons(of_config(user="app:app"), rule) == []
        assert reasons(of_config(user="app2"), rule) == ["it runs as user app2, not as app(:app)?"]

    @pytest.mark.parametrize(
        ("ports", "rule", "said"),
        [
            (("8080/tcp",), "{ports: [8080]}", []),
            (("8080/tcp", "8005/tcp"), "{ports: [8000-8099]}", []),
            (("8080/udp",), "{ports: [8080]}", ["it exposes 8080/udp, which is not allowed"]),
            (
                ("8000-9000/tcp",),
                "{ports: [8000-8099]}",
                ["it exposes 8000-9000/tcp, which is not allowed"],
            ),
            (("1023/tcp",), "{privileged_ports: false}", ["it exposes 1023/tcp, below 1024"]),
            (("1024/tcp",), "{privileged_ports: false}", []),
            (("http",), "{ports: [80]}", ["it exposes 'http', which is no port"]),
            (("http",), "{privileged_ports: false}", ["it exposes 'http', which is no port"]),
        ],
    )
    def test_ports(self, ports: tuple[str, ...], rule: str, said: list[str]) -> None:
        assert reasons(of_config(ports=ports), f"image-config: {rule}") == said

    @pytest.mark.parametrize(
        ("changes", "rule", "said"),
        [
            ({"volumes": ("/data",)}, "{volumes: false}", "it declares volumes: /data"),
            ({"healthcheck": False}, "{healthcheck: true}", "it has no health check"),
            ({"entrypoint": ()}, "{entrypoint: true}", "it has no entrypoint"),
            (
                {"environment": (Variable("TOKEN", "its name says so"),)},
                "{environment_secrets: false}",
                "its variable TOKEN looks like a secret: its name says so",
            ),
            (
                {"environment": (Variable("LD_PRELOAD"),)},
                "{environment_forbidden: ['LD_.*']}",
                "its variable LD_PRELOAD is forbidden",
            ),
            ({}, "{environment_required: [LANG]}", "it has no variable LANG"),
            ({}, "{labels: {licence: .+}}", "it has no label licence"),
            ({}, "{labels: {vendor: Acm}}", "its label vendor is 'Acme', not Acm"),
        ],
    )
    def test_what_else_may_be_wrong(self, changes: dict[str, Any], rule: str, said: str) -> None:
        assert reasons(of_config(**changes), f"image-config: {rule}") == [said]

    def test_all_is_well(self) -> None:
        rule = (
            "image-config: {user: nonroot, volumes: false, healthcheck: true, entrypoint: true, "
            "environment_secrets: false, environment_required: [PATH], labels: {vendor: 'A.*'}}"
        )
        decision = judge(configured(), rule)
        assert decision.verdict is Verdict.ALLOW
        assert decision.results[-1].summary == "runs as user 65532"
        assert [e.kind for e in decision.evidence] == [EvidenceKind.CONFIG]

    @pytest.mark.parametrize(
        "options",
        [
            "{}",
            "{healthcheck: false}",
            "{ports: [0]}",
            "{ports: [9-8]}",
            "{ports: [70000]}",
            "{labels: {}}",
            "{labels: {a: '('}}",
            "{environment_required: []}",
        ],
    )
    def test_what_demands_nothing_or_makes_no_sense_is_refused(self, options: str) -> None:
        with pytest.raises(PolicyError):
            make_policy(f"image-config: {options}")


class TestSecrets:
    def test_none_may_be_there(self) -> None:
        assert judge(configured(), "secrets: {}").results[-1].summary == "no secrets"
        decision = judge(configured(secrets=[SECRET]), "secrets: {}")
        (violation,) = decision.violations
        assert violation.message == "AWS Access Key ID in app/.env:3 (aws-access-key-id, critical)"
        assert "replace the secret" in violation.remedy

    @pytest.mark.parametrize(
        ("severity", "counts"),
        [("medium", False), ("high", True), ("critical", True), ("unknown", True), ("odd", True)],
    )
    def test_severity(self, severity: str, counts: bool) -> None:
        found = configured(secrets=[replace(SECRET, severity=severity)])
        assert bool(reasons(found, "secrets: {severity: high}")) == counts

    @pytest.mark.parametrize(
        ("allowed", "counts"),
        [
            (r"{path: app/\.env}", False),
            (r"{path: app/\.env, rule: aws-access-key-id}", False),
            (r"{path: app/\.env, rule: private-key}", True),
            ("{path: app}", True),
        ],
    )
    def test_what_is_allowed_is_shown(self, allowed: str, counts: bool) -> None:
        decision = judge(configured(secrets=[SECRET]), f"secrets: {{allowed: [{allowed}]}}")
        assert bool(decision.violations) == counts
        shown = "1 secret, allowed: aws-access-key-id in app/.env"
        assert (decision.results[-1].summary == shown) == (not counts)

    def test_to_allow_everything_is_refused(self) -> None:
        with pytest.raises(PolicyError, match="allows every secret"):
            make_policy("secrets: {allowed: [{path: '.*'}]}")


class TestAge:
    def test_it_is_young_enough_until_it_is_not(self) -> None:
        decision = judge(configured(), "age: {max: 7d}")
        assert decision.verdict is Verdict.ALLOW
        assert decision.results[-1].summary == "made 3 d ago"
        assert decision.holds_until == AT + 4 * DAY
        assert reasons(configured(), "age: {max: 7d}", after=4 * DAY + JUST) == [
            "it is 7 d old, limit 7 d"
        ]

    def test_it_has_to_cool_down(self) -> None:
        decision = judge(configured(), "age: {min: 3d, since: recorded}")
        (violation,) = decision.violations
        assert violation.message == "it is 1 d old, and has to be 3 d"
        assert violation.remedy == "wait until 2026-01-17T12:00:00+00:00"
        assert decision.holds_until == AT + 2 * DAY - JUST
        assert reasons(configured(), "age: {min: 3d, since: recorded}", after=2 * DAY) == []

    @pytest.mark.parametrize(
        "created",
        [None, datetime(1970, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)],
        ids=str,
    )
    def test_a_reproducible_image_counts_from_when_it_was_recorded(
        self, created: datetime | None
    ) -> None:
        dossier = of_config(created_at=created)
        assert reasons(dossier, "age: {max: 7d}") == ["it does not say when it was made"]
        assert reasons(dossier, "age: {max: 7d, since: recorded}") == []

    def test_the_oldest_and_the_youngest_platform_count(self) -> None:
        arm = make_configured(
            make_platform(ARM_SUBJECT, platform=ARM), config=make_config(created_at=AT - 9 * DAY)
        )
        both = make_dossier(make_configured(), arm, subject=INDEX)
        assert reasons(both, "age: {max: 7d}") == ["it is 9 d old, limit 7 d"]
        assert reasons(both, "age: {min: 5d}") == ["it is 3 d old, and has to be 5 d"]

    @pytest.mark.parametrize("options", ["{}", "{min: 3d, max: 2d}", "{max: 3d, since: ever}"])
    def test_what_demands_nothing_or_the_impossible_is_refused(self, options: str) -> None:
        with pytest.raises(PolicyError):
            make_policy(f"age: {options}")


def built(*images: Subject, **fields: Any) -> Dossier:
    """An image whose provenance names others, and of whose layers nothing is known."""
    build = Build("https://builder.test", "https://build.test/type", images=images)
    said = make_attestation(predicate_type=PROVENANCE_PREDICATE, build=build, **fields)
    return replace(configured(ancestors=()), attestations=(said,))


class TestBaseImage:
    def test_layers_of_an_allowed_image_suffice(self) -> None:
        decision = judge(configured(), ALLOWED)
        assert decision.verdict is Verdict.ALLOW
        assert decision.results[-1].summary == f"stands upon {BASE}"

    def test_any_image_further_down_may_be_the_allowed_one(self) -> None:
        above = Ancestor(Subject("elsewhere.test/x", Digest.of(b"x")), Kinship.LAYERS, 3)
        assert not reasons(
            configured(ancestors=[above, Ancestor(BASE, Kinship.LAYERS, 1)]), ALLOWED
        )
        (reason,) = reasons(configured(ancestors=[above]), ALLOWED)
        assert reason.endswith(f"a base that is allowed: {above.subject} by its layers")

    def test_what_is_not_known_is_not_allowed(self) -> None:
        (reason,) = reasons(configured(ancestors=()), ALLOWED)
        assert reason == (
            "it is not known to stand upon a base that is allowed, for none of its bases is on "
            "record"
        )

    def test_a_base_itself_is_allowed(self) -> None:
        dossier = replace(configured(ancestors=()), repositories=(BASE.name,))
        assert reasons(dossier, ALLOWED) == []

    def test_a_name_that_only_a_file_has_makes_no_base_of_it(self) -> None:
        """Whoever tags an image in a daemon, or names a folder, calls it what they like."""
        renamed = replace(configured(ancestors=()), names=(BASE.name,), repositories=())
        assert reasons(renamed, ALLOWED)
        below = [Ancestor(BASE, Kinship.LAYERS, local=True)]
        assert reasons(configured(ancestors=below), ALLOWED)
        # A digest means these bytes, whatever they are called; and a ban goes by any name.
        by_digest = f"base-image: {{allowed: [{{digest: '{BASE.digest}'}}]}}"
        assert reasons(configured(ancestors=below), by_digest) == []
        assert reasons(configured(ancestors=below), FORBIDDEN)

    def test_an_allowed_base_may_be_so_old(self) -> None:
        rule = f"base-image: {{allowed: [{{digest: '{BASE.digest}'}}], max_age: 60d}}"

        def upon(age: timedelta | None, **said: Any) -> Decision:
            made = None if age is None else AT - age
            base = Ancestor(BASE, Kinship.LAYERS, 2, created_at=made, **said)
            return judge(configured(ancestors=[base]), rule)

        young = upon(60 * DAY)
        assert young.verdict is Verdict.ALLOW
        assert young.results[-1].summary == f"stands upon {BASE}, 60 d old"
        assert young.holds_until == AT
        for age, said in (
            (61 * DAY, "61 d old"),
            (None, "of unknown age"),
            (-2 * DAY, "of unknown age"),
            (AT - datetime(1980, 1, 1, tzinfo=UTC), "of unknown age"),
        ):
            decision = upon(age)
            assert decision.verdict is Verdict.DENY
            (violation,) = decision.violations
            assert violation.message == (
                "it is not known to stand upon an allowed base that is younger than 60 d: "
                f"{BASE}, {said}"
            )

    def test_of_several_the_youngest_counts_and_no_other_proof_than_layers(self) -> None:
        rule = r"base-image: {allowed: [{repository: 'registry\.test/base/.*'}], max_age: 60d}"
        above = replace(BASE, name="registry.test/base/python", digest=Digest.of(b"upon it"))
        old = Ancestor(BASE, Kinship.LAYERS, 1, created_at=AT - 90 * DAY)
        new = Ancestor(above, Kinship.LAYERS, 2, created_at=AT - 9 * DAY)
        assert reasons(configured(ancestors=[new, old]), rule) == []
        assert reasons(configured(ancestors=[old]), rule)
        named = Ancestor(above, Kinship.LABEL, created_at=AT - 9 * DAY)
        assert reasons(configured(ancestors=[named, old]), rule)
        elsewhere = replace(configured(ancestors=[replace(new, local=True)]), repositories=())
        assert reasons(elsewhere, rule)

    @pytest.mark.parametrize("age", [59, 61])
    def test_a_base_itself_may_be_so_old(self, age: int) -> None:
        rule = r"base-image: {allowed: [{repository: 'registry\.test/.*'}], max_age: 60d}"
        config = make_config(created_at=AT - age * DAY)
        assert bool(reasons(configured(ancestors=(), config=config), rule)) == (age > 60)

    def test_a_label_counts_only_where_the_policy_says_so(self) -> None:
        dossier = configured(ancestors=[Ancestor(BASE, Kinship.LABEL)])
        assert reasons(dossier, ALLOWED)
        assert reasons(dossier, BY_LABEL) == []

    def test_provenance_counts_where_somebody_who_is_named_signed_it(self) -> None:
        assert reasons(built(BASE), BY_KEY) == []
        assert reasons(built(BASE), ALLOWED)
        assert reasons(built(BASE, key=OTHER_KEY), BY_KEY)
        assert reasons(built(), BY_KEY)
        elsewhere = built(BASE, subject=ARM_SUBJECT)
        assert reasons(elsewhere, BY_KEY)

    @pytest.mark.parametrize("kinship", Kinship)
    def test_a_forbidden_base_counts_however_it_is_known(self, kinship: Kinship) -> None:
        (reason,) = reasons(configured(ancestors=[Ancestor(BASE, kinship)]), FORBIDDEN)
        assert reason.startswith(f"it stands upon an image that is forbidden: {BASE}, by its ")

    def test_so_does_one_that_a_stranger_or_a_label_without_digest_names(self) -> None:
        assert reasons(built(BASE, key=OTHER_KEY), FORBIDDEN)
        name = ("org.opencontainers.image.base.name", f"{BASE.name}:12")
        config = make_config(annotations=(name,))
        (reason,) = reasons(configured(ancestors=(), config=config), FORBIDDEN)
        assert reason.endswith(f"{BASE.name}, by its labels")

    def test_a_digest_means_that_image_under_any_name(self) -> None:
        rule = f"base-image: {{forbidden: [{{digest: '{BASE.digest}'}}]}}"
        other = replace(BASE, name="mirror.test/debian")
        assert reasons(configured(ancestors=[Ancestor(other, Kinship.LAYERS)]), rule)
        assert reasons(configured(ancestors=()), rule) == []

    @pytest.mark.parametrize(
        "options",
        [
            "{}",
            "{allowed: [{}]}",
            "{allowed: [{repository: '('}]}",
            "{allowed: [{digest: 'sha256:12'}]}",
            "{allowed: [{repository: a}], known_by: layers, keys: [release.pub]}",
            "{forbidden: [{repository: a}], keys: [release.pub]}",
            "{forbidden: [{repository: a}], max_age: 30d}",
            "{allowed: [{repository: a}], max_age: 30d, known_by: label}",
            "{allowed: [{repository: a}], max_age: 30d, keys: [release.pub]}",
        ],
    )
    def test_what_makes_no_sense_is_refused(self, options: str) -> None:
        with pytest.raises(PolicyError):
            make_policy(f"base-image: {options}")


def test_an_expression_about_ancestors_has_them_read() -> None:
    (entry,) = make_policy("expression: {cel: 'size(ancestors) > 0'}").rules
    assert Need.ANCESTORS in entry.rule.needs
    assert reasons(configured(), "expression: {cel: 'size(ancestors) > 0'}") == []


class TestImages:
    @pytest.mark.parametrize("digest", [SUBJECT.digest, ARM_SUBJECT.digest, INDEX.digest])
    def test_a_digest_means_the_index_and_each_of_its_platforms(self, digest: Digest) -> None:
        arm = make_platform(ARM_SUBJECT, platform=ARM)
        index = make_dossier(make_platform(), arm, subject=INDEX)
        rule = f"images: {{digests: ['{digest}']}}"
        (reason,) = reasons(index, rule)
        assert str(digest) in reason
        # Of the platforms that do not run there, too.
        policy = make_policy(rule, platforms="linux/amd64")
        decision = evaluate(index, policy, subject=INDEX, environment="prod", at=AT)
        assert decision.verdict is Verdict.DENY

    def test_a_platform_of_a_forbidden_index_is_forbidden(self) -> None:
        child = replace(make_dossier(), indexes=(INDEX.digest,))
        (reason,) = reasons(child, f"images: {{digests: ['{INDEX.digest}']}}")
        assert reason.startswith("it belongs with ")
        assert reasons(make_dossier(), f"images: {{digests: ['{INDEX.digest}']}}") == []

    def test_a_repository_means_every_name_that_it_has_on_record(self) -> None:
        rule = r"images: {repositories: ['evil\.test/.*']}"
        renamed = replace(make_dossier(), names=(SUBJECT.name, "evil.test/shop"))
        assert reasons(renamed, rule) == ["images from evil.test/shop are never allowed"]
        assert reasons(make_dossier(), rule) == []

    def test_only_some_repositories_may_be_allowed(self) -> None:
        assert reasons(make_dossier(), r"images: {only: ['registry\.test/.*']}") == []
        (reason,) = reasons(make_dossier(), r"images: {only: ['registry\.test']}")
        assert reason.startswith("it is from none of the repositories that are allowed")

    def test_what_only_a_file_is_called_is_forbidden_and_never_allowed_by_it(self) -> None:
        called = replace(make_dossier(), names=(SUBJECT.name,), repositories=())
        (reason,) = reasons(called, r"images: {only: ['registry\.test/.*']}")
        assert reason == (
            "it is from none of the repositories that are allowed, for no registry is known to "
            "have it"
        )
        assert reasons(called, r"images: {repositories: ['registry\.test/.*']}")

    def test_it_denies_although_all_else_only_warns(self) -> None:
        dossier = make_dossier(make_platform(scan=None))
        decision = judge(
            dossier,
            "{vulnerabilities: {severity: critical}, warn: true}",
            f"images: {{digests: ['{SUBJECT.digest}']}}",
        )
        outcomes = [r.outcome for r in decision.results[-2:]]
        assert outcomes == [Outcome.WARNED, Outcome.VIOLATED]
        assert decision.verdict is Verdict.DENY

    @pytest.mark.parametrize("terms", ["warn: true", "warn_until: 2027-01-01T00:00:00Z"])
    def test_it_cannot_only_warn(self, terms: str) -> None:
        with pytest.raises(PolicyError, match="rule images cannot only warn"):
            make_policy(f"{{images: {{only: ['a']}}, {terms}}}")

    def test_what_demands_nothing_is_refused(self) -> None:
        with pytest.raises(PolicyError):
            make_policy("images: {}")
