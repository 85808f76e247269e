"""S3's protocol, rest-xml: requests made from parameters, and answers read into dicts.

``document.py`` writes values, ``validation.py`` says what is wrong with
them, ``request.py`` puts them in their places; ``response.py`` reads, ``events.py`` what comes
piece by piece.

https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
"""

from .events import read_event
from .request import serialize
from .response import parse

__all__ = ["parse", "read_event", "serialize"]
