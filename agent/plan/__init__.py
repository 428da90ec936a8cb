"""From how a person is and how the person shall be to ordered steps; pure.

The runner's way through this package::

    lookups = lookups_for(job)                             # correlate: what to search in the Directory
    sighting = settle(job, correlation, new_address)       # correlate: one user, nobody, or NeedsPerson / Refused
    person = with_sighting(read, sighting)                 # correlate: the Edit page does not say who was invited
    wanted = resolve(job, person, facts, vendors)          # resolve: the tenant's names, or every problem at once
    todo = plan_job(person, wanted, facts)                 # planner: ordered steps; empty when all is as wanted
    unsatisfied(wanted, person_read_again)                 # wanted: afterwards, the rows that are not as wanted
    holds(step, person), history_expectations(step)        # effects: how one step shows
"""
