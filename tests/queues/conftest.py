"""A server of queues in its own process, and clients of Amazon's making for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from free_ports import free_port
from queue_application import KEYS

SERVER = """
import sys
sys.path.insert(0, sys.argv[1])
from granian import Granian
Granian("queue_application:create", factory=True, interface="rsgi", port=int(sys.argv[2]), websockets=False,
        workers=2, log_level="warning").serve()
"""


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's; two workers share the file."""
    port = free_port()
    data: Path = tmp_path_factory.mktemp("queues")
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(Path(__file__).parent), str(port)],
        env=os.environ | {"QUEUES": str(data), "BASE_URL": base},
    )
    end = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
    yield base
    process.send_signal(signal.SIGTERM)
    process.wait(90)


@pytest.fixture(scope="session")
def client(url: str) -> Callable[..., Any]:
    """An SQS client of an account: `client("AKIASECOND")`."""

    def made(key: str = "AKIAFIRST", secret: str | None = None, service: str = "sqs") -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret or KEYS[key][1],
            config=Config(retries={"max_attempts": 0}, user_agent_extra="test"),
        )

    return made


@pytest.fixture(scope="session")
def sqs(client: Callable[..., Any]) -> Any:
    """The first account's client."""
    return client()


@pytest.fixture
def queue(sqs: Any) -> str:
    """The URL of a new queue."""
    return str(sqs.create_queue(QueueName=f"q{uuid.uuid4().hex[:12]}")["QueueUrl"])
