"""What S3's operations look like.

tools/build_model.py makes ``s3.json``, ``names.py`` and ``links.py``; ``shapes.py`` reads what they
hold, and any description that ``tools.build_model.compact`` made.
"""
