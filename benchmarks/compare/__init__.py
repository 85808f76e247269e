"""What S3 clients cost on the same work: ``python -m benchmarks.compare`` (``make bench``).

One nginx plays S3 as cheaply as it can, so that the client is what is measured. It has processor 0
for itself, the clients have processor 1, one after another, each run in a process of its own. The
figure to compare is the processor time of the client.

``works``, ``targets`` and ``clients`` (the catalogue) are the data; ``server`` is the stub,
``environments`` what the clients are installed into, ``runner`` one measurement, ``report`` and
``chart`` what is made of them. ``clients`` is all that the measured processes import.
"""
