"""Searches and settlement, as the official Python SDK sees them."""

import unittest

from braintree import CreditCardVerificationSearch, CustomerSearch, TransactionSearch
from sandbox import codes, control, did, gateway, staff, unique, vaulted

BT = gateway()


class Searches(unittest.TestCase):
    """Operators and several criteria."""

    def test_transactions_are_found_by_every_operator(self):
        customer, token = vaulted(BT)

        def sell(amount, order_id):
            return BT.transaction.sale({
                "amount": amount, "order_id": order_id, "payment_method_token": token,
                "billing": {"postal_code": "10115"}, "options": {"submit_for_settlement": True},
            }).transaction

        small, large = sell("10.00", unique("small")), sell("90.00", unique("large"))
        searches = [
            ([TransactionSearch.order_id == small.order_id], [small.id], "finds a text that is"),
            ([TransactionSearch.order_id != small.order_id], [large.id], "finds a text that is not"),
            ([TransactionSearch.order_id.starts_with("small-")], [small.id], "finds the beginning of a text"),
            ([TransactionSearch.order_id.ends_with(large.order_id[-6:])], [large.id], "finds the end of a text"),
            ([TransactionSearch.order_id.contains("arge")], [large.id], "finds what a text contains"),
            ([TransactionSearch.amount.between("10.00", "90.00")], [large.id, small.id], "finds between two amounts"),
            ([TransactionSearch.amount >= "90.00"], [large.id], "finds from a least amount"),
            ([TransactionSearch.amount <= "10.00"], [small.id], "finds up to a most amount"),
            ([TransactionSearch.status.in_list(["settled", "voided"])], [], "finds nothing in other states"),
            ([TransactionSearch.source.in_list(["recurring"])], [], "finds nothing of another source"),
            ([TransactionSearch.billing_postal_code == "10115", TransactionSearch.credit_card_number.ends_with("1881")],
             [large.id, small.id], "finds by address and the end of a number"),
            ([TransactionSearch.ids.in_list([small.id])], [small.id], "finds by a list of ids"),
        ]
        for criteria, wanted, meaning in searches:
            with self.subTest(meaning):
                found = BT.transaction.search([TransactionSearch.customer_id == customer, *criteria])
                self.assertEqual([one.id for one in found.items], wanted)
                did("transaction.search", meaning)

    def test_customers_and_verifications_are_found_by_card_and_person(self):
        last = unique("Lovelace")
        customer = BT.customer.create({
            "last_name": last, "company": "Engines",
            "credit_card": {"number": "4111111111111111", "expiration_date": "05/2031",
                            "billing_address": {"locality": "London"}, "options": {"verify_card": True}},
        }).customer
        searches = [
            ([CustomerSearch.company == "Engines"], "finds by several texts of the person"),
            ([CustomerSearch.payment_method_token == customer.credit_cards[0].token], "finds by the token of a card"),
            ([CustomerSearch.credit_card_number.starts_with("4111")], "finds by the beginning of a number"),
            ([CustomerSearch.credit_card_expiration_date == "05/2031"], "finds by an expiration date"),
            ([CustomerSearch.address_locality == "London"], "finds by an address"),
        ]
        for criteria, meaning in searches:
            with self.subTest(meaning):
                found = BT.customer.search([CustomerSearch.last_name == last, *criteria])
                self.assertEqual([one.id for one in found.items], [customer.id])
                did("customer.search", meaning)
        found = list(BT.verification.search(CreditCardVerificationSearch.customer_id == customer.id).items)
        self.assertEqual([one.status for one in found], ["verified"])
        did("verification.search", "finds by the owner of the stored card")
        self.assertEqual(BT.verification.find(found[0].id).credit_card["last_4"], "1111")
        did("verification.find", "shows the card")

    def test_a_search_can_be_late_empty_or_doubled_on_order(self):
        customer, token = vaulted(BT)
        sold = BT.transaction.sale({"amount": "3.00", "order_id": unique("o"), "payment_method_token": token}).transaction

        def found():
            return BT.transaction.search(TransactionSearch.customer_id == customer).ids

        def order(kind, **more):
            control("/faults", {"vendor": "braintree", "operation": "transaction.search", "kind": kind, "times": 1} | more)

        order("late_index", seconds=3600)
        self.assertEqual(found(), [])
        did("transaction.search", "is late on order")
        order("empty")
        self.assertEqual(found(), [])
        did("transaction.search", "is empty on order")
        order("doubled")
        self.assertEqual(found(), [sold.id, sold.id])
        did("transaction.search", "shows its hits twice on order")


class Settlement(unittest.TestCase):
    """Batches and payouts."""

    def test_a_batch_is_summarised_by_a_custom_field_and_paid_out(self):
        staff("define_custom_field", name="cost_center")
        centre, token = unique("centre"), vaulted(BT)[1]
        sold = BT.transaction.sale({
            "amount": "10.00", "order_id": centre, "payment_method_token": token,
            "custom_fields": {"cost_center": centre},
            "options": {"submit_for_settlement": True},
        }).transaction
        day = BT.testing.settle_transaction(sold.id).transaction.settlement_batch_id[:10]
        did("testing.settle_transaction", "gives it a batch")
        summary = BT.settlement_batch_summary.generate(day, "cost_center").settlement_batch_summary
        own = [one for one in summary.records if one["cost_center"] == centre]
        self.assertEqual([(one["count"], one["amount_settled"]) for one in own], [("1", "10.00")])
        did("settlement_batch_summary.generate", "groups by a custom field")
        odd = BT.settlement_batch_summary.generate("soon")
        self.assertEqual(codes(odd, "settlement_batch_summary", "settlement_date"), ["82302"])
        did("settlement_batch_summary.generate", "refuses what is no date")
        other = BT.settlement_batch_summary.generate(day, "nothere")
        self.assertEqual(codes(other, "settlement_batch_summary", "group_by_custom_field"), ["82303"])
        did("settlement_batch_summary.generate", "refuses a custom field that is not defined")
        control("/clock", {"advance": "PT25H"})
        paid = BT.transaction.find(sold.id)
        self.assertTrue(paid.is_disbursed)
        self.assertTrue(paid.disbursement_details.success)
        did("transaction.find", "shows the payout of a settled sale")


if __name__ == "__main__":
    unittest.main()
