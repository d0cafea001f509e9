"""PostgreSQL: pools and transactions, named queries, migrations, LISTEN, and the embedded server.

Nothing here knows a domain. Rooms receive a `Transaction` and never open or commit one themselves. Begin with
`pool.py`.
"""
