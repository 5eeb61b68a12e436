"""Headway's domain: rooms of facts, each with one writer, and no I/O.

Import what you need from the room: `headway_core.workspaces`, `headway_core.sessions`, …; importing
this package starts nothing and reads no environment.
"""
