"""The edge of the world: tools with their contracts, the preflight, and the one call site for effects."""
