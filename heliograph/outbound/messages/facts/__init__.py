"""What is known when a message is to go, read from state: whether it may, and what its template is filled with.

`look` is the way in; `objects` and `lookups` are what it finds for a template that names carts, orders, context records.
What decides and what makes (`outbound.messages.permission`, `outbound.messages.making`) is given what was seen.
"""
