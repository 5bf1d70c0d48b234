"""What drives schedule and sends. The ledger is the truth; an engine may die, repeat itself or be exchanged."""
