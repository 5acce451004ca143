"""What can be set: one line each."""

from __future__ import annotations

from supplychain.frozen import dataclass

_PREFIX = "SUPPLYCHAIN_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is declared.

    Attributes:
        name: Key in `supplychain.toml`; upper-cased behind `SUPPLYCHAIN_` in the environment.
        help: One line for people.
        default: Value where nobody gives one, as text; None means "not set".
        secret: Masked wherever it is shown; also read from `…_FILE`; refused in files.
        mounted: Also read from `…_FILE`, though only a part of it is secret.
        trusted_only: Refused in a project's `supplychain.toml`.
        path: A relative value in a file is relative to that file's folder; a URI stays as it is.
        also: Further environment variables that are read after our own.
        words: Values that are no paths, where others are.
    """

    name: str
    help: str
    default: str | None = None
    secret: bool = False
    mounted: bool = False
    trusted_only: bool = False
    path: bool = False
    also: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return _PREFIX + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", "folder of the record and the vulnerability databases", path=True),
    Setting("cache_dir", "folder of blobs and scanner caches, safe to delete", path=True),
    Setting("database", "database URL: sqlite:///FILE or postgresql://…", mounted=True),
    Setting("content", "content store: a folder, or s3://…, gs://…, az://…"),
    Setting("cache_size", "most bytes of blobs that the cache keeps", "20GiB"),
    Setting(
        "keep_superseded",
        "how long `retention` keeps scans and SBOMs that later ones replaced",
        "90d",
        trusted_only=True,
    ),
    Setting(
        "keep_unused",
        "how long it keeps those of images that nobody uses; else the latest stay for good",
        trusted_only=True,
    ),
    Setting("organisation", "organisation that the project is of", "default"),
    Setting("project", "project that owns what is recorded", "default"),
    Setting(
        "oidc_private",
        "hosts of issuers that may lie at private addresses, by comma",
        trusted_only=True,
    ),
    Setting("oidc_cacert", "CA certificates for issuers, PEM", trusted_only=True, path=True),
    Setting(
        "server",
        "server that is asked in place of a record here: https://…; on this machine also http://",
        trusted_only=True,
    ),
    Setting("token", "token for that server", secret=True),
    Setting(
        "server_cacert",
        "CA certificates for that server, PEM; else the usual ones",
        trusted_only=True,
        path=True,
    ),
    Setting("server_timeout", "time limit of one answer of that server", "60s"),
    Setting(
        "login_issuer", "OIDC provider whose people may log in to the server", trusted_only=True
    ),
    Setting("login_client_id", "what that provider calls this server", trusted_only=True),
    Setting(
        "login_client_secret",
        "what the server shows the provider; none for PKCE alone",
        secret=True,
    ),
    Setting(
        "login_redirect",
        "where the provider sends people back to: https://HOST/v1/login/callback",
        trusted_only=True,
    ),
    Setting("login_lasts", "how long somebody stays logged in", "12h", trusted_only=True),
    Setting("login_idle", "after how long without a request they do not", "1h", trusted_only=True),
    Setting(
        "unsafe_login_without_tls",
        "log in by http://, on this machine alone: yes or no",
        "no",
        trusted_only=True,
    ),
    Setting("environment", "environment asked about where none is given"),
    Setting(
        "actor",
        "who acts, as waivers, approvals and deployments name them; else the user of this machine",
        trusted_only=True,
    ),
    Setting("policies", "folder with one policy file per environment", "policies", path=True),
    Setting("key", "private key that signs: a file in cosign's format, or a reference", path=True),
    Setting("key_password", "password of that key", secret=True, also=("COSIGN_PASSWORD",)),
    Setting("keyless", "sign as an identity with a certificate, not with a key: yes or no", "no"),
    Setting(
        "identity_token",
        "OIDC token that says who signs; else from CI, or a browser",
        secret=True,
        also=("SIGSTORE_ID_TOKEN",),
    ),
    Setting(
        "logged",
        "enter what a key signs in a transparency log too, with timestamps: yes or no",
        "no",
    ),
    Setting(
        "signing_config",
        "services for keyless signing and logs: the file of a private Sigstore, or `public`",
        trusted_only=True,
        path=True,
        words=("public",),
    ),
    Setting(
        "whole_sbom",
        "SBOMs up to this size are signed whole, larger ones by their digest; else 1MiB for "
        "`keyless`, 31MiB for a key",
    ),
    Setting("signature_formats", "forms of signatures: bundle, legacy or both", "bundle,legacy"),
    Setting(
        "builder_id",
        "URI of who runs this, as provenance and summaries name them",
        "pkg:generic/supplychain",
        trusted_only=True,
    ),
    Setting(
        "trusted_root",
        "trusted root of a private Sigstore; else of the public services",
        trusted_only=True,
        path=True,
    ),
    Setting("log", "what a server says on standard error: errors, or requests too", "errors"),
    Setting(
        "metrics_token",
        "token for `/metrics`, which nobody can read where there is none",
        secret=True,
    ),
    Setting("trivy", "Trivy binary; else the one on PATH", trusted_only=True, path=True),
    Setting("trivy_sha256", "further Trivy binaries that may run, by sha256", trusted_only=True),
    Setting("scan_timeout", "time limit of one scan", "10m"),
    Setting(
        "db_repository", "where `vulndb pull` gets its database", "ghcr.io/aquasecurity/trivy-db"
    ),
    Setting("db_max_age", "oldest vulnerability database that a scan may use", "72h"),
    Setting("sbom_version", "CycloneDX version that is written: 1.6 or 1.7", "1.6"),
    Setting("sbom_author", "organisation that SBOMs name as their author"),
    Setting("max_unpacked_size", "most bytes that an image may unpack to", "64GiB"),
    Setting("worker_concurrency", "runs that one worker does at once", "2"),
    Setting("runs_per_registry", "runs that fetch from one registry at once", "16"),
    Setting("runs_per_organisation", "runs of one organisation that are under way at once", "64"),
    Setting(
        "runs_for_anybody",
        "runs that go first and wait, of one organisation, before questions of those who may not "
        "submit any start no more",
        "100",
    ),
    Setting(
        "database_wait", "how long a server or worker that begins waits for its database", "60s"
    ),
    Setting("worker_grace", "how long a worker that is told to end may take to finish", "30s"),
    Setting("registry_username", "user name for the registry of images"),
    Setting("registry_password", "password for the registry", secret=True),
    Setting("registry_token", "bearer token for the registry", secret=True),
    Setting("registry_cacert", "CA certificates for the registry, PEM", path=True),
    Setting("registry_timeout", "time limit of one answer from a registry", "30s"),
    Setting(
        "registry_allowed",
        "registries that images may be taken from, by comma: host, host:port, host/path or "
        "*.domain; where none is named, a command goes anywhere and a server nowhere",
        trusted_only=True,
    ),
    Setting(
        "registry_beside",
        "hosts that those may send us on to, by comma: token services and storage",
        trusted_only=True,
    ),
    Setting(
        "registry_private",
        "hosts of all those that may lie at private addresses, by comma",
        trusted_only=True,
    ),
    Setting("insecure_registry", "hosts reached without TLS, by comma", trusted_only=True),
    Setting(
        "rate_limit", "most requests of one caller in a minute, to each server process", "60000"
    ),
    Setting(
        "max_upload_size",
        "most bytes of evidence, or of a VEX document, that one request may hand in",
        "64MiB",
    ),
    Setting(
        "body_timeout",
        "how long a server waits for a request's body; a second more for each 64 KiB of evidence",
        "30s",
    ),
)
