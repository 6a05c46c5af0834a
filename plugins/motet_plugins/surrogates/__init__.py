"""Surrogates: models that predict with uncertainty."""
