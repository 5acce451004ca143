"""A job's own token for one of ours: RFC 8693."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from supplychain.access.arriving import Arrived, arrive
from supplychain.access.identity_tokens import read_unverified
from supplychain.access.trust import machine_name
from supplychain.bootstrap.access import create_token
from supplychain.errors import InputError, NotFoundError, UnauthenticatedError
from supplychain.model.access import Acting
from supplychain.records.access import Access
from supplychain.server.service import Service

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a type, no token
_TYPES = frozenset(
    {"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"}
)
_LONGEST_NAME = 200


def exchange(service: Service, request: Request, form: Mapping[str, str]) -> dict[str, Any]:
    """What a job gets for its token.

    Args:
        service: What the server has.
        request: What it came by.
        form: What it says.

    Raises:
        InputError: It asks for something else.
        UnauthenticatedError: Its token does not hold, or nobody trusts its issuer.
        ForbiddenError: It fits no rule of trust, or several.
        IdentityProviderError: Its issuer cannot be asked.
        RateError: Strangers at this address try too often.
    """
    host = request.client.host if request.client else ""
    if form.get("grant_type") != GRANT:
        raise InputError("this is another grant", hint=f"grant_type={GRANT}")
    if form.get("subject_token_type") not in _TYPES:
        raise InputError("this is another kind of token", hint="an OIDC token of a job: …:jwt")
    organisation = form.get("organisation") or "default"
    try:
        access, arrived = _let_in(service, form, organisation, host)
    except UnauthenticatedError:
        service.failed.take(host)
        raise
    rule = arrived.rule
    made = create_token(
        access,
        name=f"job of {rule.name}",
        owner=machine_name(rule),
        scope=rule.scope,
        lasts=rule.lifetime,
        by=machine_name(rule),
        at=service.clock(),
        rule=rule.name,
    )
    return {
        "access_token": made.text,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": int(rule.lifetime.total_seconds()),
        "scope": rule.name,
    }


def _let_in(
    service: Service, form: Mapping[str, str], organisation: str, host: str
) -> tuple[Access, Arrived]:
    token = read_unverified(form.get("subject_token", ""))
    try:
        rules = service.store.entry.access(organisation[:_LONGEST_NAME], Acting()).trust.all(
            issuer=token.issuer
        )
    except NotFoundError:
        rules = ()  # which organisations there are is nothing for strangers
    arrived = arrive(
        token, rules, service.issuers, named=form.get("scope") or None, at=service.clock()
    )
    job = str(arrived.claims.get("sub", ""))[:_LONGEST_NAME]
    acting = Acting(
        machine_name(arrived.rule),
        f"{host}, {token.issuer} {job}",
        "POST /v1/tokens/exchange",
        is_known=True,
    )
    return service.store.entry.access(organisation, acting), arrived
