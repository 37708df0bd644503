"""The pipeline of a bridge: pure functions that build flows and groups.

``layout`` declares tables, priorities, registers, cookies and group ids; each other module
makes one kind of flow. ``docs/pipeline.md`` walks a frame through it.
"""
