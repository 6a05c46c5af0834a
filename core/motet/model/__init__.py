"""Pure values: space, objective, lab, campaign, procedure, experiment, events. Nothing here does input or output."""
