"""Programs that measure the client; ``python -m benchmarks`` runs them all.

They use the servers of ``tests/servers/`` and are not part of the distribution.
"""
