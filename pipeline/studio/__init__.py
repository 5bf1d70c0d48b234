"""The team's preview and approval room: every edition and the book in a browser, live, on this machine only.

    server      the server on loopback             pages       the pages of the editions, and what they show
    door        one token, used once, lets in      approving   the form that lets exactly the shown bytes go
    room        what is shown, always of now       book        the pages of the book
    looks       one edition or the book as shown   drawn       how a page is drawn and answered
    panes       the mail in five ways of reading   wording     what a page says, in plain words
    places      where in the mail a finding is     leaves      pages of a PDF as pictures
    watching    saved files                        bindery     the book, rendered in the background
    streams     what browsers are told             binding     the process in which it is rendered

It renders into out/ and writes approvals; it never sends anything.
"""

from pipeline.studio.server import running, serve

__all__ = ["running", "serve"]
