"""Navigating Your MS Care: one source of content becomes a digest and a book, sent once to everyone.

The stages, left to right; a value only ever moves to the right, and `flow` tells the story:

    content -> edition -> render -> check -> approve -> deliver -> report

This file imports nothing. Read `flow.py` first, then one file of `esps/`.
"""
