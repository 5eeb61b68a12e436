"""A stateful GitHub on loopback, for rehearsal and tests.

`create` sets up a world in a state file, `launch` runs (or adopts) its server as a process of its own,
`SandboxControl` plays the people: reviewers, the base branch, the forge's bad days.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway_sandbox.client import SandboxControl
    from headway_sandbox.commands import CreateRepository, Remark, UserSpec
    from headway_sandbox.process import SandboxProcess, World, create, launch
    from headway_sandbox.records import (
        Association,
        CheckStatus,
        Conclusion,
        FaultKind,
        Permission,
        QueueState,
        ReviewState,
        StatusState,
    )

__all__ = [
    "Association",
    "CheckStatus",
    "Conclusion",
    "CreateRepository",
    "FaultKind",
    "Permission",
    "QueueState",
    "Remark",
    "ReviewState",
    "SandboxControl",
    "SandboxProcess",
    "StatusState",
    "UserSpec",
    "World",
    "create",
    "launch",
]

_HOMES = {
    "SandboxControl": "client",
    "CreateRepository": "commands",
    "Remark": "commands",
    "UserSpec": "commands",
    "SandboxProcess": "process",
    "World": "process",
    "create": "process",
    "launch": "process",
}


def __getattr__(name: str) -> object:
    # Lazily: a detached server forks before anything heavy is imported.
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module  # noqa: PLC0415 (see above)

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'records')}"), name)
