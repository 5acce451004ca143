"""Every route, one noun each."""

from __future__ import annotations

from fastapi import APIRouter

from supplychain.server.routes import (
    audit,
    decisions,
    deployments,
    environments,
    evidence,
    exports,
    gates,
    images,
    login,
    members,
    projects,
    runs,
    search,
    tokens,
    trust,
    vex,
    waivers,
)

ROUTERS: tuple[APIRouter, ...] = (
    gates.router,
    images.router,
    evidence.router,
    runs.router,
    exports.router,
    search.router,
    environments.router,
    decisions.router,
    deployments.router,
    waivers.router,
    vex.router,
    tokens.router,
    trust.router,
    members.router,
    login.router,
    projects.router,
    audit.router,
)
