"""Stock WeasyPrint: one call that turns the finished HTML of the whole book into a PDF with tags and form fields.

python bench/weasyprint_peer.py HTML FILE
"""

import sys

import weasyprint

if __name__ == "__main__":
    weasyprint.HTML(filename=sys.argv[1]).write_pdf(sys.argv[2], pdf_variant="pdf/ua-1", pdf_forms=True)
