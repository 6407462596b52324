"""What the sandbox really sends, read by the official Python SDK: each kind that this merchant's account can cause."""

import base64
import threading
import time
import unittest
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from sandbox import billed, control, did, gateway, staff, unique, vaulted

BT = gateway()
PLAN = unique("plan")
RECEIVED = []


class Listener(BaseHTTPRequestHandler):
    """Takes notifications, and answers the challenge with the SDK's own signature."""

    def do_GET(self):  # pylint: disable=invalid-name
        """The challenge."""
        challenge = parse_qs(urlsplit(self.path).query)["bt_challenge"][0]
        self.answer(BT.webhook_notification.verify(challenge).encode())

    def do_POST(self):  # pylint: disable=invalid-name
        """A notification."""
        fields = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        payload = fields["bt_payload"][0]
        RECEIVED.append((base64.b64decode(payload).decode(), fields["bt_signature"][0], payload))
        self.answer(b"")

    def answer(self, body):
        """200 with this body."""
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: the suite's own output is enough."""


def told(kind, name):
    """The next notification of this kind that names `name`, verified and parsed by the SDK."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for xml, signature, payload in list(RECEIVED):
            if f"<kind>{kind}</kind>" in xml and name in xml:
                seen = BT.webhook_notification.parse(signature, payload)
                did("webhook_notification.parse", f"accepts the signature of {kind}")
                return seen
        time.sleep(0.02)
    raise AssertionError(f"no {kind} came within 20 seconds")


def subscribe(**changes):
    """One that was made, and its card's token."""
    _, token = vaulted(BT)
    made = BT.subscription.create({"payment_method_token": token, "plan_id": PLAN} | changes)
    assert made.is_success, made
    return made.subscription, token


class Notifications(unittest.TestCase):
    """Delivered over HTTP, signature and all."""

    @classmethod
    def setUpClass(cls):
        cls.earlier = control("/webhooks")["targets"].get("braintree")
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        staff("create_plan", id=PLAN, price="20.00", currency_iso_code="EUR")
        staff("register_webhook", url=f"http://127.0.0.1:{cls.server.server_port}/")

    @classmethod
    def tearDownClass(cls):
        control("/webhooks", {"targets": {"braintree": cls.earlier}})
        cls.server.shutdown()
        cls.server.server_close()

    def test_the_challenge_and_the_test_button(self):
        did("webhook_notification.verify", "answers the challenge that the sandbox asks")
        staff("check_webhook")
        told("check", "")

    def test_a_subscriptions_charges_and_ends(self):
        subscription, token = subscribe()
        charged = told("subscription_charged_successfully", subscription.id)
        self.assertEqual([t.amount for t in charged.subscription.transactions], [Decimal("20.00")])
        told("subscription_went_active", subscription.id)
        staff("set_card_behaviour", token=token, decline_code="2001")
        billed(subscription)
        failed = told("subscription_charged_unsuccessfully", subscription.id)
        self.assertEqual(failed.subscription.transactions[0].status, "processor_declined")
        self.assertEqual(told("subscription_went_past_due", subscription.id).subscription.balance, Decimal("20.00"))
        BT.subscription.cancel(subscription.id)
        self.assertEqual(told("subscription_canceled", subscription.id).subscription.status, "Canceled")

    def test_a_trial_a_last_cycle_and_a_credit(self):
        trial, _ = subscribe(trial_period=True, trial_duration=3, trial_duration_unit="day", number_of_billing_cycles=1)
        credited, _ = subscribe()
        BT.subscription.update(credited.id, {"price": "0.00"})
        billed(trial)
        ended = told("subscription_trial_ended", trial.id).subscription
        billed(ended)
        self.assertEqual(told("subscription_expired", trial.id).subscription.status, "Expired")
        skipped = told("subscription_billing_skipped", credited.id).subscription
        self.assertEqual(skipped.balance, Decimal("-20.00"))

    def test_every_state_of_a_dispute(self):
        _, token = vaulted(BT)
        sold = BT.transaction.sale({
            "amount": "30.00", "order_id": unique("o"), "payment_method_token": token,
            "options": {"submit_for_settlement": True},
        }).transaction

        def opened(**more):
            return staff("open_dispute", id=sold.id, amount="1.00", **more)["id"]

        dispute = opened()
        self.assertEqual(told("dispute_opened", dispute).dispute.transaction.id, sold.id)
        for status in ("under_review", "disputed", "lost", "won"):
            staff("decide_dispute", dispute=dispute, status=status)
            self.assertEqual(told(f"dispute_{status}", dispute).dispute.status, status)
        dispute = opened()
        BT.dispute.accept(dispute)
        told("dispute_accepted", dispute)
        told("dispute_auto_accepted", opened(program="visa_rdr"))
        silent = opened()
        control("/clock", {"advance": "P12D"})
        told("dispute_expired", silent)

    def test_payouts_and_a_failed_refund(self):
        _, token = vaulted(BT)
        sold = BT.transaction.sale({
            "amount": "40.00", "order_id": unique("o"), "payment_method_token": token,
            "options": {"submit_for_settlement": True},
        }).transaction
        staff("review_transaction", id=sold.id, decision="reject")
        told("transaction_reviewed", sold.id)
        control("/clock", {"advance": "PT49H"})
        paid = told("disbursement", sold.id).disbursement
        self.assertEqual((paid.success, paid.merchant_account.id), (True, "sandbox_eur"))
        staff("fail_disbursement", id=sold.id)
        told("disbursement_exception", sold.id)
        refund = BT.transaction.refund(sold.id, "5.00").transaction.id
        staff("fail_refund", id=refund)
        told("refund_failed", refund)


if __name__ == "__main__":
    unittest.main()
