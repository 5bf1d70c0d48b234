"""Chapters set as HTML, for every format that is made of the book; shared by formats, writes nothing itself."""
