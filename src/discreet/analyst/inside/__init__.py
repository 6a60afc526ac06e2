"""What runs inside the compartment, by the target's own interpreter: standard library only, Python 3.8 or newer."""
