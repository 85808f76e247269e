"""What S3's operations look like: ``s3.json`` and ``names.py`` are made by tools/build_model.py.

``shapes.py`` reads what they hold, and any description that ``tools.build_model.compact`` made.
"""
