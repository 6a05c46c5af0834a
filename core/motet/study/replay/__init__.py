"""Measured tables replayed as the lab: which learner finds the best points of a table with the fewest experiments."""
