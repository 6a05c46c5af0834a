"""Studies: many simulated campaigns compared with one another, and what can be said about them."""
