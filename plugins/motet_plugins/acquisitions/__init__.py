"""Acquisitions: scores over candidates, higher is better."""
