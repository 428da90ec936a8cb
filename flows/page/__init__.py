"""One page of a tenant, whatever its generation: load it, read it, act on it; and the one place that sends."""
