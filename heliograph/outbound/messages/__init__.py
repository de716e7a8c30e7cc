"""From `message.requested` to someone's hands: permission, composition, instrumentation, channels, dispatch.

    a message is wanted -> facts, permission -> making: templates, then mail -> channels -> what became of it is told

`dispatch` is the act that walks this way, at most once when in doubt (`attempts`, `told`); texts and push messages are made
in `texts`. Aside from it: `authoring`, when a template is written, and `sent` and `web_copy`, a mail made again to be read.
The order of these rooms is in `docs/architecture.md`.
"""
