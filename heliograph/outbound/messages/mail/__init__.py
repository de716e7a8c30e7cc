"""What a mail consists of, and what may be in it: addresses, headers, tracked links, files, bytes, signatures. Pure.

`instrument` changes the HTML that `outbound.messages.templates` made, `mime` puts the mail together, `dkim` signs it;
`outbound.messages.making` calls them in this order, for each mail.
"""
