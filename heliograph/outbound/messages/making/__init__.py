"""A message that may go and what is known of it -> a finished mail, in whichever process; and the files that it takes along.

`letters` makes a mail, `workshop` takes orders for it, `makers` runs the processes in which workshops are; what comes out
goes back to `outbound.messages.dispatch`. `enclosing` and `fetching` get files, when asked for and when sent.
"""
