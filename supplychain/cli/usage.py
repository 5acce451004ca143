"""What somebody mistyped, and what was meant; in the form of every other error."""

from __future__ import annotations

from typing import Any

_RULE = "say it in the policy, as a rule: {rule}"
_FILE = "never on the command line; put it into a file and name that in {variable}_FILE"
_CODES = "exit codes are fixed: 0 allow, 1 fault, 2 usage, 10 deny, 11 pending"

# Options of trivy and cosign that mean something else here, or that nobody needs here.
_ELSEWHERE = {
    "--severity": _RULE.format(rule="vulnerabilities: {severity: high}"),
    "--ignore-unfixed": _RULE.format(rule="vulnerabilities: {severity: high, fixable: true}"),
    "--ignorefile": "leave it out: everything found is recorded, and the policy says what denies",
    "--exit-code": _CODES,
    "--exit-on-eol": _CODES,
    "--format": "the form of the result is chosen with --output",
    "--offline-scan": "leave it out: scans never use the network",
    "--skip-db-update": "leave it out: only supplychain vulndb pull fetches a database",
    "--registry-password": _FILE.format(variable="SUPPLYCHAIN_REGISTRY_PASSWORD"),
    "--registry-token": _FILE.format(variable="SUPPLYCHAIN_REGISTRY_TOKEN"),
    "--key-password": _FILE.format(variable="SUPPLYCHAIN_KEY_PASSWORD"),
    "--allow-insecure-registry": "name the host: --insecure-registry HOST",
    "--allow-http-registry": "name the host: --insecure-registry HOST",
    "--server": "before the command: supplychain --server URL gate …",
    "--token": _FILE.format(variable="SUPPLYCHAIN_TOKEN"),
    "--yes": "leave it out: nothing asks, but for the password of a key",
}


def usage_lines(error: Any) -> list[str]:
    """The lines for a usage error of Typer's; none where help was shown instead."""
    message = str(error.message if _options_like(error) else error.format_message()).strip()
    if not message:
        return []
    first = message[0].lower() + message[1:].removesuffix(".")
    return [f"error: {first}", f"try: {_hint(error)}"]


def _hint(error: Any) -> str:
    meant = _ELSEWHERE.get(getattr(error, "option_name", ""))
    if meant:
        return meant
    near = _options_like(error)
    if near:
        return f"did you mean {' or '.join(near)}?"
    command = error.ctx.command_path if error.ctx else "supplychain"
    return f"{command} --help"


def _options_like(error: Any) -> list[str]:
    return sorted(getattr(error, "possibilities", None) or ())
