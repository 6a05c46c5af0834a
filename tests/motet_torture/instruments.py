"""`python -m motet_torture.instruments JSON`: simulated instruments in a process of their own, each on a TCP port.

They outlive whatever is killed at the other end of their wires. The argument is a list of `motet.api.simulator.Served`
as JSON; one line of JSON says the ports when all of them listen. It ends by a signal.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from motet.api.simulator import Served, serving
from motet_torture.plugins import registry


async def main(stated: Sequence[Mapping[str, Any]]) -> None:
    """Serve them until the process is ended."""
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(Served(**one), registry())) for one in stated]
        print(json.dumps({"urls": urls}), flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
