"""Plugins that are made of plugins, and plugins that have to go together."""
