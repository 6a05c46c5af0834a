"""Motet: campaigns on lab instruments, several stations at once, with one learner that listens to all of them."""

__version__ = "0.1.0"
