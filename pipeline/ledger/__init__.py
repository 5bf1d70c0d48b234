"""The send ledger: one row a (send, subscriber), written before anything leaves.

For each batch: commit the claim, commit what will be pushed, push, commit the outcome. What a dead
process leaves behind says how far it came: CLAIMED never left, INFLIGHT may have. Nothing is ever
known by a high-water mark. Every function takes an open transaction, or opens one of its own.
"""

from pipeline.ledger._batches import claim, close, doubt, exclude, hand_back, key_of, pushing, record, split
from pipeline.ledger._reading import batches, deliveries, exclusions, next_due, open_batches, resting_state, tally
from pipeline.ledger._records import Claim, Seat, Send
from pipeline.ledger._repairs import adopt, reprieve, settle
from pipeline.ledger._sends import by_id, discard, find, freeze, reopen, rest, sends

__all__ = [
    "Claim",
    "Seat",
    "Send",
    "adopt",
    "batches",
    "by_id",
    "claim",
    "close",
    "deliveries",
    "discard",
    "doubt",
    "exclude",
    "exclusions",
    "find",
    "freeze",
    "hand_back",
    "key_of",
    "next_due",
    "open_batches",
    "pushing",
    "record",
    "reopen",
    "reprieve",
    "rest",
    "resting_state",
    "sends",
    "settle",
    "split",
    "tally",
]
