"""3-D Secure, as the official Python SDK sees it."""

import unittest

from braintree.exceptions.not_found_error import NotFoundError
from sandbox import gateway, unique, vaulted

BT = gateway()
FAKE = "fake-three-d-secure-two-visa-successful-step-up-authentication-nonce"


class ThreeDSecure(unittest.TestCase):
    """XML requests; the Node suite sends JSON, and looks nonces up as a browser does."""

    def test_a_nonce_shows_its_authentication(self):
        info = BT.payment_method_nonce.find(FAKE).three_d_secure_info
        self.assertEqual((info.status, info.enrolled), ("authenticate_successful", "Y"))
        self.assertTrue(info.liability_shifted)
        with self.assertRaises(NotFoundError):
            BT.payment_method_nonce.find("nonsense")

    def test_a_nonce_of_a_stored_card_has_none(self):
        _, token = vaulted(BT)
        nonce = BT.payment_method_nonce.create(token).payment_method_nonce
        self.assertIsNone(nonce.three_d_secure_info)
        sale = {
            "amount": "8.00", "order_id": unique("o"), "payment_method_nonce": nonce.nonce,
            "options": {"three_d_secure": {"required": True}},
        }
        rejected = BT.transaction.sale(sale)
        self.assertFalse(rejected.is_success)
        self.assertEqual(rejected.transaction.gateway_rejection_reason, "three_d_secure")

    def test_an_authenticated_sale_repeats_it_and_the_vault_forgets_it(self):
        customer, _ = vaulted(BT)
        sale = {
            "amount": "8.00", "order_id": unique("o"), "customer_id": customer, "payment_method_nonce": FAKE,
            "options": {"store_in_vault_on_success": True, "three_d_secure": {"required": True}},
        }
        sold = BT.transaction.sale(sale).transaction
        info = sold.three_d_secure_info
        self.assertEqual((info.status, info.liability_shift_possible), ("authenticate_successful", True))
        later = {"amount": "8.00", "order_id": unique("o"), "payment_method_token": sold.credit_card["token"]}
        later["options"] = {"three_d_secure": {"required": True}}
        self.assertEqual(BT.transaction.sale(later).transaction.gateway_rejection_reason, "three_d_secure")


if __name__ == "__main__":
    unittest.main()
