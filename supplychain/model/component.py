"""What an image is made of."""

from __future__ import annotations

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest


@dataclass(frozen=True, slots=True)
class Component:
    """One package found in an image.

    Attributes:
        purl: Package URL with version and qualifiers; "" where the scanner gave none.
        name: Name as the ecosystem writes it.
        version: Installed version; "" where unknown.
        kind: `os`, `library`, `application` or `operating-system`.
        ecosystem: The scanner's type: `debian`, `python-pkg`, `node-pkg`, `gobinary` …
        path: File in the image that declares it, without a leading slash; "" for OS packages.
        licences: Licence texts as the scanner read them, not yet SPDX-checked.
        hashes: `(algorithm, hex)` pairs, algorithm as CycloneDX spells it ("SHA-256").
        layer: The diffID of the layer that brought it.
        supplier: Maintainer or supplier; None where unknown.
        depends_on: `key`s of the components it needs, as far as the scanner knows them; each of
            them is in the same scan.
        key: Unique within one scan, and stable for the same image content.
        source_name: The source package that an OS package was built from, by which distributions
            publish advisories (`openssl` for `libssl3`); "" where the scanner gave none.
        source_version: Its version, whole, as the distribution writes it
            (`[epoch:]version[-release]`); "" where the scanner gave none.
    """

    purl: str
    name: str
    version: str
    kind: str
    ecosystem: str
    path: str = ""
    licences: tuple[str, ...] = ()
    hashes: tuple[tuple[str, str], ...] = ()
    layer: Digest | None = None
    supplier: str | None = None
    depends_on: tuple[str, ...] = ()
    key: str = ""
    source_name: str = ""
    source_version: str = ""
