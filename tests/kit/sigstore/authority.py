"""A certificate authority like Fulcio: a root, an intermediate, and leaves for identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asn1crypto.core import UTF8String
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.kit.sigstore.ct import SCT_LIST, CtLog, sct_list
from tests.kit.sigstore.keys import AT, YEAR, Span, new_key

FULCIO = "1.3.6.1.4.1.57264.1"
ISSUER = "https://accounts.example.com"
GITHUB = "https://token.actions.githubusercontent.com"
LIFETIME = timedelta(minutes=10)

# Fulcio's first extensions hold bare text, those from 8 on a DER string.
_FIRST_IN_DER = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a leaf is for.

    Attributes:
        name: The subject alternative name; None for a leaf without one.
        extensions: Fulcio's extensions by their last number, as text.
    """

    name: x509.GeneralName | None
    extensions: Mapping[int, str]

    @classmethod
    def email(cls, address: str = "alice@example.com", issuer: str = ISSUER) -> Identity:
        """A person who logged in."""
        return cls(x509.RFC822Name(address), {1: issuer, 8: issuer})

    @classmethod
    def uri(cls, uri: str, issuer: str = ISSUER) -> Identity:
        """A machine that is named by a URI."""
        return cls(x509.UniformResourceIdentifier(uri), {1: issuer, 8: issuer})

    @classmethod
    def workflow(
        cls,
        repository: str = "acme/shop",
        ref: str = "refs/heads/main",
        *,
        file: str = ".github/workflows/release.yml",
        sha: str = "1234567890123456789012345678901234567890",
        issuer: str = GITHUB,
    ) -> Identity:
        """A GitHub workflow, with the extensions that Fulcio writes for one."""
        home, owner = f"https://github.com/{repository}", repository.partition("/")[0]
        workflow = f"{home}/{file}@{ref}"
        extensions = {
            1: issuer,
            2: "push",
            3: sha,
            4: "release",
            5: repository,
            6: ref,
            8: issuer,
            9: workflow,
            10: sha,
            11: "github-hosted",
            12: home,
            13: sha,
            14: ref,
            15: "1001",
            16: f"https://github.com/{owner}",
            17: "2002",
            18: workflow,
            19: sha,
            20: "push",
            21: f"{home}/actions/runs/3003/attempts/1",
            22: "public",
        }
        return cls(x509.UniformResourceIdentifier(workflow), extensions)

    def but(self, extensions: Mapping[int, str | None]) -> Identity:
        """The same with other extensions; None takes one away."""
        changed = {**self.extensions, **extensions}
        return Identity(self.name, {key: value for key, value in changed.items() if value})


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority.

    Attributes:
        name: Its subject's common name, and the host of its address.
        root: Its root.
        intermediate: What signs leaves.
        key: The intermediate's key.
        root_key: The root's.
        trusted: From when to when a trusted root lets it count; no end where None.
        url: Its address.
    """

    name: str
    root: x509.Certificate
    intermediate: x509.Certificate
    key: EllipticCurvePrivateKey = field(repr=False)
    root_key: EllipticCurvePrivateKey = field(repr=False)
    trusted: tuple[datetime, datetime | None]
    url: str

    @classmethod
    def create(
        cls,
        name: str = "fulcio",
        *,
        at: datetime = AT,
        root_valid: Span | None = None,
        intermediate_valid: Span | None = None,
        eku: ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
        url: str = "",
    ) -> Authority:
        """A new one.

        Args:
            name: What it is called.
            at: It is good for a year before that, and ten years after.
            root_valid: Another validity of the root.
            intermediate_valid: Another validity of the intermediate.
            eku: What the intermediate may sign leaves for.
            url: Its address; made of the name where missing.
        """
        usual = (at - YEAR, at + 10 * YEAR)
        root_key, key = new_key(), new_key()
        names = _name(f"{name}-root"), _name(f"{name}-intermediate")
        root = (
            _ca(names[0], names[0], root_key, root_valid or usual, path_length=1)
            .add_extension(_authority_key(root_key), critical=False)
            .sign(root_key, SHA256())
        )
        intermediate = (
            _ca(names[1], names[0], key, intermediate_valid or usual, path_length=0)
            .add_extension(_authority_key(root_key), critical=False)
            .add_extension(x509.ExtendedKeyUsage([eku]), critical=False)
            .sign(root_key, SHA256())
        )
        address = url or f"https://{name}.example.com"
        return cls(name, root, intermediate, key, root_key, (at - YEAR, None), address)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The intermediate and the root."""
        return self.intermediate, self.root

    def issue(
        self,
        key: CertificatePublicKeyTypes,
        identity: Identity,
        *,
        valid: Span,
        ct: Sequence[CtLog] = (),
        sct_at: datetime | None = None,
        eku: Sequence[ObjectIdentifier] = (ExtendedKeyUsageOID.CODE_SIGNING,),
        critical_eku: bool = False,
        ca: bool = False,
        subject: str = "",
    ) -> x509.Certificate:
        """A leaf, with one timestamp of each certificate transparency log.

        Args:
            key: Whose certificate it is.
            identity: Who that is.
            valid: From when to when.
            ct: The logs that promise to list it.
            sct_at: When they did, else when it became valid.
            eku: What the key is for.
            critical_eku: Say that it is for nothing else.
            ca: Say that it may sign certificates itself.
            subject: A common name; Fulcio gives none.
        """
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject) if subject else x509.Name([]))
            .issuer_name(self.intermediate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid[0])
            .not_valid_after(valid[1])
            .add_extension(_usage(ca=ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_authority_key(self.key), critical=False)
        )
        if eku:
            builder = builder.add_extension(x509.ExtendedKeyUsage(eku), critical=critical_eku)
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
        if identity.name is not None:
            names = x509.SubjectAlternativeName([identity.name])
            builder = builder.add_extension(names, critical=True)
        for number, value in identity.extensions.items():
            builder = builder.add_extension(_extension(number, value), critical=False)
        if ct:
            promised = builder.sign(self.key, SHA256()).tbs_certificate_bytes
            scts = [log.sct(promised, self.key, sct_at or valid[0]) for log in ct]
            listed = x509.UnrecognizedExtension(SCT_LIST, sct_list(scts))
            builder = builder.add_extension(listed, critical=False)
        return builder.sign(self.key, SHA256())


def _extension(number: int, value: str) -> x509.UnrecognizedExtension:
    oid = ObjectIdentifier(f"{FULCIO}.{number}")
    data: bytes = UTF8String(value).dump() if number >= _FIRST_IN_DER else value.encode()
    return x509.UnrecognizedExtension(oid, data)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "a forge of the tests"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def _ca(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    valid: Span,
    *,
    path_length: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority_key(key: EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
