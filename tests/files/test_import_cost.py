"""Reading files must not cost what running a campaign does."""

import subprocess
import sys

HEAVY = ("ophyd_async", "bluesky", "pint", "sklearn", "scipy", "torch", "pandas")


def test_the_modules_that_read_files_import_nothing_heavy() -> None:
    code = (
        "import sys, motet.files.campaign, motet.files.schema, motet.files.references\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.split() == []
