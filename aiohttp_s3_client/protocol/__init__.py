"""What S3 says and means, without saying it: the sans-I/O floor.

Functions and small objects in here turn values into bytes and bytes into values: URLs, signatures,
documents, decisions. They never open a socket or a file, never touch the event loop, and take the
time as an argument (``now=``) wherever it matters. They import each other and the values below
(``errors``, ``models``, ``request``, ``config``), nothing above.
"""
