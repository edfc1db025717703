"""The prompts that the agent tab suggests, by role."""

from __future__ import annotations

from advisor.domain.dialogue import Role

MOST_PROMPTS = 4
PROMPTS: dict[Role, tuple[tuple[str, str], ...]] = {
    Role.EXECUTIVE: (
        ("Where we are weakest", "Where are we weakest?"),
        ("Ready for the next gate", "Are we ready for the next gate?"),
        ("Why pilots stall", "Why do pilots fail to scale?"),
        ("First decision", "What should we decide first?"),
    ),
    Role.CHANGE_LEAD: (
        ("How things stand", "How are our initiatives doing?"),
        ("Overdue actions", "What is overdue?"),
        ("Adoption", "How do we design adoption into the rollout?"),
        ("Operators who distrust", "What do we do when operators do not trust the AI?"),
    ),
    Role.PLANT_MANAGER: (
        ("How things stand", "How are our initiatives doing?"),
        ("Shadow period", "How long should a shadow period be?"),
        ("Override", "Who decides when the AI and the operator disagree?"),
        ("What changed", "What changed in the last two weeks?"),
    ),
    Role.ENGINEER: (
        ("Data contract", "What does a data contract need?"),
        ("Integration debt", "How do we assess integration debt?"),
        ("Retraining", "How often should a model be retrained?"),
        ("Security", "What does network security need before scaling?"),
    ),
}  # fmt: skip
