"""The command line: a thin face over `motet.api`. Commands import what they need when they are called."""


def main() -> None:
    """Entry point of `motet`."""
    from motet.cli.app import app

    app(prog_name="motet")
