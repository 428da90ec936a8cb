"""The things the trade talks about: people, access, projects. Imports nothing of ours."""
