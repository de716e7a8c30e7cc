"""Context records and the web service on a whole engine: imported, looked up, erased; called and streamed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

from free_ports import free_port
from running_engine import Engine, bytes_of

NAMESPACE = "{http://messagegears.com/3.1/webService}"
ADDRESS = "rec.erasable@x.example"


def files_with(data: Path, word: str) -> list[str]:
    return [path.name for path in data.glob("*.db*") if word.encode() in bytes_of(path)]


def look_up(engine: Engine, *ids: str) -> tuple[int, object]:
    headers = {"authorization": engine.keys["api_key"]}
    query = urlencode([("data", one) for one in ids])
    status, body, _ = engine.get(f"/v5/engage/context?{query}", headers)
    return status, json.loads(body)


def test_records_are_imported_looked_up_and_erased_with_their_person(
    launch: Callable[..., Engine], tmp_path: Path
) -> None:
    """MG-7, STD-7"""
    engine = launch(workers=2)
    rows = [
        "key,tier,mail",
        f"{ADDRESS},gold,{ADDRESS}",
        f"k2,tin,{ADDRESS}",
        ",none,",
        "a/b,x,y",
        "k3,iron,z",
    ]
    (tmp_path / "r.csv").write_text("\n".join(rows) + "\n")
    report = tmp_path / "refused.csv"
    command = ("import", str(tmp_path / "r.csv"), "--what", "records", "--refused", str(report))
    assert engine.run(*command).returncode == 2, "a data source must be named"
    done = engine.run(*command, "--prefix", "TIERS")
    assert "5 rows, 2 refused, 3 events recorded" in done.stdout, done.stderr + done.stdout
    assert len(report.read_text().splitlines()) == 3
    engine.until(lambda: look_up(engine, "TIERS-k3")[0] == 200)
    engine.event("customers/create", {"id": 7, "email": ADDRESS})
    engine.until(lambda: engine.run("people", "export", ADDRESS).returncode == 0)
    found = look_up(engine, f"TIERS-{ADDRESS}", "TIERS-k2", "TIERS-none")
    assert found == (
        200,
        {
            f"TIERS-{ADDRESS}": {"tier": "gold", "mail": ADDRESS},
            "TIERS-k2": {"tier": "tin", "mail": ADDRESS},
            "TIERS-none": None,
        },
    )
    assert engine.run("people", "erase", ADDRESS).returncode == 0
    _, after = look_up(engine, f"TIERS-{ADDRESS.replace('rec', 'other')}", "TIERS-k2", "TIERS-k3")
    assert after["TIERS-k2"]["tier"] == "tin"  # type: ignore[index]
    assert ADDRESS not in json.dumps(after)
    status, _ = look_up(engine, f"TIERS-{ADDRESS}")
    assert status == 404
    assert engine.stop() == 0
    left = [name for name in files_with(engine.data, ADDRESS) if name.startswith("state")]
    assert left == []


def test_the_web_service_streams_a_day_and_sends(launch: Callable[..., Engine]) -> None:
    """MG-10, MG-11: over a real socket, whole and as a zip archive."""
    engine = launch(HELIOGRAPH_SMTP_RELAY=f"smtp://127.0.0.1:{free_port()}")
    account = {"AccountId": engine.keys["account"], "ApiKey": engine.keys["api_key"]}
    form = {"content-type": "application/x-www-form-urlencoded"}

    def call(action: str, **said: str) -> tuple[int, bytes]:
        body = urlencode({"Action": action, **account, **said}).encode()
        status, answer, _ = engine.raw_post("/3.1/WebService", body, form)
        return status, answer

    job = {
        "FromAddress": "news@x.example",
        "SubjectLine": "Hello ${Recipient.Nobody}",
        "TextTemplate": "x",
        "RecipientXml": "<Recipient><EmailAddress>joe@x.example</EmailAddress></Recipient>",
    }
    status, answer = call("TransactionalJobSubmit", **job)
    request_id = ElementTree.fromstring(answer).findtext(NAMESPACE + "RequestId")
    assert status == 200 and b"REQUEST_SUCCESSFUL" in answer
    engine.until(lambda: engine.exported("message.render_failed"))
    (failed,) = engine.exported("message.render_failed")
    day = failed["recorded"][:10]
    status, answer = call("AccountActivity", ActivityType="RENDER_ERRORS", ActivityDate=day)
    item = ElementTree.fromstring(answer).find(f"{NAMESPACE}ActivityItems/{NAMESPACE}RenderErrorActivity")
    assert item is not None
    assert item.findtext(NAMESPACE + "RequestId") == request_id
    assert item.findtext(NAMESPACE + "ActivityId") == failed["id"]
    _, zipped = call("AccountActivity", ActivityType="RENDER_ERRORS", ActivityDate=day, UseCompression="true")
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert failed["id"].encode() in archive.read(archive.namelist()[0])
    assert call("AccountSummary", ActivityDate=day, ApiKey="wrong")[0] == 200
    assert call("TransactionalJobSubmit", **{**job, "RecipientXml": "x" * 3_000_000})[0] == 413
    assert engine.get("/3.1/WebService?Action=XSD")[0] == 200
