"""Stop rules: when a campaign has what it wanted."""
