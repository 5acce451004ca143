"""Every route, one noun each."""

from __future__ import annotations

from fastapi import APIRouter

from supplychain.server.routes import gates

ROUTERS: tuple[APIRouter, ...] = (gates.router,)
