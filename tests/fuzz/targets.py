"""What reads bytes that others made: each parser alone, and what must hold of whatever it takes.

Each target is given bytes, and refuses them with an error of ours or takes them. Anything else
that comes out is a bug: `make fuzz` looks for it, and `test_seeds.py` runs all that it has found.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from supplychain.errors import SupplyChainError
from tests.fuzz import proofs, texts

Target = Callable[[bytes], None]

SEEDS = Path(__file__).parent / "seeds"
_ALL: tuple[Target, ...] = (
    proofs.buildkit_index,
    proofs.buildkit_statement,
    proofs.bundle,
    proofs.bundle_file,
    proofs.certificate,
    proofs.checkpoint,
    proofs.envelope,
    proofs.file_verification,
    proofs.identity_token,
    proofs.legacy_verification,
    proofs.log_annotation,
    proofs.log_body,
    proofs.log_entry,
    proofs.service_answer,
    proofs.signature_layer,
    proofs.signing_config,
    proofs.simple_signing,
    proofs.statement,
    proofs.timestamp,
    proofs.trusted_root,
    proofs.verification,
    texts.base64,
    texts.cyclonedx,
    texts.document_reference,
    texts.image_config,
    texts.image_reference,
    texts.key_file,
    texts.large_document,
    texts.layer_archive,
    texts.login_challenge,
    texts.long_json,
    texts.long_json_alone,
    texts.manifest,
    texts.pem,
    texts.policy,
    texts.public_key,
    texts.referrers_answer,
    texts.strict_json,
    texts.trivy_report,
    texts.vex,
)
TARGETS: dict[str, Target] = {target.__name__.replace("_", "-"): target for target in _ALL}


def run(target: Target, data: bytes) -> bool:
    """Give a target these bytes; whether it took them.

    Anything but a refusal in our own words comes through.
    """
    try:
        target(data)
    except SupplyChainError:
        return False
    return True
