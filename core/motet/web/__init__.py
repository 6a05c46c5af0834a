"""The dashboard: a page and an HTTP API over `motet.api`. Its libraries are the extra `web`."""
