"""Reads a webhook as JSON from standard input, verifies its signature by the package standardwebhooks with each secret,
parses it by the package cloudevents, and prints what that found as JSON."""

import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_binary_event
from standardwebhooks import Webhook

captured = json.load(sys.stdin)
headers, body = captured["headers"], captured["body"]
for secret in captured["secrets"]:
    Webhook(secret).verify(body, headers)
event = from_binary_event(HTTPMessage(headers=headers, body=body.encode()))
attributes = {name: str(value) for name, value in event.get_attributes().items()}
attributes["time"] = event.get_time().isoformat(timespec="milliseconds")
print(json.dumps({"attributes": attributes, "data": event.get_data()}))
