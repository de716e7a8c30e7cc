"""The door: `POST /3.1/WebService`, and `GET` for the actions that change nothing.

    form -> which action -> whose credentials -> the action -> XML, in one piece or streamed

A call that cannot be done is answered 200 with `REQUEST_FAILED` (MG-10): the vendor's clients take any other status
for a broken service. So only that is one: 413 for a body over the limit, 503 while nothing can be recorded.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from heliograph.errors import CallerError, TooManyRequests, Unavailable
from heliograph.events.event import new_id
from heliograph.events.jobs import request_id
from heliograph.settings import Settings
from heliograph.web.http import plain_error
from heliograph.web.limits import Limit, site
from heliograph.webservice.actions import ACTIONS
from heliograph.webservice.answers import Refused, failed, succeeded
from heliograph.webservice.call import INVALID, Action, Answer, Asked, Means, Streamed

log = logging.getLogger("heliograph.webservice")

PATH = "/3.1/WebService"
SCHEMA = "XSD"
MOST_FIELDS = 200

XML = "text/xml; charset=utf-8"
NO_STORE = {"cache-control": "no-store"}
"""What is said of people is no cache's business."""

_BY_NAME = {action.name: action for action in ACTIONS}
_ACTION = re.compile(r"[A-Za-z]{1,64}", re.ASCII)


def routes(means: Means, settings: Settings) -> list[BaseRoute]:
    """The web service's one page."""
    door = Door(
        means=means,
        by_key=Limit(settings.key_rate, means.clock),
        by_address=Limit(settings.address_rate, means.clock),
        schema=files("heliograph.webservice").joinpath("schema.xsd").read_bytes(),
    )
    return [Route(PATH, door.answer, methods=["GET", "POST"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Answers calls."""

    means: Means
    by_key: Limit
    by_address: Limit
    schema: bytes

    async def answer(self, request: Request) -> Response:
        """One call, whatever it asks."""
        now = self.means.clock.now()
        id_ = request_id(now, new_id(now))
        root = "WebServiceResponse"
        try:
            fields = await _fields(request)
            said = fields.get("Action", "").strip()
            if said == SCHEMA:
                return Response(self.schema, media_type=XML)
            action = _action(said, reads_only=request.method != "POST")
            root = action.root
            asked = self._admitted(fields, id_, request)
            return _written(root, id_, await action.handler(self.means, asked))
        except Refused as refused:
            return _xml(failed(root, id_, refused))
        except CallerError as error:
            return _xml(failed(root, id_, Refused(INVALID, error.message)))
        except Unavailable as error:
            reply = plain_error(error)
            return Response(reply.body, reply.status, dict(reply.headers))
        except Exception:
            log.exception("a call failed", extra={"answer": root})
            fault = Refused("System Error", "This is a fault of ours; it was logged. Try again later.")
            return _xml(failed(root, id_, fault))

    def _admitted(self, fields: dict[str, str], id_: str, request: Request) -> Asked:
        """The call, if its credentials are an account's number and an API key of it. Raises `Refused`."""
        number, secret = fields.get("AccountId", "").strip(), fields.get("ApiKey", "").strip()
        key = self.means.directory.token(secret) if secret and secret.isascii() else None
        account = self.means.directory.account(number) if key is not None else None
        try:
            if key is None or account is None or key.kind != "api" or key.account != account.number:
                self.by_address.spend(site(request.client.host if request.client else ""))
                raise Refused(
                    "Authentication Error", "AccountId is the account's number, ApiKey an API key of it."
                )
            self.by_key.spend(key.id)
        except TooManyRequests as error:
            raise Refused("Throttled", error.message) from error
        return Asked(account, fields, id_, f"api key {key.public}")


async def _fields(request: Request) -> dict[str, str]:
    """What the form says; of a field that comes twice the last. Raises `Refused`."""
    body = (await request.body()).decode("utf-8", "replace") if request.method == "POST" else ""
    try:
        said = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        said += parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Refused(INVALID, f"A call has at most {MOST_FIELDS} fields, form-urlencoded.") from error
    return dict(said)


def _action(said: str, *, reads_only: bool) -> Action:
    action = _BY_NAME.get(said)
    if action is None:
        named = said if _ACTION.fullmatch(said) else "that"
        raise Refused("Unknown Action", f"There is no action {named}: {', '.join((SCHEMA, *_BY_NAME))}.")
    if reads_only and not action.reads:
        raise Refused("Unknown Action", f"{said} changes something: ask for it by POST.")
    return action


def _written(root: str, id_: str, answer: Answer) -> Response:
    if not isinstance(answer, Streamed):
        return _xml(succeeded(root, id_, answer))
    if not answer.zipped:
        return StreamingResponse(answer.chunks, media_type=XML, headers=NO_STORE)
    named = {"content-disposition": f'attachment; filename="{answer.name}.zip"'}
    return StreamingResponse(answer.chunks, media_type="application/zip", headers=NO_STORE | named)


def _xml(body: bytes) -> Response:
    return Response(body, headers=NO_STORE, media_type=XML)
