"""Mends known classes of holes by rewriting the syntax tree, and keeps a patch only if everything that was shown stays so."""

from discreet.analyst.mend.mend import Patch, mend

__all__ = ["Patch", "mend"]
