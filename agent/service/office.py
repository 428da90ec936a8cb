"""What an application stands on, reached from a request."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request

from agent.queue.interface import Queue
from agent.service.desk import AtWork
from agent.service.metrics import Metrics
from agent.service.operators import Operators
from agent.settings import Settings


@dataclass(frozen=True)
class Vitals:
    """What health, readiness and metrics are told from."""

    queue: Queue
    at_work: AtWork
    metrics: Metrics


@dataclass(frozen=True)
class Office:
    """What the desk stands on."""

    settings: Settings
    operators: Operators
    queue: Queue
    at_work: AtWork


def move_in(app: FastAPI, vitals: Vitals, office: Office | None = None) -> None:
    """Give an application what it stands on."""
    app.state.vitals, app.state.office = vitals, office


def vitals_of(request: Request) -> Vitals:
    """The vitals of the application that a request came to."""
    vitals: Vitals = request.app.state.vitals
    return vitals


def office_of(request: Request) -> Office:
    """The office of the application that a request came to."""
    office: Office = request.app.state.office
    return office
