"""Real S3 servers for the tests, and a scripted one that plays canned answers."""
