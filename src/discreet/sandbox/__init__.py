"""One door through which code that nobody vouches for is run: `run(spec) -> outcome`."""

from discreet.sandbox.run import (
    Bind,
    Limits,
    NetworkEvidence,
    Outcome,
    SandboxUnavailable,
    Spec,
    run,
    why_unavailable,
)

__all__ = ["Bind", "Limits", "NetworkEvidence", "Outcome", "SandboxUnavailable", "Spec", "run", "why_unavailable"]
