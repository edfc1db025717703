"""The route that Slack posts to, when it reaches the advisor over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from slack_bolt import App, BoltRequest
from slack_sdk.signature import SignatureVerifier

from integrations.slack.workers import Workers

PATH = "/slack/events"
MOST_BYTES = 1_000_000


def create_router(app: App, signing_secret: str, workers: Workers) -> APIRouter:
    """Return the route. What is not signed by Slack, not recent or not a request at all does no work.

    The workers live as long as the server.
    """

    @asynccontextmanager
    async def work(_: object) -> AsyncIterator[None]:
        workers.start()
        yield
        await run_in_threadpool(workers.stop)

    router = APIRouter(lifespan=work)
    verifier = SignatureVerifier(signing_secret)

    @router.post(PATH, include_in_schema=False)
    async def events(request: Request) -> Response:
        stamp = request.headers.get("x-slack-request-timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16) or not request.headers.get(
            "x-slack-signature"
        ):
            return Response("Not a request of Slack.", status_code=400)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return Response("Too long.", status_code=413)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return Response("Not text.", status_code=400)
        if not verifier.is_valid(text, stamp, request.headers["x-slack-signature"]):
            return Response("Not signed by Slack, or too old.", status_code=401)
        try:
            asked = BoltRequest(body=text, query=str(request.query_params), headers=dict(request.headers))
        except (ValueError, AttributeError, TypeError):
            return Response("Not a request of Slack.", status_code=400)
        reply = await run_in_threadpool(app.dispatch, asked)
        return Response(reply.body, status_code=reply.status, headers=reply.first_headers_without_set_cookie())

    return router
