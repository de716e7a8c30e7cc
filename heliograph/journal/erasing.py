"""Erasure in place: entries are blanked or rewritten, a piece at a time, between the writer's commits.

The index learns the new subject before a piece is changed and unlearns the old one after: whatever a crash
leaves behind in it points to nothing, and is found and removed when the erasure is asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from heliograph.journal.file_reader import FileReader
from heliograph.journal.journal import Rewrite
from heliograph.journal.journal_file import JournalFile
from heliograph.journal.subject_index import SubjectIndex

PIECE = 500
"""Entries blanked in one transaction: others wait for the writer some 20 ms meanwhile."""


@dataclass(slots=True)
class Erasure:
    """One erasure on its way. `step` until it is `done`; `after` is the place that it has reached."""

    account: str
    subjects: Sequence[str]
    replacement: str
    changed: int = 0
    after: int = 0
    done: bool = False

    def step(self, file: JournalFile, reader: FileReader, index: SubjectIndex) -> None:
        """Blank the next piece. Called by the thread that writes."""
        index.catch_up(reader)
        places = list(islice(index.places(self.subjects, self.after), PIECE))
        if not places:
            self.done = True
            return
        index.add((seq, self.replacement) for seq in places)
        self.changed += file.erase(places, self.subjects, self.account, self.replacement)
        index.forget(places, self.subjects, dict(reader.subjects_at(places)))
        self.after = places[-1]


@dataclass(slots=True)
class Rewriting:
    """Entries of others that an erasure changes, on its way; otherwise as `Erasure`."""

    account: str
    changes: Sequence[Rewrite]
    changed: int = 0
    after: int = 0
    done: bool = False

    def step(self, file: JournalFile, reader: FileReader, index: SubjectIndex) -> None:
        """Change the next piece. Called by the thread that writes."""
        index.catch_up(reader)
        piece = self.changes[self.after : self.after + PIECE]
        if not piece:
            self.done = True
            return
        places = [change.seq for change in piece]
        before = {subject for _, subject in reader.subjects_at(places)}
        index.add((change.seq, change.subject) for change in piece)
        self.changed += file.rewrite(piece, self.account)
        index.forget(places, before, dict(reader.subjects_at(places)))
        self.after += PIECE
