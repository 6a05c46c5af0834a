"""Pending strategies: how points that are being measured enter the model."""
