"""OpenTelemetry, where the environment names somebody to tell (`OTEL_…`, by its standard)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from supplychain import __version__
from supplychain.errors import ConfigurationError
from supplychain.model.spans import trace_with

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@contextmanager
def tracing(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Trace while it is entered, where the environment says to whom; what is left is sent.

    Args:
        environ: The process environment.

    Raises:
        ConfigurationError: It is asked for and cannot be done.
    """
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    none = environ.get("OTEL_TRACES_EXPORTER") == "none"
    if off or none or not any(environ.get(name) for name in _ENDPOINTS):
        yield
        return
    provider = _provider()
    trace_with(Spans(provider))
    try:
        yield
    finally:
        trace_with(None)
        provider.shutdown()


class Spans:
    """Tells OpenTelemetry.

    Args:
        provider: Where tracers come from.
    """

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer = provider.get_tracer("supplychain", __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, str | int], parent: Mapping[str, str] | None
    ) -> Iterator[None]:
        """See `Tracer.span`; of what fails the kind is told, for its words may hold anything."""
        from opentelemetry.trace import Status, StatusCode

        context = None if parent is None else self._propagator.extract(dict(parent))
        with self._tracer.start_as_current_span(
            name,
            context,
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as begun:
            try:
                yield
            except BaseException as error:
                begun.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def carrier(self) -> Mapping[str, str]:
        """See `Tracer.carrier`."""
        found: dict[str, str] = {}
        self._propagator.inject(found)
        return found


def _provider() -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            "tracing needs packages that are not installed",
            because=str(error),
            hint="pip install 'supplychain[server]', or unset OTEL_EXPORTER_OTLP_ENDPOINT",
        ) from error
    resource = Resource.create({"service.name": "supplychain", "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
