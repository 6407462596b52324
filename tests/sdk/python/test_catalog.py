"""Plans, add-ons, discounts and addresses, as the official Python SDK sees them."""

import unittest

from braintree.exceptions.not_found_error import NotFoundError
from sandbox import codes, did, gateway, staff, unique

BT = gateway()


class Catalog(unittest.TestCase):
    """What the Control Panel makes and the API lists."""

    def test_a_plan_is_made_found_changed_and_listed(self):
        plan, add_on = unique("plan"), unique("seat")
        staff("create_add_on", id=add_on, amount="5.00")
        made = BT.plan.create({
            "id": plan, "name": "Pro", "price": "49.00", "currency_iso_code": "EUR", "billing_frequency": 1,
            "add_ons": {"add": [{"inherited_from_id": add_on}]},
        })
        self.assertTrue(made.is_success)
        self.assertEqual([one.id for one in made.plan.add_ons], [add_on])
        did("plan.create", "takes up an add-on of the catalogue")
        self.assertEqual(BT.plan.find(plan).name, "Pro")
        did("plan.find", "shows it by its id")
        self.assertEqual(BT.plan.update(plan, {"price": "59.00"}).plan.price, "59.00")
        did("plan.update", "replaces only what was sent")
        self.assertIn(plan, [one.id for one in BT.plan.all()])
        did("plan.all", "lists every plan")
        with self.assertRaises(NotFoundError):
            BT.plan.find("nothere")
        did("plan.find", "is not found by an unknown id")

    def test_add_ons_and_discounts_are_listed_apart(self):
        add_on, discount = unique("a"), unique("d")
        staff("create_add_on", id=add_on, amount="2.50")
        staff("create_discount", id=discount, amount="1.50")
        self.assertTrue({add_on} <= {one.id for one in BT.add_on.all()} and discount not in {one.id for one in BT.add_on.all()})
        did("add_on.all", "lists add-ons and nothing else")
        self.assertIn(discount, {one.id for one in BT.discount.all()})
        did("discount.all", "lists discounts")

    def test_an_address_is_made_found_changed_and_deleted(self):
        customer = BT.customer.create({"id": unique("c")}).customer.id
        made = BT.address.create({"customer_id": customer, "street_address": "1 E Main St", "postal_code": "60622"})
        address = made.address.id
        did("address.create", "belongs to its customer")
        self.assertEqual(BT.address.find(customer, address).street_address, "1 E Main St")
        did("address.find", "shows it")
        changed = BT.address.update(customer, address, {"locality": "Chicago"}).address
        self.assertEqual((changed.locality, changed.postal_code), ("Chicago", "60622"))
        did("address.update", "replaces only what was sent")
        BT.address.delete(customer, address)
        with self.assertRaises(NotFoundError):
            BT.address.find(customer, address)
        did("address.delete", "takes it away")
        odd = BT.address.create({"customer_id": customer, "postal_code": "$$$"})
        self.assertEqual(codes(odd, "address", "postal_code"), ["81813"])
        did("address.create", "refuses a postal code that is none")


if __name__ == "__main__":
    unittest.main()
