"""Typst: one call that turns the transcribed book into a PDF/UA-1.

python bench/typst_peer.py FOLDER FILE           the whole program, for bench/measure.py
python bench/typst_peer.py FOLDER FILE WORD      a warm compiler after WORD, once, was changed; answers with its cost
"""

import sys
from pathlib import Path

import measure
import typst


def main(folder: Path, target: Path, word: str = "") -> None:
    """Write FILE from book.typ in FOLDER; with a word, write it again from the changed text and measure that alone."""
    source = folder / "book.typ"
    compiler = typst.Compiler(str(source), font_paths=[str(folder / "fonts")], ignore_system_fonts=True)
    compiler.compile(output=str(target), format="pdf", pdf_standards="ua-1")
    if word:
        source.write_text(source.read_text(encoding="utf-8").replace(word, word[::-1], 1), encoding="utf-8")
        with measure.clock() as sample:
            compiler.compile(output=str(target), format="pdf", pdf_standards="ua-1")
        measure.answer(sample)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
