"""The audience: subscribers with their consent, those who left, and who may be mailed at this moment.

Being on this list reveals a diagnosis. Addresses are stored encrypted, found by a blind index, and
after erasure only a keyed hash stays. No function puts an address into an error, a log or a repr.
"""

from pipeline.audience._addresses import normalise
from pipeline.audience._exporting import export
from pipeline.audience._importing import ImportReport, import_csv
from pipeline.audience._joining import UNCONFIRMED, confirm, forget_unconfirmed, sign_up
from pipeline.audience._readers import (
    Sendable,
    count,
    erase,
    members,
    sendable,
    suppress,
    test_members,
    unsubscribe,
    unsubscribe_address,
    unsubscribe_url,
)
from pipeline.audience._tables import Suppression, check_key

__all__ = [
    "UNCONFIRMED",
    "ImportReport",
    "Sendable",
    "Suppression",
    "check_key",
    "confirm",
    "count",
    "erase",
    "export",
    "forget_unconfirmed",
    "import_csv",
    "members",
    "normalise",
    "sendable",
    "sign_up",
    "suppress",
    "test_members",
    "unsubscribe",
    "unsubscribe_address",
    "unsubscribe_url",
]
