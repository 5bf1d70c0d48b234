"""ONE FILE = ONE OUTPUT. Each names its KIND and TEMPLATES and has `render(item, material) -> list[model.Output]`.

KIND is "edition", "book" or "site", on a line of its own: it is read without loading the format. TEMPLATES are the
files and folders below templates/ that it reads. A format is pure but for reading those: the same item and material
give the same bytes. Formats run in the order of their names; `material.made` holds the files of those before. Files
that begin with an underscore are shared by formats and write nothing.
"""
