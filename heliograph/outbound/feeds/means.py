"""What deliveries are made with: handed to every sink."""

from __future__ import annotations

from dataclasses import dataclass, field

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.database import Reading
from heliograph.egress import Egress
from heliograph.journal.journal import Journal
from heliograph.outbound.feeds.delivery_log import DeliveryLog
from heliograph.outbound.feeds.figures import Attempts
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.surroundings import Recent
from heliograph.outbound.feeds.together import Together
from heliograph.queues.file import QueueFile
from heliograph.readers import Readers
from heliograph.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """`reading`: state, by an engine that only reads, so that it never waits for writers. `queues`: our own queues. `links`:
    connections that are no HTTP. `journal`: where what goes to a topic is recorded."""

    reading: Reading
    directory: Directory
    egress: Egress
    queues: QueueFile
    links: Links
    journal: Journal
    readers: Readers
    settings: Settings
    clock: Clock
    log: DeliveryLog = field(default_factory=DeliveryLog)
    attempts: Attempts = field(default_factory=Attempts)
    recent: Recent = field(default_factory=Recent)
    together: Together = field(default_factory=Together)
