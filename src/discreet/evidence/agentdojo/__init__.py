"""AgentDojo through this runtime: contracts for its tools, reference plans, a worst-case driver and the suites' own oracles (E6).

The benchmark is not part of this package: `setup.py` installs it into a virtual environment of its own, where `run.py` runs.
"""
