from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from supplychain.errors import InputError, VerificationError
from supplychain.model.digest import Digest
from supplychain.model.evidence import Producer
from supplychain.model.subject import Platform, Subject
from supplychain.sbom.cyclonedx import SpecVersion, content_digest, make
from supplychain.sbom.purls import group_and_name, image_purl
from supplychain.sbom.schema import validate
from tests.kit.sboms import IMAGE, SERIAL, TOOL, changed, make_sbom
from tests.kit.scans import (
    AT,
    CONFIG,
    LAYERS,
    OPERATING_SYSTEM,
    SUBJECT,
    TRIVY,
    make_component,
    make_scan,
    realistic_components,
)

COMPONENTS = (OPERATING_SYSTEM, *realistic_components(40))


def component(document: bytes, name: str) -> dict[str, Any]:
    (found,) = (c for c in orjson.loads(document)["components"] if c["name"] == name)
    made: dict[str, Any] = found
    return made


def properties(of: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in of["properties"]}


@pytest.mark.parametrize("spec_version", ["1.6", "1.7"])
def test_document_declares_its_version_and_is_valid(spec_version: SpecVersion) -> None:
    document = make_sbom(COMPONENTS, spec_version=spec_version)
    parsed = orjson.loads(document)

    assert parsed["specVersion"] == spec_version
    assert parsed["$schema"] == f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json"
    assert parsed["serialNumber"] == f"urn:uuid:{SERIAL}"
    assert parsed["metadata"]["timestamp"] == "2026-01-15T12:00:00Z"
    assert len(parsed["components"]) == len(COMPONENTS)
    assert document.endswith(b"}\n")
    validate(document)


def test_image_is_named_by_its_digest() -> None:
    image = orjson.loads(make_sbom())["metadata"]["component"]

    assert image["type"] == "container"
    assert image["name"] == SUBJECT.name
    assert image["version"] == str(SUBJECT.digest)
    assert image["hashes"] == [{"alg": "SHA-256", "content": SUBJECT.digest.hex}]
    assert image["purl"] == image["bom-ref"]
    assert PackageURL.from_string(image["purl"]).version == str(SUBJECT.digest)


def test_image_tells_platform_config_and_every_layer_in_order() -> None:
    told = properties(orjson.loads(make_sbom())["metadata"]["component"])

    assert told["supplychain:image:platform"] == "linux/amd64"
    assert told["supplychain:image:config"] == str(CONFIG)
    for number, (digest, diff_id) in enumerate(LAYERS):
        assert told[f"supplychain:image:layer:{number}:digest"] == str(digest)
        assert told[f"supplychain:image:layer:{number}:diff_id"] == str(diff_id)


def test_tools_name_the_scanner_with_the_digest_of_its_binary_and_this_program() -> None:
    assert TRIVY.digest is not None
    assert orjson.loads(make_sbom())["metadata"]["tools"]["components"] == [
        {
            "type": "application",
            "group": "aquasecurity",
            "name": "trivy",
            "version": TRIVY.version,
            "hashes": [{"alg": "SHA-256", "content": TRIVY.digest.hex}],
        },
        {"type": "application", "name": "supplychain", "version": "0.1.0"},
    ]


def test_author_is_named_only_where_one_is_given() -> None:
    assert "manufacturer" not in orjson.loads(make_sbom())["metadata"]
    metadata = orjson.loads(make_sbom(author="Example Ltd"))["metadata"]
    assert metadata["manufacturer"] == {"name": "Example Ltd"}


def test_operating_system_package_carries_what_its_advisories_are_found_by() -> None:
    library = make_component(
        "login",
        "1:4.13+dfsg1-1+b1",
        purl="pkg:deb/debian/login@4.13%2Bdfsg1-1%2Bb1?arch=amd64&distro=debian-12.5&epoch=1",
        source_name="shadow",
        source_version="1:4.13+dfsg1-1",
        supplier="Shadow <shadow@example.org>",
    )
    made = component(make_sbom([library]), "login")

    assert made["type"] == "library"
    assert made["version"] == "1:4.13+dfsg1-1+b1"
    assert made["supplier"] == {"name": "Shadow <shadow@example.org>"}
    assert "evidence" not in made
    assert properties(made) == {
        "aquasecurity:trivy:LayerDiffID": str(LAYERS[0][1]),
        "aquasecurity:trivy:PkgType": "debian",
        "aquasecurity:trivy:SrcEpoch": "1",
        "aquasecurity:trivy:SrcName": "shadow",
        "aquasecurity:trivy:SrcRelease": "1",
        "aquasecurity:trivy:SrcVersion": "4.13+dfsg1",
    }


@pytest.mark.parametrize(
    ("purl", "whole", "parts"),
    [
        ("pkg:deb/debian/a@1", "12.4+deb12u5", ("", "12.4+deb12u5", "")),
        ("pkg:deb/debian/a@1", "1.2-3-4", ("", "1.2-3", "4")),
        ("pkg:rpm/fedora/a@1", "2:1.0-1.fc40", ("2", "1.0", "1.fc40")),
        ("pkg:apk/alpine/a@1", "1.2.3-r0", ("", "1.2.3-r0", "")),
    ],
)
def test_source_version_is_parted_as_its_distribution_writes_it(
    purl: str, whole: str, parts: tuple[str, str, str]
) -> None:
    made = make_component("a", "1", purl=purl, source_name="a", source_version=whole)
    told = properties(component(make_sbom([made]), "a"))

    assert (
        tuple(told.get(f"aquasecurity:trivy:Src{p}", "") for p in ("Epoch", "Version", "Release"))
        == parts
    )


def test_language_package_says_where_it_lies_and_what_it_hashes_to() -> None:
    made = make_component(
        "requests",
        "2.19.0",
        ecosystem="python-pkg",
        hashes=(("SHA-256", "ab" * 32), ("SHA-1", "cd" * 20)),
    )
    written = component(make_sbom([made]), "requests")

    assert written["evidence"] == {"occurrences": [{"location": made.path}]}
    assert properties(written)["aquasecurity:trivy:FilePath"] == made.path
    assert written["hashes"] == [
        {"alg": "SHA-1", "content": "cd" * 20},
        {"alg": "SHA-256", "content": "ab" * 32},
    ]


def test_operating_system_is_a_component_between_image_and_its_packages() -> None:
    parsed = orjson.loads(make_sbom([make_component("a"), OPERATING_SYSTEM, make_component("b")]))
    system = component(orjson.dumps(parsed), "debian")
    graph = {one["ref"]: one["dependsOn"] for one in parsed["dependencies"]}
    root = parsed["metadata"]["component"]["bom-ref"]

    assert (system["type"], system["version"]) == ("operating-system", "12.5")
    assert graph[root] == [system["bom-ref"]]
    assert graph[system["bom-ref"]] == [make_component(name).key for name in "ab"]


def test_image_without_operating_system_needs_its_components_itself() -> None:
    parsed = orjson.loads(make_sbom([make_component("a", ecosystem="gobinary")]))
    assert parsed["dependencies"][0]["dependsOn"] == [parsed["components"][0]["bom-ref"]]


def test_empty_image_makes_a_valid_document() -> None:
    document = make_sbom([])
    validate(document)
    assert orjson.loads(document)["components"] == []


def test_every_component_is_reached_from_the_image() -> None:
    """Circles that nothing else needs are reached as well."""
    keys = [make_component(n).key for n in "abcd"]
    components = [
        OPERATING_SYSTEM,
        make_component("a", depends_on=(keys[1],)),
        make_component("b", depends_on=(keys[0],)),
        make_component("c", depends_on=(keys[3], keys[2])),
        make_component("d"),
        make_component("e", ecosystem="node-pkg"),
    ]
    parsed = orjson.loads(make_sbom(components))
    graph = {one["ref"]: one["dependsOn"] for one in parsed["dependencies"]}
    reached, waiting = set(), [parsed["metadata"]["component"]["bom-ref"]]
    while waiting:
        for target in graph.get(waiting.pop(), []):
            if target not in reached:
                reached.add(target)
                waiting.append(target)

    assert reached == {one["bom-ref"] for one in parsed["components"]}
    assert graph[OPERATING_SYSTEM.key] == [keys[0], keys[2]]


def test_what_nobody_knows_the_needs_of_has_no_entry_and_is_declared_unknown() -> None:
    """An absent entry means unknown, an empty one means none (ECMA-424, `dependencies`)."""
    flat = make_component("lodash", "1", ecosystem="node-pkg")
    leaf = make_component("libc6")
    needs = make_component("libssl3", depends_on=(leaf.key,))
    parsed = orjson.loads(make_sbom([flat, leaf, needs]))
    graph = {one["ref"]: one["dependsOn"] for one in parsed["dependencies"]}

    assert flat.key not in graph
    assert graph[leaf.key] == []
    assert graph[needs.key] == [leaf.key]
    assert parsed["compositions"] == [
        {
            "aggregate": "unknown",
            "assemblies": [parsed["metadata"]["component"]["bom-ref"]],
            "dependencies": [flat.key],
        }
    ]


@given(st.permutations(COMPONENTS))
def test_order_of_components_does_not_matter(components: list[Any]) -> None:
    assert make_sbom(components) == make_sbom(COMPONENTS)


@given(st.permutations(["MIT", "Apache-2.0", "GPL-2+"]), st.permutations(COMPONENTS[1:4]))
def test_order_within_a_component_does_not_matter(texts: list[str], needs: list[Any]) -> None:
    def document(licences: list[str], targets: list[Any]) -> bytes:
        made = make_component(
            "x", licences=tuple(licences), depends_on=tuple(t.key for t in targets)
        )
        return make_sbom([*COMPONENTS, made])

    assert document(texts, needs) == document(sorted(texts), list(COMPONENTS[1:4]))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(name=TEXT, version=TEXT, supplier=TEXT, path=TEXT, licence=TEXT)
def test_whatever_a_package_says_of_itself_the_document_is_valid(
    name: str, version: str, supplier: str, path: str, licence: str
) -> None:
    odd = make_component("a", key="odd", licences=(licence,), supplier=supplier, path=path)
    document = make_sbom([OPERATING_SYSTEM, replace(odd, name=name, version=version)])

    validate(document)
    (made,) = (one for one in orjson.loads(document)["components"] if one["bom-ref"] == "odd")
    assert (made["name"], made.get("version", "")) == (name, version)


def test_content_digest_ignores_serial_and_time_and_nothing_else() -> None:
    document = make_sbom()
    again = make_sbom(serial=UUID(int=7), made_at=AT + timedelta(days=3))

    assert again != document
    assert content_digest(again) == content_digest(document)
    assert content_digest(make_sbom(tool=Producer("supplychain", "0.2.0"))) != content_digest(
        document
    )
    assert content_digest(make_sbom(spec_version="1.7")) != content_digest(document)
    assert content_digest(changed(document, lambda d: d.pop("version"))) != content_digest(document)


def test_content_digest_needs_neither_serial_nor_metadata() -> None:
    bare = b'{"bomFormat":"CycloneDX","specVersion":"1.6"}'
    named = b'{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:x"}'
    assert content_digest(bare) == content_digest(named)


def test_time_is_written_in_utc() -> None:
    elsewhere = datetime(2026, 1, 15, 14, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    assert make_sbom(made_at=elsewhere) == make_sbom(made_at=AT)


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(InputError, match="no time zone"):
        make_sbom(made_at=datetime(2026, 1, 15, tzinfo=UTC).replace(tzinfo=None))


def test_scan_of_another_image_is_refused() -> None:
    other = make_scan(subject=Subject(SUBJECT.name, Digest.of(b"another")))
    with pytest.raises(VerificationError, match="not of this image"):
        make(other, IMAGE, spec_version="1.6", serial=SERIAL, made_at=AT, tool=TOOL)


def test_two_components_with_one_key_are_refused() -> None:
    with pytest.raises(InputError, match="2 components are named 'same'"):
        make_sbom([make_component("a", key="same"), make_component("b", key="same")])


def test_component_posing_as_the_image_is_refused() -> None:
    root = orjson.loads(make_sbom())["metadata"]["component"]["bom-ref"]
    with pytest.raises(InputError, match="2 components are named"):
        make_sbom([make_component("a", key=root)])


def test_dependency_on_something_absent_is_refused() -> None:
    with pytest.raises(InputError, match="depends on gone, which is not in the scan"):
        make_sbom([make_component("a", depends_on=("gone",))])


@pytest.mark.parametrize(
    ("name", "qualifiers"),
    [
        ("registry.test/shop/Web", {"repository_url": "registry.test/shop/Web"}),
        ("localhost:5000/web", {"repository_url": "localhost:5000/web"}),
        ("registry:5000/web", {"repository_url": "registry:5000/web"}),
        ("web image.tar", {}),
        ("/srv/images/web", {}),
        ("./build/web/", {}),
        ("build/web", {}),
    ],
)
def test_image_purl_is_canonical(name: str, qualifiers: dict[str, str]) -> None:
    """packageurl-python is the referee."""
    last = name.rstrip("/").rpartition("/")[2]
    expected = PackageURL("oci", None, last, str(SUBJECT.digest), {"arch": "arm64"} | qualifiers)

    purl = image_purl(Subject(name, SUBJECT.digest), Platform("linux", "arm64", "v8"))

    assert purl == expected.to_string()


@pytest.mark.parametrize(
    ("purl", "name", "expected"),
    [
        ("pkg:npm/%40babel/traverse@7.20.0", "@babel/traverse", ("@babel", "traverse")),
        ("pkg:npm/lodash@4.17.10", "lodash", ("", "lodash")),
        (
            "pkg:maven/org.apache/commons@1?type=jar",
            "org.apache:commons",
            ("org.apache", "commons"),
        ),
        ("pkg:composer/vendor/thing@1#sub/path", "vendor/thing", ("vendor", "thing")),
        ("pkg:golang/example.org/group/x@v1", "example.org/group/x", ("", "example.org/group/x")),
        ("pkg:deb/debian/libc6@2", "libc6", ("", "libc6")),
        ("pkg:npm/%40scope/bare", "@scope/bare", ("@scope", "bare")),
        ("", "nameless", ("", "nameless")),
    ],
)
def test_group_is_parted_from_name_where_the_ecosystem_does(
    purl: str, name: str, expected: tuple[str, str]
) -> None:
    assert group_and_name(purl, name) == expected
