"""Every resource of the API. Adding one adds its module and one line here."""

from __future__ import annotations

from heliograph.api.call import Resource
from heliograph.api.resources import erasures, people, templates

RESOURCES: tuple[Resource, ...] = (
    people.RESOURCE,
    erasures.RESOURCE,
    templates.RESOURCE,
)
