"""What a job leaves behind for people who were not there: an observer records it, redacts it and seals it.

``recorder`` is told every event of a job and keeps its folder · ``redact`` takes secrets out of traces · ``search``
looks for secrets independently · ``report`` turns a folder into one page for an auditor · ``manifest`` seals it,
``check`` verifies it · ``recover`` completes what a killed process left.
"""
