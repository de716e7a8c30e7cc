"""MessageGears' web service 3.1: a day's activities, summaries, and sending, by form and XML (MG-10, MG-11).

Comes in: `POST /3.1/WebService`, form-urlencoded, with `Action`, `AccountId` and `ApiKey` as fields (wire-facts 4.1);
those that only read may be asked by GET too. Goes out: XML in the vendor's namespace, described by `Action=XSD`; events
for jobs and messages. Errors are answers with status 200, as the vendor's clients expect them. An action is a value;
`heliograph.webservice.actions` lists them.
"""

from __future__ import annotations

from heliograph.webservice.call import Means
from heliograph.webservice.serving import routes

__all__ = ["Means", "routes"]
