"""Campaign files that several tests begin with."""

BRANIN = """
campaign: NAME
lab: lab.yaml
parameters:
  x1: { type: continuous, low: -5, high: 10 }
  x2: { type: continuous, low: 0, high: 15 }
procedure: measure
analysis: { value: { outputs: { y: measure.value } } }
objectives: { y: { goal: minimize } }
learner: { surrogate: random_forest, start: { random: { n: 100 } } }
budget: { experiments: 8 }
"""
"""Points at random for a procedure `measure` with x1, x2 and an output `value`; NAME is to be replaced."""
