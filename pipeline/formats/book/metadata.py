"""What an archived file says of itself: PDF/A-3a and PDF/UA-1 at once.

WeasyPrint declares one standard for each file. PDF/A asks that every name outside its own list is described, so the
second declaration comes with a description of its only name.
"""

from typing import Any

_DECLARED = b"""\
<rdf:Description xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about="" pdfuaid:part="1"/>
<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" \
xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of PDF/UA that the file conforms to</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""


def declare(metadata: Any, *, archive: bool) -> None:
    """Have a WeasyPrint document's metadata declare PDF/UA-1 beside PDF/A-3a; any other is left as it is."""
    if not archive:
        return
    original = metadata.generate_rdf_metadata

    def both(*arguments: object, **options: object) -> bytes:
        stock: bytes = original(*arguments, **options)
        return stock.replace(b"</rdf:RDF>", _DECLARED + b"</rdf:RDF>")

    metadata.generate_rdf_metadata = both
