"""Pure values: space, objective, lab, campaign, procedure, experiment, events. No input, no output."""
