"""Plans for jobs about many people: the members of a project, and distribution groups; pure.

As for one person (:mod:`agent.plan`): what was seen (:class:`~.roster.Roster`) and what the job wants become what is
wanted in the tenant's own names, or every problem at once; from the difference come ordered steps; and each step says
how it shows in a list read afresh and in the Change History.
"""
