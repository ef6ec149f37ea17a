"""Requests signed by botocore's own signer, for services that boto3 has no client for, and for tampering."""

import http.client
import json
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server.wire.toy import SECRET, Toy


def signed(
    endpoint: str, method: str, path: str, service: str, body: bytes, headers: dict[str, str], key: str = "AKIDOWNER"
) -> dict[str, str]:
    """Return `headers` with the signature of botocore."""
    request = AWSRequest(method=method, url=endpoint + path, data=body, headers=headers)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(key, SECRET), service, "us-east-1").add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def send(toy: Toy, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Send a request as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", toy.port, timeout=30)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def send_json(toy: Toy, service: str, target: str, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send a signed JSON call and return (status, answer)."""
    body = json.dumps(content).encode()
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1", "Host": f"127.0.0.1:{toy.port}"}
    status, answer = send(toy, "POST", "/", body, signed(toy.endpoint, "POST", "/", service, body, headers))
    return status, json.loads(answer)
