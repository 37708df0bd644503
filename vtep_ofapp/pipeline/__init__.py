"""The pipeline of br0: pure functions that say which flows and groups a cause asks for.

``layout`` declares tables, priorities, registers, cookies and group ids; each other module
makes one kind of flow. ``docs/pipeline.md`` walks a frame through it.
"""
