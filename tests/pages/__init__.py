"""The sandbox's pages, used as a person would use them; in a pytest process of their own (sync Playwright).

.venv/bin/pytest -c tests/pages/pytest.ini --rootdir tests/pages tests/pages
"""
