# The image of the server and its workers: supplychain with everything it needs, Trivy among it.
#
#   docker build -t supplychain .
#
# What goes in is held to hashes: every package to those in requirements/, Trivy to the hash of its
# wheel there and, whenever it runs, to supplychain/scan/binaries.json. The base is yours to choose
# and to pin: --build-arg BASE=docker.io/library/python@sha256:… (any with Python 3.11 or newer).
ARG BASE=docker.io/library/python:3.13-slim-bookworm
# Where packages come from: the stage below, or an image of your own that holds them in /wheels; then
# the build needs no network.
ARG WHEELS=fetched

FROM ${BASE} AS fetched
COPY requirements/runtime.txt requirements/demo.txt /requirements/
# Wheels only: what is merely downloaded runs no code of its own.
RUN python3 -m venv /tools \
    && /tools/bin/python -m pip download --no-cache-dir --disable-pip-version-check \
        --only-binary=:all: --require-hashes --dest /wheels \
        -r /requirements/runtime.txt -r /requirements/demo.txt

# hadolint ignore=DL3006
FROM ${WHEELS} AS wheels

FROM ${BASE} AS built
COPY --from=wheels /wheels /wheels
COPY requirements/runtime.txt requirements/demo.txt /requirements/
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# /tools builds and is left behind; what is in /opt/supplychain has no pip.
RUN python3 -m venv /tools \
    && /tools/bin/python -m pip install --require-hashes -r /requirements/demo.txt \
    && python3 -m venv --without-pip /opt/supplychain \
    && /tools/bin/python -m pip --python /opt/supplychain/bin/python install \
        --require-hashes -r /requirements/runtime.txt
COPY pyproject.toml README.md LICENSE /source/
COPY migrations /source/migrations
COPY supplychain /source/supplychain
RUN /tools/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /built /source \
    && /tools/bin/python -m pip --python /opt/supplychain/bin/python install --no-deps /built/*.whl \
    && cp /tools/bin/trivy /opt/supplychain/bin/trivy

FROM ${BASE}
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="supplychain" \
      org.opencontainers.image.description="May this digest run there, and why?" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.documentation="docs/container.md" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A number and not a name, so that Kubernetes can see that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/supplychain \
        --shell /usr/sbin/nologin supplychain \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/supplychain /var/cache/supplychain
COPY --from=built /opt/supplychain /opt/supplychain
# Everything that is written goes into the two volumes and /tmp; the rest may be read-only.
ENV PATH=/opt/supplychain/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SUPPLYCHAIN_DATA_DIR=/var/lib/supplychain \
    SUPPLYCHAIN_CACHE_DIR=/var/cache/supplychain \
    SUPPLYCHAIN_TRIVY=/opt/supplychain/bin/trivy
VOLUME ["/var/lib/supplychain", "/var/cache/supplychain"]
WORKDIR /var/lib/supplychain
USER 10001:10001
ENTRYPOINT ["supplychain"]
EXPOSE 8080
# That a server answers; whoever runs a worker from this image says --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/livez', timeout=4)"]
CMD ["serve", "--host", "0.0.0.0"]
