"""Exporters: campaigns as files that other programs read."""
