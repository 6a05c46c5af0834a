"""What processes call what they say to one another: commands to a campaign that runs, and its address."""

ANSWER, QUEUE, SUPPLIES, TELL = "answer", "queue", "supplies", "tell"
"""Commands beside those of `motet.orchestration.Control`."""

CONTROL_FILE = "control.json"
"""In a campaign's folder while it runs: its broker, topic and process."""
