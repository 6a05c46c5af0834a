"""What programs call: run a campaign, check a file, command a running one. The command line is a thin face."""
