"""The temporary tables that a scan's rows pass through, and the SQL that files them.

Every statement skips what is there already, so that ids are not burnt and no row is touched, and
lets the conflict clause drop what is staged twice. It inserts the rest sorted: two transactions
that insert the same rows in one order wait for one another, in different orders they deadlock.
The statements themselves run in one order always, for the same reason.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, text

_temporary = MetaData()


def _staged(name: str, numbers: str, texts: str) -> Table:
    return Table(
        name,
        _temporary,
        *(Column(column, BigInteger) for column in numbers.split()),
        Column("identity", LargeBinary),
        *(Column(column, Text) for column in texts.split()),
        prefixes=["TEMPORARY"],
    )


staged_components = _staged(
    "staged_components",
    "owner_id position",
    "diff_id path key purl purl_type purl_namespace purl_name name version kind "
    "ecosystem licences source_name source_version",
)

staged_findings = _staged(
    "staged_findings",
    "owner_id position severity",
    "diff_id path component_key vulnerability package_identity purl package "
    "installed_version fixed_version severity_source status title url published_at ratings scores "
    "aliases weaknesses",
)

FILE_LAYERS = text("""
INSERT INTO layers (diff_id)
SELECT s.diff_id FROM (
    SELECT diff_id FROM staged_components UNION SELECT diff_id FROM staged_findings
) s
WHERE s.diff_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM layers l WHERE l.diff_id = s.diff_id)
ORDER BY s.diff_id
ON CONFLICT DO NOTHING
""")

FILE_COMPONENTS = text("""
INSERT INTO components (identity, purl, purl_type, purl_namespace, purl_name, name, version, kind,
                        ecosystem, licences, source_name, source_version)
SELECT s.identity, s.purl, s.purl_type, s.purl_namespace, s.purl_name, s.name, s.version,
       s.kind, s.ecosystem, s.licences, s.source_name, s.source_version
FROM staged_components s
WHERE NOT EXISTS (SELECT 1 FROM components c WHERE c.identity = s.identity)
ORDER BY s.identity
ON CONFLICT DO NOTHING
""")

LINK_COMPONENTS = text("""
INSERT INTO inventoried_components (inventory_id, position, component_id, layer_id, path, key)
SELECT s.owner_id, s.position, c.id, l.id, s.path, s.key
FROM staged_components s
JOIN components c ON c.identity = s.identity
LEFT JOIN layers l ON l.diff_id = s.diff_id
""")

FILE_VULNERABILITIES = text("""
INSERT INTO vulnerabilities (name)
SELECT DISTINCT s.vulnerability FROM staged_findings s
WHERE NOT EXISTS (SELECT 1 FROM vulnerabilities v WHERE v.name = s.vulnerability)
ORDER BY s.vulnerability
ON CONFLICT DO NOTHING
""")

_FILE_FINDINGS = """
INSERT INTO findings (identity, vulnerability_id, package_identity, purl, package,
                      installed_version, fixed_version, severity, severity_source, status, title,
                      url, published_at, ratings, scores, aliases, weaknesses)
SELECT s.identity, v.id, s.package_identity, s.purl, s.package, s.installed_version,
       s.fixed_version, s.severity, s.severity_source, s.status, s.title, s.url, {published_at},
       s.ratings, s.scores, s.aliases, s.weaknesses
FROM staged_findings s
JOIN vulnerabilities v ON v.name = s.vulnerability
WHERE NOT EXISTS (SELECT 1 FROM findings f WHERE f.identity = s.identity)
ORDER BY s.identity
ON CONFLICT DO NOTHING
"""
FILE_FINDINGS = {
    "sqlite": text(_FILE_FINDINGS.format(published_at="s.published_at")),
    "postgresql": text(
        _FILE_FINDINGS.format(published_at="CAST(s.published_at AS timestamp with time zone)")
    ),
}

LINK_FINDINGS = text("""
INSERT INTO assessed_findings (assessment_id, position, finding_id, layer_id, path, component_key)
SELECT s.owner_id, s.position, f.id, l.id, s.path, s.component_key
FROM staged_findings s
JOIN findings f ON f.identity = s.identity
LEFT JOIN layers l ON l.diff_id = s.diff_id
""")

# A finding that is known from an earlier instant on is left alone; an earlier sighting is added.
_FILE_SIGHTINGS = """
INSERT INTO {table} (project_id, vulnerability_id, package_identity, first_seen_at, recorded_at)
SELECT n.project_id, n.vulnerability_id, n.package_identity, n.seen_at, n.recorded_at
FROM (
    SELECT e.project_id, f.vulnerability_id, f.package_identity,
           min(e.produced_at) AS seen_at, min(e.recorded_at) AS recorded_at
    FROM evidence e
    JOIN scans s ON s.evidence_id = e.id
    JOIN assessed_findings a ON a.assessment_id = s.assessment_id
    JOIN findings f ON f.id = a.finding_id
    WHERE e.id IN :scans{condition}
    GROUP BY e.project_id, f.vulnerability_id, f.package_identity
) n
WHERE NOT EXISTS (
    SELECT 1 FROM {table} k
    WHERE k.project_id = n.project_id AND k.vulnerability_id = n.vulnerability_id
      AND k.package_identity = n.package_identity AND k.first_seen_at <= n.seen_at
)
ORDER BY n.vulnerability_id, n.package_identity
ON CONFLICT DO NOTHING
"""
FILE_FIRST_SEEN = text(_FILE_SIGHTINGS.format(table="first_seen", condition=""))
FILE_FIRST_FIXABLE = text(
    _FILE_SIGHTINGS.format(table="first_fixable", condition=" AND f.fixed_version <> ''")
)
