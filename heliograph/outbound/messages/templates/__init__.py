"""The templates' language, and a template with its values -> subject, HTML and text, or the parts of another channel. Pure.

`parts` names what a template consists of, `compose` is the way in: it has HTML made (`mjml`, `inlining`), once for each
version, Liquid run in its box (`sandbox`, `filters`, `live`), and the text written (`plaintext`). What it made goes to
`outbound.messages.mail`.
"""
