"""A small NVC: it configures VTEP databases from a YAML file and distributes what they learn.

`python -m sim nvc FILE` runs it. `plan` reads the file, item by item as `reading` does,
`distribution` decides what each database should hold, `database` talks OVSDB, and `controller`
joins them.
"""
