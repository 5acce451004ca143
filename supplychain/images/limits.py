"""What an image may ask of us before it is trusted."""

from __future__ import annotations

from supplychain.frozen import dataclass

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one platform's image; genuine images stay far below them.

    Attributes:
        platforms: Platforms of an index.
        layers: Layers. Docker's own limit is 127; containerd runs some more.
        config_bytes: Bytes of an image configuration.
        compressed_bytes: Bytes of all layers as they are stored.
        unpacked_bytes: Bytes of all layers, unpacked.
        spread_bytes: Bytes of all layers as they are stored, up to which they are left unpacked
            for the scanner; a larger image is handed over as it is stored, to spare the disk.
        ratio: Bytes unpacked for one stored, beyond the first 256 MiB of a layer.
    """

    platforms: int = 64
    layers: int = 500
    config_bytes: int = 4 << 20
    compressed_bytes: int = 32 * _GIB
    unpacked_bytes: int = 128 * _GIB
    spread_bytes: int = 1 * _GIB
    ratio: int = 200
