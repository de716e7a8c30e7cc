"""S3, Amazon's or another's: `s3://BUCKET[/PREFIX]` (extra `aws`). Keys, region and endpoint are found as the AWS tools find
them: `AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_S3` ...
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from heliograph.outbound.daily.target import Exists, Failed, Outcome, Put, Target
from heliograph.settings import Settings

TAKEN = frozenset(("PreconditionFailed", "ConditionalRequestConflict"))
"""What S3 answers to a conditional write of a name that is taken, or is being taken."""


async def put(address: str, files: Sequence[Path], settings: Settings) -> list[Outcome]:
    """Write on the condition that the name is free (`If-None-Match: *`); looked at before, for stores that know no
    conditions."""
    try:
        boto3, exceptions = importlib.import_module("boto3"), importlib.import_module("botocore.exceptions")
    except ImportError:
        return [Failed("s3:// needs the extra: pip install 'heliograph[aws]'")] * len(files)
    parts = urlsplit(address)
    prefix = parts.path.strip("/")

    def work() -> list[Outcome]:
        try:
            client = boto3.client("s3")
        except (exceptions.BotoCoreError, ValueError) as error:  # no region, no such endpoint
            return [Failed(str(error))] * len(files)
        names = [f"{prefix}/{file.name}" if prefix else file.name for file in files]
        return [_put(exceptions, client, parts.netloc, *both) for both in zip(names, files, strict=True)]

    return await asyncio.to_thread(work)


def _put(exceptions: Any, client: Any, bucket: str, name: str, file: Path) -> Outcome:
    try:
        if (
            client.list_objects_v2(Bucket=bucket, Prefix=name, MaxKeys=1).get("Contents", [{}])[0].get("Key")
            == name
        ):
            return Exists()
        client.put_object(
            Bucket=bucket, Key=name, Body=file.read_bytes(), ContentType="application/zip", IfNoneMatch="*"
        )
    except exceptions.ClientError as error:
        return Exists() if error.response["Error"]["Code"] in TAKEN else Failed(str(error))
    except exceptions.BotoCoreError as error:
        return Failed(str(error))
    return Put()


TARGET = Target(scheme="s3://", put=put)
