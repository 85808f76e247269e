"""Moving bytes over aiohttp: the only floor that knows its insides.

May use asyncio, sockets, files and ``protocol/``; knows no credential provider, no transfer and
no face. Whatever is private to aiohttp is touched here alone, behind a check of what it offers.
"""
