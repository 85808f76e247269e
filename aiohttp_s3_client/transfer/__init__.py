"""Cutting work into parts and keeping several of them in flight.

Takes an ``Engine`` and sends through it; has no request path and no retry loop of its own.
``multipart.py`` alone knows the life of an upload, ``schedule.py`` alone how parts run side by
side.
"""
