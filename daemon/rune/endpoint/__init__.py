"""The OpenAI-compatible endpoint: any client of that protocol asks the project's adapters, on this machine.

``access`` decides who may ask, ``asked`` reads a request, ``routing`` finds its adapter, ``uses`` counts its
use, ``answers`` shapes what goes back, ``problems`` what goes wrong, ``api`` puts them together, ``server``
opens the port.

Covered: pages in a browser (Host and Origin, no CORS), other users of the machine (the key), large and broken
bodies, clients who go away. Not covered: other programs of the same user, who can read the key; TLS, which
loopback does not need.
"""
