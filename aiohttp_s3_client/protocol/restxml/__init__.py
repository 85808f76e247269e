"""S3's protocol, rest-xml: requests made from parameters, and answers read into dicts.

``request.py`` puts parameters in their places, once ``validation.py`` finds nothing wrong with
them, and ``document.py`` writes those that go into a document; ``response.py`` reads answers,
``events.py`` what comes piece by piece.

https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
"""
