"""Scripts beside us: what `playwright codegen` and an hour of an able engineer make of each action.

Ordinary locators by role, label and text, Playwright's own waiting, success when the page's message of success is seen;
no checks before or after, no retries. On pages that do not drift each of them is right (`test_bare.py`).
"""
