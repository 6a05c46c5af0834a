"""Analyses: from the documents of a run to the numbers that objectives name."""
