"""Which tenants are closed now, what runs there all the same, and bad windows in the settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.policy.windows import openings
from agent.settings import Settings, SettingsRefused, load_settings

SUNDAY = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def settings(tmp_path: Path, **policies: str) -> Settings:
    """Settings with a tenant for each policy, given as lines of TOML."""
    file = tmp_path / "agent.toml"
    file.write_text(
        "".join(
            f'[tenants.{name}]\nsign_in_url = "https://login.example.com/"\napp_url = "https://app.example.com/"\n'
            f'company_id = "1"\n[tenants.{name}.policy]\n{lines}\n'
            for name, lines in policies.items()
        )
    )
    return load_settings(file, {})


OFFICE = 'write_windows = ["Mon-Fri 06:00-20:00"]\ntime_zone = "Europe/Berlin"\n'


def test_only_tenants_outside_their_windows_are_closed(tmp_path: Path) -> None:
    """One tenant's hours do not close another; leavers, revocations and reads run there all the same."""
    found = openings(settings(tmp_path, office=OFFICE, always=""), SUNDAY)
    assert found.closed == {"office"}
    removing = {"offboard", "remove_from_projects", "bulk_remove_from_project"}
    assert found.exempt_ops == removing | {"read", "snapshot"}
    assert found.reads_only == frozenset()


def test_inside_its_window_a_tenant_is_open(tmp_path: Path) -> None:
    """The same tenant on Monday."""
    assert openings(settings(tmp_path, office=OFFICE), MONDAY).closed == frozenset()


def test_a_tenant_may_keep_removals_inside_its_window_too(tmp_path: Path) -> None:
    """`removals_any_time = false` holds for that tenant alone."""
    strict = OFFICE + "removals_any_time = false\n"
    found = openings(settings(tmp_path, office=OFFICE, strict=strict), SUNDAY)
    assert found.closed == {"office", "strict"}
    assert found.reads_only == {"strict"}
    assert openings(settings(tmp_path, strict=strict), MONDAY).reads_only == frozenset()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('write_windows = ["Mon-Fri 6-20"]', "tenants.office.policy.write_windows: expected days and times such as"),
        ('time_zone = "Berlin"', "tenants.office.policy.time_zone: expected the name of a time zone"),
        ("max_deactivated_share = 5", "tenants.office.policy.max_deactivated_share: Input should be less than"),
        (
            "max_deactivations_per_hour = -1",
            "tenants.office.policy.max_deactivations_per_hour: Input should be greater",
        ),
        ('four_eyes = "maybe"', "tenants.office.policy.four_eyes: Input should be a valid boolean"),
    ],
)
def test_bad_values_are_settings_errors_that_name_the_key(tmp_path: Path, line: str, problem: str) -> None:
    """Whoever mistypes a window learns it at the start, with the key and what was expected."""
    with pytest.raises(SettingsRefused) as refused:
        settings(tmp_path, office=line)
    assert refused.value.problems[0].startswith(problem)
