"""Stock WeasyPrint: one call that turns the finished HTML of the whole book into a PDF with tags and form fields.

python bench/weasyprint_peer.py FOLDER FILE
"""

import sys
from pathlib import Path

import measure
import weasyprint


def main(folder: Path, target: Path) -> None:
    """Write FILE from book.html and book.css in FOLDER; answer with the cost of the whole process."""
    html = weasyprint.HTML(filename=folder / "book.html")
    html.write_pdf(target, stylesheets=[folder / "book.css"], pdf_variant="pdf/ua-1", pdf_forms=True)
    measure.answer({"cpu": measure.cpu_seconds(), "peak": measure.peak_megabytes()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
