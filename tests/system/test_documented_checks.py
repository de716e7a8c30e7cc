"""The checks of topics' messages that the documentation shows, run as they stand there. SNS-3, SNS-4

The certificate is fetched over TLS from a server whose authority the programs are told to trust.
"""

from __future__ import annotations

import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pages import blocks, run, written

from heliograph.accounts.certificates import ensure_certificate, public_certificate, signing_certificate
from heliograph.database import memory_state
from heliograph.outbound.topics import notices
from heliograph.outbound.topics.signer import Signer

PAGE = "how-to/sns-feeds.md"
TOPIC = "arn:aws:sns:us-east-1:123456789012:ea_account"
NOW = 1_700_000_000_042_000
SELF_SIGNED = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
    *("-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"),
    *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
)


class Host(NamedTuple):
    """Where the certificate lies, who signs with it, and what makes programs trust the server."""

    name: str
    signer: Signer
    environ: dict[str, str]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    state, folder = memory_state(), tmp_path_factory.mktemp("tls")
    ensure_certificate(state, "https://localhost", NOW)
    certificate = signing_certificate(state)
    with state.connect() as connection:
        pem = public_certificate(connection, certificate.id)

    class Served(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(pem)))
            self.end_headers()
            self.wfile.write(pem)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    subprocess.run(SELF_SIGNED, cwd=folder, check=True, capture_output=True)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    trusted = str(folder / "cert.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        name = f"localhost:{server.server_port}"
        trust = {"SSL_CERT_FILE": trusted, "NODE_EXTRA_CA_CERTS": trusted, "HOST": name}
        yield Host(name, Signer(certificate, f"https://{name}"), trust)
        server.shutdown()


@pytest.mark.parametrize("language", ["python", "js", "php"])
def test_a_check_tells_genuine_messages_from_all_others(tmp_path: Path, host: Host, language: str) -> None:
    """SNS-3, SNS-4: both versions, all types; another text, another type, and a certificate that lies elsewhere."""
    (text,) = [b.text for b in blocks(PAGE) if (b.language, b.name) == (language, "verify")]
    program = written(tmp_path, language, text)

    def said(message: dict[str, Any]) -> str:
        return run(language, program, stdin=notices.body(message), **host.environ).strip()

    told = notices.notification("id-1", TOPIC, 'a "quote"\n and 😀', "", NOW)
    titled = notices.notification("id-2", TOPIC, "m", "Title", NOW)
    link = f"https://{host.name}"
    asking = notices.confirmation("SubscriptionConfirmation", "id-3", TOPIC, TOPIC, "t" * 32, link, NOW)
    one = host.signer.signed(told, "1")
    assert json.loads(notices.body(one)) == one
    assert said(one) == "genuine"
    assert said(host.signer.signed(titled, "2")) == "genuine"
    assert said(host.signer.signed(asking, "1")) == "genuine"
    assert said({**one, "Message": "another"}) == "forged"
    assert said({**one, "Subject": "slipped in"}) == "forged"
    assert said({**one, "SignatureVersion": "3"}) == "forged"
    elsewhere = one["SigningCertURL"].replace("localhost", "127.0.0.1")
    assert said({**one, "SigningCertURL": elsewhere}) == "forged"
    assert said({**one, "SigningCertURL": one["SigningCertURL"].replace("https:", "http:")}) == "forged"
