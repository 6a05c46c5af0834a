"""The HTTP API of the dashboard, a thin face over `motet.api.watch`: it knows no more than that does."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from pydantic import Field, ValidationError

from motet.api.estop import Told
from motet.api.lab_view import LabView
from motet.api.watch import Watch
from motet.errors import NotFound
from motet.model.values import Frozen
from motet.web.access import Access
from motet.web.guard import Guard

STATIC = Path(__file__).with_name("static")


class Press(Frozen):
    """Press the emergency stop."""

    reason: str = ""
    """Why; whoever clears it reads this, the first thousand characters of it."""
    who: str = ""
    id: str = Field(default="", pattern=r"^([0-9a-f]{16,64})?$")
    """Drawn at random by whoever sends it more than once: it is one press then, and one that was cleared stays so."""


class Clear(Frozen):
    """Clear what somebody has looked at."""

    who: str = Field(min_length=1, max_length=100, pattern=r"\S")
    """The person who has seen that all is in order."""
    seen: Sequence[str] = Field(min_length=1, max_length=1000)
    """The ids of the presses that were looked at. Others stay."""


_SAID = {"requestBody": {"content": {"application/json": {"schema": Press.model_json_schema()}}}}


def application(watch: Watch, access: Access) -> FastAPI:
    """The API, behind its guard; described by `/api/openapi.json`."""
    app = FastAPI(
        title="Motet dashboard", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", redirect_slashes=False
    )
    app.add_middleware(Guard, access=access)
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.get("/api/lab")
    async def lab() -> LabView:
        """The lab now: its emergency stop, its stations, and what cannot be seen of them."""
        return watch.view

    @app.post("/api/estop", responses={503: {"description": "Nobody was told."}}, openapi_extra=_SAID)
    async def estop(request: Request, response: Response) -> Told:
        """Press the emergency stop. The answer says who knows of it, and who could not be told.

        Whatever is said with it, and as whatever it is sent: it is pressed.
        """
        press = _pressed(await request.body())
        told = await watch.press(press.reason.strip(), _who(press.who, request), press.id)
        if not told.reached:
            response.status_code = 503
        return told

    @app.post("/api/clear", responses={409: {"description": "Nothing is pressed."}})
    async def clear(request: Request, wanted: Clear) -> Told:
        """Clear presses of the emergency stop; `latched` is what was pressed since somebody looked."""
        try:
            return await watch.clear(_who(wanted.who, request), wanted.seen)
        except NotFound as error:
            raise HTTPException(409, str(error)) from error

    return app


def _pressed(body: bytes) -> Press:
    """What was said with a press: JSON, the fields of a form, or nothing. What is neither becomes the reason."""
    if not body.strip():
        return Press()
    said = body.decode(errors="replace")
    fields = {name: given[0] for name, given in parse_qs(said, keep_blank_values=True).items()}
    with suppress(ValidationError):
        return Press.model_validate_json(body)
    with suppress(ValidationError):
        return Press.model_validate(fields)
    return Press(reason=f"not understood: {said}")


def _who(name: str, request: Request) -> str:
    """`Ann at the dashboard (192.168.1.7)`."""
    where = "" if request.client is None else f" ({request.client.host})"
    return f"{name.strip() or 'somebody'} at the dashboard{where}"
