"""Pages that are made from the code, so that they cannot say anything else than it does.

Flow: code (registrations, models, command lines, comments) -> `pages.PAGES` (path -> text) -> files under docs/.
Rules: a page is a pure function of the code and does not depend on the terminal, the time or the machine. `make docs` writes them,
`tests/docs` compares them.
"""
