"""Faults injected for real, and what may come of them: `make torture` runs the proofs, each with its bar.

Processes are killed and frozen, a proxy repeats, delays and reorders messages, discs are full, clocks are stepped. What
happened is counted outside of what is tortured: by simulators in processes of their own, which write every effect to a
ledger on the disk. `docs/reference/reliability.md` holds the figures.
"""
