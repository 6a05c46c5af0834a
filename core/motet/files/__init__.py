"""Lab, campaign, procedure and candidate files: read, validated, checked against one another and the plugins.

Every mistake is reported at once, with file, line, key, what was found and what is allowed.
"""
