"""The kernel: what every room stands on, and no rule of the domain.

Ids and time, errors, tables as data, the ledger port with its in-memory implementation, events and
their consumers, duties, and the locks of a host.
"""
