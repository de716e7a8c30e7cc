"""`make bench [ARGS=NAME ...]`: everything, or the named scenes, in one run, with the machine's facts."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    automations,
    compose,
    diagnoses,
    folds,
    http,
    images,
    jobs,
    latency,
    mails,
    notices,
    pictures,
    plugins,
    queues,
    readers,
    readtime_browser,
    readtimes,
    receivers,
    reports,
    service,
    timers,
    topics,
    webhooks,
)
from benchmarks.machine import facts
from benchmarks.report import Row, console, show

SCENES: dict[str, tuple[str, Callable[[Path], list[Row]]]] = {
    "http": ("Durable HTTP, one worker alone (the engine is measured elsewhere)", http.against_references),
    "plugins": ("What plug-ins send, one worker alone", plugins.mix),
    "batches": ("Batches, one worker alone", http.batches),
    "workers": ("Two workers and a writer", http.two_workers),
    "folds": ("Folds", folds.through_state),
    "automations": ("Automations, deciding alone, state in memory", automations.by_interest),
    "reports": ("Reports, one core", reports.through_reports),
    "reports-timeline": ("One person's history", reports.timeline),
    "images-timers": ("Live pictures: countdown timers", timers.against_others),
    "images-bars": ("Live pictures: progress bars, polls and rules, one core", pictures.drawn),
    "images-http": ("Live pictures over HTTP, one worker alone", images.over_http),
    "bounces-words": ("Why mail comes back", diagnoses.diagnoses),
    "bounces-notices": ("Mail that comes back", notices.notices),
    "compose": ("Composing mails, one core", compose.against_jinja),
    "readers": ("Who is reading", readers.readers),
    "readtime-cost": ("Opens with and without their read time, one worker alone", readtimes.cost),
    "readtime-held": ("Very many readers at once, one worker alone", readtimes.held),
    "readtime-browser": ("How well each technique measures in Chromium", readtime_browser.compared),
    "mails": ("Mails, made and sent", mails.mails),
    "latency": ("From answer to webhook, whole tree", latency.answer_to_webhook),
    "dialects": ("From answer to receipt, three dialects, whole tree", receivers.three_dialects),
    "receivers": ("One dead receiver among twenty, whole tree", receivers.with_one_dead),
    "webhooks": ("Signed webhooks from one engine core", webhooks.against_loops),
    "queues": ("Queues through boto3, one worker", queues.through_boto3),
    "jobs": ("Bulk jobs: a million recipients", jobs.a_million),
    "jobs-memory": ("Bulk jobs: what a sending engine holds, whole tree", jobs.memory),
    "topics": ("Topics, one endpoint", topics.notifications),
    "service": ("A day of activities through the web service, one core", service.a_day),
}


def main(names: list[str]) -> int:
    """Run the scenes of these names, `images` for all that begin with `images-` (`bounces` likewise); all without names."""
    chosen = [
        scene for scene in SCENES if not names or any(scene == n or scene.startswith(f"{n}-") for n in names)
    ]
    unknown = [name for name in names if not any(s == name or s.startswith(f"{name}-") for s in SCENES)]
    if unknown:
        console.print(f"There is no scene {unknown[0]}: {', '.join(SCENES)}")
        return 2
    missing = [
        program
        for program in ("wrk", "nginx")
        if shutil.which(program, path="/usr/bin:/usr/sbin:/bin") is None
    ]
    if missing:
        console.print(
            f"Not installed, so some figures are left out: {', '.join(missing)} (apt-get install wrk nginx-light)"
        )
    with tempfile.TemporaryDirectory(prefix="heliograph-bench-") as made:
        scratch = Path(made)
        console.print(facts(scratch))
        console.print("Load and server share these cores: read the ratios, not the absolute figures.\n")
        for name, (title, scene) in SCENES.items():
            if name not in chosen:
                continue
            if "wrk" in missing and scene.__module__.endswith(("http", "images", "plugins")):
                continue
            show(title, scene(scratch))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
