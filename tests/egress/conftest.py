"""Receivers on real sockets that behave as the world does: well, badly, and with malice."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from raw_receiver import OK, Authority, Behaviour, MakeEgress, Receiver, Serve

from heliograph.egress import Egress, Resolve
from heliograph.settings import Settings


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a receiver: `await serve(lambda receiver: behaviour, tls=..., host=...)`."""
    servers: list[asyncio.Server] = []

    async def start(
        behaviour: Callable[[Receiver], Behaviour] = lambda receiver: receiver.answering(OK),
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> Receiver:
        receiver = Receiver()
        behave = behaviour(receiver)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            receiver.connections += 1
            try:
                await behave(reader, writer)
            except ConnectionError:
                pass
            finally:
                receiver.ended.set()
                writer.close()

        server = await asyncio.start_server(connected, host, 0, ssl=tls)
        servers.append(server)
        receiver.port = server.sockets[0].getsockname()[1]
        return receiver

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def door() -> AsyncIterator[MakeEgress]:
    """Make an egress: `door(allow=(...), resolve=..., tls=...)`; loopback is allowed unless said otherwise."""
    made: list[Egress] = []

    def make(
        *,
        allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128"),
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Egress:
        egress = Egress(Settings(egress_allow=allow), resolve=resolve, tls=tls)
        made.append(egress)
        return egress

    yield make
    for egress in made:
        await egress.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("tls")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Test Root", root_key, "Test Root", root_key, authority=True)
    leaf = _certificate("receiver.test", key, "Test Root", root_key, authority=False)
    (folder / "root.pem").write_bytes(root)
    (folder / "leaf.pem").write_bytes(leaf + _pem(key))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "leaf.pem")
    return Authority(ssl.create_default_context(cafile=Path(folder / "root.pem")), serving)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("receiver.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(_usage(authority), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _usage(authority: bool) -> x509.KeyUsage:
    """What RFC 5280 asks of a key, which Python 3.13 looks at."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
