"""A local sending service that speaks the real dialects: SendGrid v3 and Resend, for demo, tests and load.

    server      the application and its server       pages      the inbox in a browser
    desk        the order of one sending call        witness    what tests ask
    sendgrid*   SendGrid's rules and answers         faults     what goes wrong, and when
    resend*     Resend's rules and answers           calls      counts, keys in use, held calls
    store       what was taken (SQLite)              wire       the values between them

It never sends anything anywhere.
"""

from pipeline.sandbox.server import app, running, serve

__all__ = ["app", "running", "serve"]
