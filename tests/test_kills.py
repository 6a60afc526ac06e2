"""A bounded share of the kills; `discreet evidence kills` makes 500."""

from discreet.evidence.kills import kills


def test_a_killed_errand_loses_nothing_and_repeats_nothing():
    """G8.1, G1.3: on real services, at steps drawn from a seed."""
    made = kills(6, seed=7)
    assert made.kills == 6
    assert made.violations == []
