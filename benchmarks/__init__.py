"""Programs that measure the client; not part of the distribution.

``python -m benchmarks.compare`` sets it beside other clients, on nginx; ``python -m benchmarks``
runs the small programs about one part each, some of them on the servers of ``tests/servers/``.
"""
