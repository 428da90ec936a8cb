"""The queue for several hosts: the same ledger in PostgreSQL, with Procrastinate as the engine that hands out lanes.

A tenant with a limit of n has n *lanes*, ``tenant/0`` to ``tenant/n-1``. A *ticket*, a task of Procrastinate with the
lane as its lock, says "there is work for this lane". Whoever runs it claims the tenant's next job from the ledger,
keeps the lane while the job runs, and lets it go at the end. So the engine decides which host works, and sees when one
dies; the ledger decides on what, in the one order that both adapters have, and knows who still may put something on
record.

Needs the extra: ``pip install 'procore-directory-agent[postgres]'``.
"""
