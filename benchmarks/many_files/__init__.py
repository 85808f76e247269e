"""What emptying a bucket of 100,000 small objects costs, and syncing as many files.

``python -m benchmarks.many_files [--files 2000] [--rounds 3] [--aws PATH]``

Each client runs in a process of its own, which is measured whole, start and imports included, and
they take turns. A server beside answers at once and remembers nothing but what it was asked for,
so that the clients are measured and not a server's disk. Beside this client: boto3's
``bucket.objects.delete()``, boto3 with threads, and the AWS command line where there is one.

``--million`` syncs a million files with a million keys, all alike, and fails when that takes more
than 200 MiB.
"""
