"""VEX documents as untrusted input: OpenVEX, CycloneDX and CSAF into claims."""
