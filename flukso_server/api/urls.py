# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's root, with one form of errors and documentation from local files."""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Swagger
from ninja.errors import AuthenticationError, HttpError, ValidationError

from flukso_server.api import accounts, bills, corrections, devices, series
from flukso_server.api.auth import AUTHENTICATED

api = NinjaAPI(
    title="Flukso",
    version="1",
    urls_namespace="api-1",
    description="Your devices, sensors, tokens and series. Say who you are with a token: "
    "`Authorization: Bearer <32 hex digits>`.",
    docs=Swagger(settings={"persistAuthorization": False}),
    docs_url="docs",
    auth=AUTHENTICATED,
)
api.add_router("", accounts.router)
api.add_router("", bills.router)
api.add_router("", devices.router)
api.add_router("", series.router)
api.add_router("", corrections.router)


def _error(request: HttpRequest, status: int, text: str) -> HttpResponse:
    return api.create_response(request, {"error": text}, status=status)


@api.exception_handler(HttpError)
def _http_error(request, error):
    return _error(request, error.status_code, str(error))


@api.exception_handler(AuthenticationError)
def _unauthenticated(request, error):
    return _error(request, 401, "a session or a token is needed")


@api.exception_handler(ValidationError)
def _invalid(request, error):
    places = sorted(
        {
            ".".join(str(part) for part in each["loc"][1:]) or str(each["loc"][0])
            for each in error.errors
        }
    )
    return _error(request, 422, "cannot be taken: " + ", ".join(places)[:500])
