"""Reaches the sandbox that SANDBOX_JSON describes, with the official SDK."""

import itertools
import json
import os
import time
from urllib.parse import urlsplit

import braintree

SANDBOX = json.loads(os.environ.get("SANDBOX_JSON", "null"))
if not SANDBOX:
    raise SystemExit("SANDBOX_JSON is not set: expected the line that `attio-billing sandbox --json` prints")
OWN = SANDBOX["braintree"]
URL = urlsplit(OWN["base_url"])
COUNT = itertools.count(1)


def gateway(**changes):
    """A gateway of the sandbox's merchant, or one with other credentials."""
    port = str(URL.port)
    environment = braintree.Environment("sandbox", URL.hostname, port, OWN["base_url"], False, None, URL.hostname, port)
    keys = {name: OWN[name] for name in ("merchant_id", "public_key", "private_key")} | changes
    return braintree.BraintreeGateway(braintree.Configuration(environment, **keys))


def unique(word):
    """A name nobody has used before."""
    return f"{word}-{os.getpid()}-{time.time_ns():x}-{next(COUNT)}"


def vaulted(bt, nonce="fake-valid-nonce"):
    """A customer with one stored card: both ids."""
    customer = unique("c")
    assert bt.customer.create({"id": customer, "first_name": "Ada", "email": "ada@example.org"}).is_success
    token = unique("m")
    made = bt.payment_method.create({"customer_id": customer, "payment_method_nonce": nonce, "token": token})
    assert made.is_success, made
    return customer, token


def codes(result, *path):
    """The error codes at an attribute: the last name of the path."""
    errors = result.errors
    for name in path[:-1]:
        errors = errors.for_object(name)
    return [error.code for error in errors.on(path[-1])]
