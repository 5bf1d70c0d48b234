"""The sending services: ONE FILE = ONE SERVICE, found by its name; see docs/adding-a-service.md.

A service is pure functions and facts (`sendgrid`, `resend`): a batch in, a request out; an answer in,
one outcome a recipient out. `_registry` finds them and says what each must have, `_http` alone talks to
the network, `_answers` judges what is no success, `_bodies` makes what all bodies share.
This file imports nothing.
"""
