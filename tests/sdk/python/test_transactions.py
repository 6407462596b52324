"""Transactions, as the official Python SDK sees them."""

import datetime
import unittest
from decimal import Decimal

import braintree
from braintree import Transaction, TransactionSearch
from braintree.exceptions.invalid_signature_error import InvalidSignatureError
from braintree.exceptions.not_found_error import NotFoundError
from sandbox import codes, did, gateway, unique, vaulted

BT = gateway()


def sell(**changes):
    """A sale with a fresh card and order id."""
    customer, token = vaulted(BT)
    request = {
        "amount": "49.00", "order_id": unique("o"), "payment_method_token": token, "transaction_source": "recurring",
        "options": {"submit_for_settlement": True},
    }
    return BT.transaction.sale(request | changes), customer, token


class Transactions(unittest.TestCase):
    """XML requests; the Node suite sends JSON."""

    def test_a_sale_is_found_and_searched(self):
        result, customer, token = sell()
        self.assertTrue(result.is_success)
        sold = BT.transaction.find(result.transaction.id)
        self.assertEqual(sold.status, Transaction.Status.SubmittedForSettlement)
        self.assertEqual((sold.amount, sold.customer_details.id), (Decimal("49.00"), customer))
        self.assertEqual((sold.credit_card_details.token, sold.recurring), (token, True))
        self.assertEqual([e.status for e in sold.status_history], ["authorized", "submitted_for_settlement"])
        self.assertIsInstance(sold.created_at, datetime.datetime)
        found = BT.transaction.search(
            TransactionSearch.order_id == sold.order_id,
            TransactionSearch.amount.between("40.00", "50.00"),
            TransactionSearch.status.in_list([Transaction.Status.SubmittedForSettlement]),
            TransactionSearch.created_at >= sold.created_at - datetime.timedelta(minutes=1),
        )
        self.assertEqual([hit.id for hit in found.items], [sold.id])
        nothing = BT.transaction.search(TransactionSearch.order_id == unique("never"))
        self.assertEqual(list(nothing.items), [])
        with self.assertRaises(NotFoundError):
            BT.transaction.find("nothere")
        did("transaction.sale", "is found and searched")

    def test_one_call_holds_and_vaults_and_a_lower_amount_is_settled(self):
        customer, _ = vaulted(BT)
        token = unique("m")
        held = BT.transaction.sale({
            "amount": "59.00", "customer_id": customer, "payment_method_nonce": "fake-valid-nonce",
            "credit_card": {"token": token}, "transaction_source": "recurring_first",
            "options": {"store_in_vault_on_success": True, "submit_for_settlement": False},
        })
        self.assertEqual((held.transaction.status, held.transaction.credit_card_details.token), ("authorized", token))
        self.assertEqual(BT.payment_method.find(token).customer_id, customer)
        less = BT.transaction.submit_for_settlement(held.transaction.id, "9.00")
        self.assertEqual(less.transaction.amount, Decimal("9.00"))
        again = BT.transaction.submit_for_settlement(held.transaction.id)
        self.assertEqual(codes(again, "transaction", "base"), ["91507"])
        did("transaction.submit_for_settlement", "takes less than was held")

    def test_void_and_reverse(self):
        result, *_ = sell()
        self.assertEqual(BT.transaction.void(result.transaction.id).transaction.status, "voided")
        self.assertEqual(codes(BT.transaction.void(result.transaction.id), "transaction", "base"), ["91504"])
        settled, *_ = sell()
        BT.testing.settle_transaction(settled.transaction.id)
        self.assertEqual(BT.transaction.reverse(settled.transaction.id).transaction.type, "credit")
        did("transaction.void", "ends a sale")
        did("transaction.reverse", "voids or refunds")

    def test_refunds_in_parts(self):
        result, *_ = sell()
        sold = result.transaction.id
        self.assertEqual(codes(BT.transaction.refund(sold), "transaction", "base"), ["91506"])
        self.assertEqual(BT.testing.settle_transaction(sold).transaction.status, "settled")
        part = BT.transaction.refund(sold, {"amount": "9.00", "order_id": unique("r")})
        self.assertEqual(part.transaction.refunded_transaction_id, sold)
        self.assertEqual(codes(BT.transaction.refund(sold, "40.01"), "transaction", "amount"), ["91521"])
        self.assertEqual(BT.transaction.refund(sold).transaction.amount, Decimal("40.00"))
        self.assertEqual(codes(BT.transaction.refund(sold), "transaction", "base"), ["91512"])
        self.assertEqual(len(BT.transaction.find(sold).refund_ids), 2)
        did("transaction.refund", "gives parts back")

    def test_a_decline_and_a_gateway_rejection_carry_their_transaction(self):
        declined, *_ = sell(amount="2015.00")
        self.assertFalse(declined.is_success)
        self.assertEqual(declined.message, "Transaction Not Allowed")
        self.assertEqual(declined.errors.deep_errors, [])
        self.assertEqual(declined.transaction.processor_response_type, "hard_declined")
        rejected, *_ = sell(amount="5001.00")
        self.assertEqual(rejected.transaction.gateway_rejection_reason, "application_incomplete")
        nonce = {"payment_method_nonce": "fake-gateway-rejected-fraud-nonce", "amount": "10.00", "order_id": unique("o")}
        self.assertEqual(BT.transaction.sale(nonce).transaction.gateway_rejection_reason, "fraud")

    def test_an_at_most_once_key_replays(self):
        _, token = vaulted(BT)
        request = {"amount": "2000.00", "payment_method_token": token, "api_request_key": token}
        first, second = BT.transaction.sale(dict(request)), BT.transaction.sale(dict(request))
        self.assertFalse(second.is_success)
        self.assertEqual(first.transaction.id, second.transaction.id)
        other = BT.transaction.sale(request | {"amount": "1.00"})
        self.assertEqual(codes(other, "transaction", "api_request_key"), ["915232"])
        did("transaction.sale", "is replayed for the same key")

    def test_faults_come_together(self):
        bad = BT.transaction.sale({"amount": "x", "payment_method_token": "none", "order_id": "o" * 256})
        self.assertEqual(codes(bad, "transaction", "amount"), ["81503"])
        self.assertEqual(codes(bad, "transaction", "payment_method_token"), ["91518"])
        self.assertEqual(codes(bad, "transaction", "order_id"), ["91501"])

    def test_settlement_is_declined_pending_and_summarised(self):
        result, *_ = sell()
        pending = BT.testing.settlement_pending_transaction(result.transaction.id)
        self.assertEqual(pending.transaction.status, "settlement_pending")
        declined = BT.testing.settlement_decline_transaction(result.transaction.id)
        self.assertEqual(declined.transaction.status, "settlement_declined")
        other, *_ = sell()
        BT.testing.settle_transaction(other.transaction.id)
        day = BT.transaction.find(other.transaction.id).settlement_batch_id[:10]
        summary = BT.settlement_batch_summary.generate(day).settlement_batch_summary
        self.assertIn("sale", [record["kind"] for record in summary.records])
        accounts = list(BT.merchant_account.all().merchant_accounts.items)
        self.assertIn(other.transaction.merchant_account_id, [account.id for account in accounts])

    def test_a_signed_sample_notification_is_accepted_and_a_damaged_one_is_not(self):
        sample = BT.webhook_testing.sample_notification(braintree.WebhookNotification.Kind.Check, "x")
        parsed = BT.webhook_notification.parse(sample["bt_signature"], sample["bt_payload"])
        self.assertEqual(parsed.kind, "check")
        with self.assertRaises(InvalidSignatureError):
            damaged = b"x" + sample["bt_payload"][1:]
            BT.webhook_notification.parse(sample["bt_signature"], damaged)


if __name__ == "__main__":
    unittest.main()
