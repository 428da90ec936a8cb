"""The audit trail: a ledger per tenant that nobody can change unseen, and what an outsider needs to check it."""
