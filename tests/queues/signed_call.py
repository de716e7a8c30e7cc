"""A request as no SDK would make it, under a right signature: botocore signs whatever it is given."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

JSON = "application/x-amz-json-1.0"
FORM = "application/x-www-form-urlencoded"


def ask(url: str, body: str | bytes, headers: Mapping[str, str]) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, body and headers of the answer, names in lower case."""
    request = AWSRequest("POST", f"{url}/", data=body, headers=dict(headers))
    SigV4Auth(Credentials("AKIAFIRST", "secret/one+x"), "sqs", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=90)
    connection.request("POST", "/", body, dict(request.headers))
    answer = connection.getresponse()
    found = answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return found
