"""``agent queue``: from one host to several, and the second half of a release with several hosts."""

from __future__ import annotations

import time

import typer
from rich.markup import escape

from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.errors import AgentError
from agent.queue.opening import several_hosts
from agent.settings import Settings, SettingsRefused, load_settings

app = typer.Typer(no_args_is_help=True, help="The queue of several hosts, on PostgreSQL.")


@app.command()
def migrate(as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Move the queue of one host (a file) into PostgreSQL: all jobs, their history, grants and notices.

    Stop the agent first. The settings name both: the file, and postgres_url with backend = "postgres". The file is kept
    under another name.
    """
    screen = Screen(as_json=as_json)
    try:
        settings = load_settings(settings_file)
        moving = several_hosts("moving")
        database = several_hosts("opening").database(_url(settings))
        try:
            moved = moving.move(settings.queue.file, database, time.time())
        finally:
            database.close()
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"jobs": moved.jobs, "waiting": moved.live, "file": str(moved.kept_as)})
        return
    screen.say(f"[good]Moved[/] {moved.jobs} jobs, {moved.live} of them waiting. Start the agents on all hosts now.")
    screen.path("The file is kept:", moved.kept_as)


@app.command()
def upgrade(as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Finish a release: change the engine's tables in the way that only the new release understands.

    Type it once, when every host runs the new release. Does nothing when nothing is left to do.
    """
    screen = Screen(as_json=as_json)
    try:
        database = several_hosts("opening").database(_url(load_settings(settings_file)))
        try:
            applied = several_hosts("tables").finish_upgrade(database)
        finally:
            database.close()
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"applied": list(applied)})
    elif applied:
        screen.say(f"[good]Applied[/] {escape(', '.join(applied))}.")
    else:
        screen.say("Nothing is left to do.")


def _url(settings: Settings) -> str:
    if settings.queue.backend != "postgres" or settings.queue.postgres_url is None:
        raise SettingsRefused(
            "bad-settings", "The settings do not name a PostgreSQL queue: [queue] backend and postgres_url."
        )
    return settings.queue.postgres_url
