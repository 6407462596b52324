"""Reaches the sandbox that SANDBOX_JSON describes, with the official SDK."""

import itertools
import json
import os
import time
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

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
    return Watched(braintree.BraintreeGateway(braintree.Configuration(environment, **keys)))


CALLED = set()


class Watched:
    """The SDK as it is, with note taken of which of its methods are called."""

    def __init__(self, target, path=""):
        self._target, self._path = target, path

    def __getattr__(self, name):
        own = getattr(self._target, name)
        if not self._path:
            return Watched(own, name) if name != "config" else own
        if not callable(own):
            return own

        def call(*args, **named):
            CALLED.add(f"{self._path}.{name}")
            return own(*args, **named)

        return call


def did(method, meaning):
    """Says what the assertions above have just shown of a gateway method: one operation of the suite.

    It must have been called since it was last said of it.
    """
    assert method in CALLED, f"{method} was not called, so it cannot have been shown that it {meaning}"
    CALLED.remove(method)
    if log := os.environ.get("OPERATIONS"):
        with open(log, "a", encoding="utf-8") as operations:
            operations.write(f"{method}: {meaning}\n")


def control(path, body=None):
    """A read of the sandbox itself, or an order to it: its clock, its faults, its staff."""
    headers = {"content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(SANDBOX["control_url"] + path, data, headers)) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def staff(act, **fields):
    """An act of a person at the gateway's console."""
    return control("/staff", {"vendor": "braintree", "act": act, **fields})


def billed(subscription):
    """Moves the clock to the morning of the next bill."""
    control("/clock", {"set": f"{subscription.next_billing_date}T06:00:00Z"})


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
        errors = errors.for_index(name) if isinstance(name, int) else errors.for_object(name)
    return [error.code for error in errors.on(path[-1])]
