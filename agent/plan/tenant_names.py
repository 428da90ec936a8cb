"""A tenant's names found in a job's words: projects and templates; what is not found becomes a problem.

Names are compared without case and without spaces around punctuation; none is ever guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.domain.access import Project
from agent.domain.names import find_names, nearest, normal_name
from agent.domain.person import TenantFacts
from agent.jobs.parts import NONE, ProjectId, project_words
from agent.jobs.problems import Problem, json_path, suggestion_of
from agent.plan.matching import one_slip


class TenantNames:
    """Finds names and collects problems; what could not be found is None."""

    def __init__(self, facts: TenantFacts, more_projects: Iterable[Project] = ()) -> None:
        """``more_projects`` are known besides those that the tenant offers."""
        self._facts = facts
        self._projects = {project.id: project for project in facts.projects}
        for project in more_projects:
            self._projects.setdefault(project.id, project)
        self.problems: list[Problem] = []

    def problem(
        self, path: Sequence[str | int], message: str, expected: str = "", candidates: Sequence[str] = ()
    ) -> None:
        """Note a problem; ``candidates`` are names that would be right."""
        self.problems.append(
            Problem(path=json_path(path), message=message, expected=expected, suggestion=suggestion_of(candidates))
        )

    def project_template(self, name: str, project: Project | None, path: Sequence[str | int]) -> str | None:
        """The template of that name, global or specific to the project; None for the word "none", too."""
        if name == NONE:
            return None
        pool = list(self._facts.project_templates)
        if project is not None:
            pool.extend(self._facts.project_specific_templates.get(project.id, ()))
        return self.template(name, pool, path, "project permissions template")

    def template(self, name: str, pool: Sequence[str], path: Sequence[str | int], kind: str) -> str | None:
        """The template of ``pool`` with that name; ``kind`` says in a problem what was looked for."""
        found = find_names(name, pool)
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            spellings = [repr(item) for item in dict.fromkeys(found)]
            message = f"{len(found)} templates are called {name!r} ({', '.join(spellings)})"
            self.problem(path, message, "a name that only one template has")
        elif not pool:
            self.problem(path, f"no {kind} can be seen with the agent's rights", "a right to see templates")
        else:
            self.problem(path, f"no template {name!r}{self._elsewhere(name)}", f"a {kind}", nearest(name, pool))
        return None

    def _elsewhere(self, name: str) -> str:
        """A hint for the commonest mistake: the right name in the wrong place."""
        kinds = {
            "a company permissions template": self._facts.company_templates,
            "a global project permissions template": self._facts.project_templates,
        }
        for kind, names in kinds.items():
            if find_names(name, names):
                return f" here ({kind} has this name)"
        specific = self._facts.project_specific_templates.values()
        held = any(find_names(name, names) for names in specific)
        return " here (a template specific to another project has this name)" if held else ""

    def project(self, reference: str | ProjectId, path: Sequence[str | int]) -> Project | None:
        """The project with this id, number, name or label."""
        known = self._projects
        words = project_words(reference)
        if isinstance(reference, ProjectId):
            found = [known[reference.id]] if reference.id in known else []
        else:
            found = _called(reference, list(known.values()))
        if len(found) == 1:
            return found[0]
        if found:
            candidates = [f"{project.label} (id {project.id})" for project in found]
            message = f"{len(found)} projects are called {words!r}"
            self.problem(path, message, 'one of them as {"id": ...}', candidates)
        else:
            # Numbers look alike without meaning it: only those that are one slip of the finger away are named.
            numbers = [project.number for project in known.values() if one_slip(words, project.number)]
            near = [*numbers, *nearest(words, [project.name for project in known.values()])]
            self.problem(path, f"there is no project {words!r}", "", near[:3])
        return None


def _called(name: str, projects: Sequence[Project]) -> list[Project]:
    """The projects with this number, name or label: exact spellings, else the normalised matches."""
    exact = [project for project in projects if name in (project.number, project.name, project.label)]
    goal = normal_name(name)
    return exact or [
        project
        for project in projects
        if goal in (normal_name(project.number), normal_name(project.name), normal_name(project.label))
    ]
