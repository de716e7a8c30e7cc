"""What happens when a template is written: it is checked, looked at, tried and saved. Nothing here is on a mail's way out.

`saving` makes the events, and has `lint` (with `nesting`) refuse what cannot be rendered; `reach` looks whether pictures
can be fetched; `preview` shows what comes of a template. The API and the command line call them.
"""
