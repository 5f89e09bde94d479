"""Turns every exception of a FastAPI app of ours into one of our error answers.

Frameworks answer in shapes of their own and quote the caller's input; nothing of that gets out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.core.errors import (
    InternalError,
    MalformedRequest,
    NotFound,
    SealgateError,
)
from gateway.pipeline.exchange import WholeAnswer

Presenter = Callable[[SealgateError], WholeAnswer]

REQUEST_ID: Final = "sealgate.request_id"
"""Where the scope has the name of a call, if it has one: then every refusal says it."""


def install_refusals(
    app: FastAPI,
    present: Presenter,
    *,
    name_faults: Callable[[RequestValidationError], SealgateError] | None = None,
) -> None:
    """Make *app* answer every error through *present*.

    *name_faults* says what a request is that does not fit its shape; by default it is malformed.
    """
    invalid = name_faults or _malformed

    async def refuse(request: Request, error: Exception) -> Response:
        ours = invalid(error) if isinstance(error, RequestValidationError) else _as_ours(error)
        response = refusal(ours, present)
        if REQUEST_ID in request.scope:
            response.headers["Request-Id"] = request.scope[REQUEST_ID]
        return response

    for kind in (
        SealgateError,
        RequestValidationError,
        HTTPException,
        Exception,
    ):
        app.add_exception_handler(kind, refuse)


def refusal(error: SealgateError, present: Presenter) -> Response:
    """Return *error* as a response with the headers that belong to it."""
    answer = present(error)
    headers = {"Cache-Control": "no-store"}
    headers |= {name.decode("ascii"): value.decode("ascii") for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, media_type=answer.content_type)


def _as_ours(error: Exception) -> SealgateError:
    if isinstance(error, SealgateError):
        return error
    if isinstance(error, HTTPException):
        # The framework raises these for unknown paths, methods and bodies that are no JSON.
        return MalformedRequest() if error.status_code == 400 else NotFound()
    return InternalError()


def _malformed(error: RequestValidationError) -> SealgateError:
    """Name the fields of ours that are wrong: never their values, never a name the caller chose."""
    names = {
        str(fault["loc"][1])
        for fault in error.errors()
        if len(fault["loc"]) > 1
        and isinstance(fault["loc"][1], str)
        and fault["type"] != "extra_forbidden"
        and fault["type"] != "json_invalid"
    }
    if not names:
        return MalformedRequest(
            "The request could not be parsed or holds a field that does not exist."
        )
    return MalformedRequest(f"Missing or invalid: {', '.join(sorted(names))}.")
