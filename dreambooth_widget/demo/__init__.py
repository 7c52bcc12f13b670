"""A stand-in for the service on loopback: the same protocol, pictures drawn here, no key and no internet.

::

    endpoint = await start_demo()
    answer = endpoint.generate(prompt="a photo of sks dog in the dunes at dusk")
    widget = DreamboothWidget.from_response(answer, endpoint.key, endpoint=endpoint.url)

`python -m dreambooth_widget.demo` serves it for other programs.
"""

from .endpoint import DemoEndpoint, Failure, start_demo

__all__ = ["DemoEndpoint", "Failure", "start_demo"]
