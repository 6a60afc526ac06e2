"""The assistant: a request becomes a plan, a preflight, a run and an account (read session.py second, after the kernel)."""
