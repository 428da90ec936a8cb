"""Policy: what a plan may not do, and what a person has to approve; pure."""

from agent.policy.check import ApprovalNeeded, Decision, check
from agent.policy.rules import PolicyRules

__all__ = ["ApprovalNeeded", "Decision", "PolicyRules", "check"]
