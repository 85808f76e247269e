"""Every operation of S3 on every server: what has to stand before, the call, and its effect."""
