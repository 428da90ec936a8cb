"""The ledger: what is true of every job, in portable SQL; synchronous, each operation inside one transaction.

Two databases stand behind it (SQLite here, PostgreSQL in ``agent/queue/hosts``). Its functions take a
:class:`~agent.queue.ledger.database.Ledger` and assume that the caller has opened the transaction.
"""
