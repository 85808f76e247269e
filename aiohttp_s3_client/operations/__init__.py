"""One operation of S3, called by boto3's names: parameters in, members of the answer out."""
