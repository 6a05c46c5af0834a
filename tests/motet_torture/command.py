"""`python -m motet_torture.command ...`: the command `motet` with the plugins of the torture's labs.

With a file in the environment's MOTET_TORTURE_CLOCK it goes by a wall clock that can be stepped.
"""

import os
from pathlib import Path

from motet_torture import clock

if __name__ == "__main__":
    if clock.VARIABLE in os.environ:
        clock.obey(Path(os.environ[clock.VARIABLE]))

    import motet.cli
    from motet_torture.plugins import join

    join()
    motet.cli.main()
