"""Queues for receivers who fetch: Amazon SQS's API over `heliograph.queues`, for boto3 and older SDKs alike."""

from __future__ import annotations

from heliograph.outbound.queues.service import sqs_service

__all__ = ["sqs_service"]
