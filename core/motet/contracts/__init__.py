"""What plugin authors implement, one module a phase: learning, simulation, results; and how they declare it."""
