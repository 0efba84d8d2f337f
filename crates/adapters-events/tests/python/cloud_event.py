"""Reads a structured cloud event from standard input, parses it by the package cloudevents, and prints what that found
as JSON."""

import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event

body = sys.stdin.buffer.read()
event = from_structured_event(HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=body))
attributes = {name: str(value) for name, value in event.get_attributes().items()}
attributes["time"] = event.get_time().isoformat(timespec="milliseconds")
print(json.dumps({"attributes": attributes, "data": event.get_data()}))
