"""Webhooks that Braintree's own SDK signs, delivered to the running service that SERVICE_JSON describes."""

import json
import os
import time
import unittest
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from braintree import WebhookNotification
from sandbox import gateway, unique

SERVICE = json.loads(os.environ.get("SERVICE_JSON", "null"))


def deliver(signed):
    """The status that a delivery gets."""
    body = urlencode({"bt_signature": signed["bt_signature"], "bt_payload": signed["bt_payload"]}).encode()
    try:
        with urlopen(SERVICE["url"] + "/webhooks/braintree", body) as answer:
            return answer.status
    except HTTPError as refused:
        return refused.code


def ask(path):
    """A read of the private API."""
    headers = {"authorization": "Bearer " + SERVICE["admin_token"]}
    with urlopen(Request(SERVICE["private_url"] + "/api/v1" + path, headers=headers)) as answer:
        return json.load(answer)


def latest():
    """The latest delivery, once the service has looked at it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = ask("/inbox/deliveries?vendor=braintree&limit=1")["deliveries"]
        if found and found[0]["state"] not in ("received", "routed"):
            return found[0]
        time.sleep(0.05)
    raise AssertionError("the delivery was not looked at within 30 seconds")


@unittest.skipUnless(SERVICE, "SERVICE_JSON is not set: expected the line that `attio-billing serve --json` prints")
class Webhooks(unittest.TestCase):
    """Deliveries of the vendor's webhook testing gateway."""

    def test_a_notification_of_nothing_is_taken_fetched_and_recorded_as_not_found(self):
        kinds = WebhookNotification.Kind
        for kind in (kinds.SubscriptionChargedSuccessfully, kinds.DisputeOpened, kinds.TransactionSettled):
            with self.subTest(kind):
                before = ask("/inbox/summary")["braintree"]["received"]
                signed = gateway().webhook_testing.sample_notification(kind, unique("none"))
                self.assertEqual(deliver(signed), 200)
                found = latest()
                self.assertEqual(found["state"], "ignored")
                self.assertTrue(found["reason"].startswith(f"{kind}: not found at Braintree"), found)
                self.assertEqual(ask("/inbox/summary")["braintree"]["received"], before + 1)

    def test_an_altered_notification_is_refused(self):
        signed = gateway().webhook_testing.sample_notification("check", unique("check"))
        signed["bt_payload"] = signed["bt_payload"].replace(b"P", b"Q", 1)
        self.assertEqual(deliver(signed), 401)


if __name__ == "__main__":
    unittest.main()
