"""The vault, as the official Python SDK sees it."""

import base64
import json
import unittest

from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.not_found_error import NotFoundError

import braintree
from sandbox import OWN, codes, did, gateway, unique, vaulted

BT = gateway()


class Vault(unittest.TestCase):
    """XML requests; the Node suite sends JSON."""

    def test_a_customer_is_created_found_changed_searched_and_deleted(self):
        customer = unique("c")
        made = BT.customer.create({"id": customer, "first_name": "Ada", "last_name": "L & <M> é"})
        self.assertTrue(made.is_success)
        self.assertEqual(BT.customer.find(customer).last_name, "L & <M> é")
        changed = BT.customer.update(customer, {"email": "ada@example.org"})
        self.assertEqual((changed.customer.email, changed.customer.first_name), ("ada@example.org", "Ada"))
        self.assertEqual(codes(BT.customer.update(customer, {"email": "ada"}), "customer", "email"), ["81604"])
        self.assertEqual(codes(BT.customer.create({"id": customer}), "customer", "id"), ["91609"])
        found = BT.customer.search(braintree.CustomerSearch.id == customer)
        self.assertEqual([hit.id for hit in found.items], [customer])
        self.assertTrue(BT.customer.delete(customer).is_success)
        with self.assertRaises(NotFoundError):
            BT.customer.find(customer)
        did("customer.create", "takes a chosen id, and once")
        did("customer.update", "replaces only what was sent, and refuses an e-mail address that is none")
        did("customer.search", "finds by an id")
        did("customer.delete", "takes it away")
        did("customer.find", "is not found after it was deleted")

    def test_a_card_is_vaulted_with_our_token_changed_and_deleted(self):
        customer, token = vaulted(BT)
        card = BT.payment_method.find(token)
        self.assertIsInstance(card, braintree.CreditCard)
        self.assertEqual((card.last_4, card.default, card.expired), ("1881", True, False))
        made = BT.payment_method.create({
            "customer_id": customer, "payment_method_nonce": "fake-valid-amex-nonce",
            "options": {"make_default": True, "verify_card": True},
        })
        self.assertEqual(made.payment_method.verification.status, "verified")
        self.assertFalse(BT.payment_method.find(token).default)
        changed = BT.payment_method.update(token, {"expiration_date": "02/2032", "options": {"make_default": True}})
        self.assertEqual((changed.payment_method.expiration_date, changed.payment_method.default), ("02/2032", True))
        self.assertEqual(len(BT.customer.find(customer).payment_methods), 2)
        self.assertTrue(BT.payment_method.delete(token).is_success)
        with self.assertRaises(NotFoundError):
            BT.payment_method.find(token)

    def test_faults_of_a_vaulting_have_the_gateways_codes(self):
        customer, token = vaulted(BT)
        base = {"customer_id": customer, "payment_method_nonce": "fake-valid-nonce"}
        self.assertEqual(codes(BT.payment_method.create(base | {"token": token}), "credit_card", "token"), ["91719"])
        again = base | {"options": {"fail_on_duplicate_payment_method_for_customer": True}}
        self.assertEqual(codes(BT.payment_method.create(again), "credit_card", "number"), ["81763"])
        unknown = base | {"payment_method_nonce": "nonsense"}
        path = ("payment_method", "payment_method_nonce")
        self.assertEqual(codes(BT.payment_method.create(unknown), *path), ["93108"])

    def test_a_declined_verification_shows_itself(self):
        customer, _ = vaulted(BT)
        made = BT.payment_method.create({
            "customer_id": customer, "payment_method_nonce": "fake-processor-failure-jcb-nonce",
            "options": {"verify_card": True},
        })
        self.assertFalse(made.is_success)
        self.assertEqual(made.credit_card_verification.status, "failed")
        self.assertEqual(BT.verification.find(made.credit_card_verification.id).processor_response_code, "3000")

    def test_a_client_token_names_the_merchant(self):
        customer, _ = vaulted(BT)
        inside = json.loads(base64.b64decode(BT.client_token.generate({"customer_id": customer})))
        self.assertEqual(inside["merchantId"], OWN["merchant_id"])
        with self.assertRaises(ValueError):
            BT.client_token.generate({"customer_id": "nobody"})

    def test_wrong_keys_and_unknown_fields_are_the_sdks_own_errors(self):
        with self.assertRaises(AuthenticationError):
            gateway(public_key="wrong").customer.find("x")
        path = f"{BT.config.base_merchant_path()}/customers"
        with self.assertRaises(AuthorizationError):
            BT.config.http().post(path, {"customer": {"nonsense": "x"}})


if __name__ == "__main__":
    unittest.main()
