"""moto as plain WSGI applications, one for each borrowed service, without moto's own server (and so without Flask).

Flow: environ -> moto's Request -> the first entry of its url table that matches the raw path -> (status, headers, body).
Rules: only the url table and the calling convention of its handlers are used (what moto's botocore stubber uses too; the same from
5.0.0 to 5.2.5), never its backends. What moto does not implement is 501, what it trips over is 500 with the traceback in the log.
Refuses to know: signatures, authorisation, and whose request it is (told by `Target`). One thread only: moto is not thread-safe.
"""

import io
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from localorg.protocol.http import WireRequest, WireResponse

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
ACCOUNT_HEADER = "x-moto-account-id"
DROPPED = frozenset({ACCOUNT_HEADER, "authorization", "host", "content-length", "transfer-encoding", "expect", "connection"})


def make_app(service: str, log: logging.Logger) -> WsgiApp:
    """Return moto's `service` as a WSGI application. Importing it takes about a second the first time."""
    from moto import backends  # noqa: PLC0415 - heavy, and only wanted on moto's own thread
    from moto.core.request import Request  # noqa: PLC0415
    from werkzeug.exceptions import HTTPException  # noqa: PLC0415

    find: Any = backends.get_backend  # typed by moto for each service's literal name only
    regional = find(service)["123456789012"]
    backend = regional["us-east-1" if "us-east-1" in regional else "aws"]  # any one will do: all have the same url table
    table = [(re.compile(url.replace("{0}", "", 1)), handler) for url, handler in backend.url_paths.items()]

    def answer(environ: dict[str, Any]) -> tuple[int, Mapping[str, Any], Any]:
        request = Request(environ)
        handler = next((handler for pattern, handler in table if pattern.match(request.raw_path)), None)
        if handler is None:
            return 501, {}, b""
        try:
            return _triple(handler(request, request.raw_url, dict(request.headers)))
        except HTTPException as refusal:
            return refusal.code or 500, dict(refusal.get_headers()), refusal.get_body()
        except NotImplementedError:
            return 501, {}, b""
        except Exception:  # the rim of a borrowed library: whatever it trips over is a 500, not the end of the server
            log.exception("moto failed on %s %s", request.method, request.raw_path)
            return 500, {}, b""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = answer(environ)
        start_response(f"{status} moto", [(name, str(value)) for name, value in headers.items()])
        if isinstance(body, str | bytes):
            return [body.encode("utf-8") if isinstance(body, str) else body]
        return (part.encode("utf-8") if isinstance(part, str) else part for part in body)

    return app


def forget(service: str) -> None:
    """Empty moto's `service` for every account; its state belongs to the process, not to an organization. On moto's thread."""
    from moto import backends  # noqa: PLC0415 - as above

    find: Any = backends.get_backend
    for account in find(service).values():
        account.reset()


def _triple(result: Any) -> tuple[int, Mapping[str, Any], Any]:
    if isinstance(result, tuple) and len(result) == 3:
        return int(result[0]), result[1], result[2]
    return 200, {}, result


@dataclass(frozen=True)
class Target:
    """Whose state a request is for."""

    service: str
    account: str
    region: str


def call(app: WsgiApp, target: Target, request: WireRequest) -> WireResponse:
    """Perform `request` on `app` as `target.account`; on moto's thread."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        started.append((status, headers))

    parts = list(app(_environ(target, request), start_response))
    status, headers = started[0]
    kept = {name.lower(): value for name, value in headers if name.lower() not in {"server", "date", "connection"}}
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    if request.method != "HEAD":
        kept.pop("content-length", None)
    return WireResponse(int(status.split(" ")[0]), kept, body)


def _environ(target: Target, request: WireRequest) -> dict[str, Any]:
    """The environ of `request`, with the account and Region that we have verified instead of what the client says."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(request.path, "latin-1"),
        "RAW_URI": f"{request.path}?{request.query}" if request.query else request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_X_MOTO_ACCOUNT_ID": target.account,
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=LOCALORG/20000101/{target.region}/{target.service}/aws4_request,",
    }
    names: dict[str, str] = {}
    for name, value in request.headers.items():
        # In an environ `-` and `_` are one: x_moto_account_id would stand where the account that we have verified stands.
        if name in DROPPED or ("_" in name and not name.startswith("x-amz-meta-")):
            continue
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        if "_" in name and name.startswith("x-amz-meta-"):
            names[f"HTTP_{key}"] = name
    environ["moto.preserved_header_names"] = names
    return environ
