"""Policy documents: what is read, and that what is wrong is named with its place and the cure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError, NotFoundError, PolicyError
from supplychain.gate.document import load_policy
from supplychain.gate.durations import parse_duration, span, write_duration
from supplychain.gate.policy import Policy
from supplychain.gate.rules import RULES as ALL_RULES
from supplychain.gate.rules.freshness import Freshness
from supplychain.gate.rules.sbom import SbomPresent
from supplychain.gate.rules.signature import Signature
from supplychain.gate.rules.vulnerabilities import Vulnerabilities
from supplychain.gate.yaml_text import SIZE_LIMIT
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform
from tests.kit.policies import RELEASE_KEY, fingerprint, load, make_policy, read_key

WHOLE = """\
schemaVersion: 1
environment: prod
description: What runs where customers are.
platforms: [linux/amd64, linux/arm/v7]
rules:
  - signature: {keys: [keys/release.pub]}
  - sbom: {}
  - freshness: {scan: 24h, database: 48h}
  - vulnerabilities: {severity: critical}
  - vulnerabilities:
      severity: high
      fixable: true
      grace: 7d
"""
HEAD = "schemaVersion: 1\nenvironment: prod\n"
RULES = f"{HEAD}rules:\n"
KNOWN = ", ".join(ALL_RULES)


def read(path: str) -> bytes:
    """Keys by path: one is missing, one private, one broken, every other a key."""
    if path == "gone.pub":
        raise NotFoundError("there is no gone.pub", hint="supplychain keys generate")
    return {"private.key": b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"}.get(
        path, b"broken" if path == "broken.pub" else read_key(path)
    )


def read_fingerprint(key: bytes) -> str:
    if b"broken" in key:
        raise InputError("nonsense", hint="give a PEM")
    return fingerprint(key)


def problems(document: str | bytes) -> list[str]:
    data = document.encode() if isinstance(document, str) else document
    with pytest.raises(PolicyError) as caught:
        load_policy(data, source="p.yaml", read_key=read, fingerprint=read_fingerprint)
    error = caught.value
    assert error.hint == "correct it, then: supplychain policy check p.yaml"
    others = (error.because or "").partition("more: ")[2]
    return [str(error), *(others.split(" · ") if others else [])]


def test_every_rule_and_option_is_read() -> None:
    policy = load(WHOLE)
    assert policy.environment == "prod"
    assert policy.description == "What runs where customers are."
    assert policy.platforms == (Platform("linux", "amd64"), Platform("linux", "arm", "v7"))
    signature, *others = (entry.rule for entry in policy.rules)
    assert isinstance(signature, Signature)
    assert [(k.name, k.fingerprint) for k in signature.keys] == [
        ("keys/release.pub", fingerprint(RELEASE_KEY))
    ]
    assert others == [
        SbomPresent(),
        Freshness(scan=timedelta(days=1), database=timedelta(days=2)),
        Vulnerabilities(Severity.CRITICAL),
        Vulnerabilities(Severity.HIGH, fixable=True, grace=timedelta(days=7)),
    ]


def test_the_canonical_form_is_the_same_policy_whatever_the_layout() -> None:
    policy = load(WHOLE)
    again = load(policy.canonical().decode())
    assert again == policy
    assert again.canonical() == policy.canonical()
    laid_out_otherwise = WHOLE.replace("24h", "1d").replace(
        "{severity: critical}", "{severity: 'critical'}"
    )
    assert load(laid_out_otherwise + "# a comment\n").digest == policy.digest
    assert load(WHOLE.replace("24h", "25h")).digest != policy.digest
    assert load(WHOLE.replace("release", "other")).digest != policy.digest


def test_keys_can_be_written_into_the_policy() -> None:
    inline = RELEASE_KEY.decode().replace("\n", "\n          ")
    policy = load(f"{RULES}  - signature:\n      keys:\n        - |\n          {inline}\n")
    (rule,) = (entry.rule for entry in policy.rules)
    assert isinstance(rule, Signature)
    assert rule.keys[0].fingerprint == fingerprint(RELEASE_KEY)
    assert str(rule.keys[0]) == f"key {fingerprint(RELEASE_KEY)[7:19]}"
    assert load(policy.canonical().decode()) == policy


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            RULES + "  - vulnerabilites: {severity: high}",
            "4:5: 'vulnerabilites' is not a rule; did you mean vulnerabilities?",
        ),
        (
            RULES + "  - wishes: {}",
            (f"4:5: 'wishes' is not a rule; one of {KNOWN}"),
        ),
        (
            RULES + "  - vulnerabilities: {severty: high}",
            "4:23: rule vulnerabilities knows no 'severty'; did you mean severity?",
        ),
        (
            RULES + "  - vulnerabilities: {}",
            (
                "4:22: vulnerabilities demands nothing; "
                "it needs severity, cvss, epss, epss_percentile, kev or unexamined: true"
            ),
        ),
        (
            RULES + "  - vulnerabilities: {severity: hihg}",
            "4:33: 'hihg' is not a severity; did you mean high?",
        ),
        (
            RULES + "  - vulnerabilities: {severity: unknown}",
            "4:33: 'unknown' is not a severity; one of negligible, low, medium, high, critical",
        ),
        (
            RULES + "  - vulnerabilities: {severity: [high]}",
            "4:33: expected a severity, found a list",
        ),
        (
            RULES + "  - vulnerabilities: {severity: low, severity: high}",
            "4:38: 'severity' is given twice",
        ),
        (
            RULES + "  - vulnerabilities: {severity: high, fixable: yes}",
            "4:48: 'yes' is not true or false; one of true, false",
        ),
        (
            RULES + "  - vulnerabilities: {severity: high, grace: -7d}",
            "4:46: '-7d' is not a duration; write it as 90s, 15m, 24h or 7d",
        ),
        (
            RULES + "  - freshness: {scan: 24}",
            "4:23: '24' is not a duration; write it as 90s, 15m, 24h or 7d",
        ),
        (
            RULES + "  - freshness: {scan: 0h}",
            "4:23: 0h is no time at all; leave the option out to do without it",
        ),
        (
            RULES + "  - freshness: {scan: 4000d}",
            "4:23: 4000d is more than ten years; at most 3650d",
        ),
        (RULES + "  - freshness: {scan: }", "4:23: expected a duration, found nothing"),
        (
            RULES + "  - freshness: {}",
            (
                "4:16: freshness demands nothing; "
                "give it scan, database, epss, kev or several: {scan: 24h}"
            ),
        ),
        (RULES + "  - freshness: [scan]", "4:16: rule freshness takes a mapping, found a list"),
        (RULES + "  - sbom", "4:5: rule sbom has no options; write sbom: {} to take it as it is"),
        (RULES + "  - sbom:", "4:5: rule sbom has no options; write sbom: {} to take it as it is"),
        (
            RULES + "  - signature:",
            (
                "4:5: rule signature has no options; "
                "give it keys, identities, any_of or all_of: {keys: [release.pub]}"
            ),
        ),
        (
            RULES + "  - vulnerabilities:\n    severity: high",
            (
                "5:5: 'severity' stands beside rule vulnerabilities, and each item of the "
                "list is one rule; "
                "indent it below vulnerabilities"
            ),
        ),
        (
            RULES + "  - sbom: {}\n    signature: {keys: [a.pub]}",
            (
                "5:5: 'signature' stands beside rule sbom, and each item of the list is one rule; "
                "begin a new item with -"
            ),
        ),
        (
            RULES + "  - {}",
            (f"4:5: expected a rule, found a mapping; one of {KNOWN}"),
        ),
        (
            RULES + "  - ? [a]\n    : b",
            (f"4:7: a list is not a rule; one of {KNOWN}"),
        ),
        (RULES + "  - signature: {keys: []}", "4:23: the list is empty; name at least one"),
        (
            RULES + "  - signature: {keys: release.pub}",
            "4:23: expected a list, found 'release.pub'",
        ),
        (
            RULES + "  - signature: {keys: [gone.pub]}",
            "4:24: there is no gone.pub; supplychain keys generate",
        ),
        (
            RULES + "  - signature: {keys: [broken.pub]}",
            "4:24: broken.pub is not a public key: nonsense; give a PEM",
        ),
        (
            RULES + "  - signature: {keys: [private.key]}",
            (
                "4:24: private.key is a private key, and a policy is no place for one; "
                "name the public key that was written beside it (.pub)"
            ),
        ),
        (
            RULES + "  - signature: {keys: [{name: a}]}",
            (
                "4:24: a key is given by one of 'file' and 'pem'; "
                "file: release.pub; or pem, and name for what to call it"
            ),
        ),
        (
            RULES + "  - signature: {keys: [{file: a.pub, not_after: 2026-12-01}]}",
            "4:49: '2026-12-01' is not an instant; write 2026-12-01T00:00:00Z",
        ),
        (
            RULES + "  - signature: {keys: [a.pub, {file: a.pub, revoked: true}]}",
            "4:23: a.pub is the same key as a.pub; name each key once",
        ),
        (
            HEAD + "rules: []",
            (
                "3:8: there is no rule, and a policy without rules would allow everything; "
                f"one of {KNOWN}"
            ),
        ),
        (HEAD + "rules: {sbom: {}}", "3:8: expected a list of rules, found a mapping"),
        (HEAD, "1:1: the policy needs 'rules'"),
        (HEAD + "rule:\n  - sbom: {}", "3:1: the policy knows no 'rule'; did you mean rules?"),
        (HEAD + "[a]: b\nrules:\n  - sbom: {}", "3:1: a key is one word, found a list"),
        (
            HEAD + "platforms: [linux]\nrules:\n  - sbom: {}",
            "3:13: 'linux' is not a platform; write it as linux/amd64 or linux/arm/v7",
        ),
        (
            "schemaVersion: 1\nenvironment: prod/eu\nrules:\n  - sbom: {}",
            (
                "2:14: 'prod/eu' cannot name an environment; "
                "letters, digits, dots, dashes and underscores, at most 63"
            ),
        ),
        ("environment: prod", "1:1: the policy needs 'schemaVersion'; schemaVersion: 1"),
        (
            "schemaVersion: 2\nnew: 1",
            (
                "1:16: schemaVersion 2 is not known to this supplychain; "
                "it reads 1; a newer document needs a newer supplychain"
            ),
        ),
        ("schemaVersion: '1'", "1:16: expected a number, found '1'; schemaVersion: 1"),
        ("schemaVersion: 1\nschemaVersion: 1", "2:1: 'schemaVersion' is given twice"),
        ("- sbom", "1:1: a policy is a mapping, found a list"),
        ("", "1:1: the document is empty; a policy needs at least one rule"),
        ("# nothing yet\n", "1:1: the document is empty; a policy needs at least one rule"),
        (
            HEAD + "rules:\n\t- sbom: {}",
            (
                "4:1: not YAML: found character that cannot start any token; "
                "indent with spaces, not with tabs"
            ),
        ),
        (
            HEAD + "rules: [sbom",
            "4:1: not YAML: did not find expected ',' or ']'",
        ),
        (HEAD + "rules: a: b", "3:9: not YAML: mapping values are not allowed in this context"),
        (
            HEAD + "rules: &r []\nplatforms: *r",
            "4:12: aliases (*r) are not accepted; write the value out",
        ),
        (
            HEAD + "rules: !!python/object:os.system []",
            (
                "3:8: tags (tag:yaml.org,2002:python/object:os.system) are not accepted; "
                "leave the tag out"
            ),
        ),
        (
            HEAD + "---\n" + HEAD,
            "3:1: a second document begins here, and a policy is one; one file per environment",
        ),
        ("[" * 5000, "1:17: nested deeper than 16 levels"),
        (HEAD + 'description: "\\0"', "3:14: the text contains control characters"),
        (HEAD + "description: \x07", "3:14: not YAML: it contains U+0007"),
        (
            HEAD.encode() + "é: ".encode() + b"\xff",
            "3:4: not UTF-8 text; save the file as UTF-8",
        ),
        (
            "#" * (SIZE_LIMIT + 1),
            "1:1: 262145 bytes are too many, the limit is 262144",
        ),
    ],
)
def test_what_is_wrong_is_named(document: str | bytes, expected: str) -> None:
    assert problems(document) == [f"p.yaml:{expected}"]


def test_all_problems_are_reported_together_in_the_order_of_the_document() -> None:
    document = (
        f"{RULES}  - sbim: {{}}\n  - signature: {{key: [a.pub]}}\n  - freshness: {{scan: 1}}\n"
    )
    assert problems(document) == [
        "p.yaml:4:5: 'sbim' is not a rule; did you mean sbom?",
        "p.yaml:5:17: rule signature knows no 'key'; did you mean keys?",
        "p.yaml:6:23: '1' is not a duration; write it as 90s, 15m, 24h or 7d",
    ]


def test_a_policy_without_rules_cannot_be_made() -> None:
    with pytest.raises(PolicyError, match="no rules"):
        Policy(environment="prod", rules=())


def test_trailing_space_and_line_ends_of_a_key_do_not_change_the_policy() -> None:
    crlf = load_policy(
        f"{RULES}  - signature: {{keys: [release.pub]}}".encode(),
        source="p.yaml",
        read_key=lambda _path: RELEASE_KEY.replace(b"\n", b" \r\n") + b"\n",
        fingerprint=fingerprint,
    )
    assert crlf == make_policy("signature: {keys: [release.pub]}")


def test_a_byte_order_mark_is_no_problem() -> None:
    assert load("\ufeff" + WHOLE) == load(WHOLE)


@given(st.binary(max_size=200) | st.text(alphabet="[]{}:,-&*!|>'\"# \n\tab0", max_size=60))
def test_no_bytes_make_anything_but_a_policy_or_a_policy_error(document: bytes | str) -> None:
    data = document.encode() if isinstance(document, str) else HEAD.encode() + document
    with pytest.raises(PolicyError, match=r"^p\.yaml:\d+:\d+: "):
        load_policy(data, source="p.yaml", read_key=read_key, fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("text", "people"),
    [("90s", "1 min 30 s"), ("15m", "15 min"), ("24h", "1 d"), ("36h", "1 d 12 h"), ("7d", "7 d")],
)
def test_durations_are_read_shown_and_written_back(text: str, people: str) -> None:
    duration = parse_duration(text)
    assert span(duration) == people
    assert parse_duration(write_duration(duration)) == duration


def test_spans_show_two_neighbouring_units_and_never_a_negative_one() -> None:
    assert span(timedelta(days=3, seconds=5)) == "3 d"
    assert span(timedelta(hours=2, minutes=3, seconds=4)) == "2 h 3 min"
    assert span(timedelta(seconds=-5)) == "0 s"
