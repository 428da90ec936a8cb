"""What holds for every test: none is judged by how long it took."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A loaded machine is slow, and slow is not wrong; what takes too long altogether is ended by pytest's own limit.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
