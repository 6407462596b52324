"""Subscriptions, as the official Python SDK sees them."""

import unittest
from decimal import Decimal

from braintree import Subscription, SubscriptionSearch
from braintree.exceptions.not_found_error import NotFoundError
from sandbox import billed, codes, did, gateway, staff, unique, vaulted

BT = gateway()
MONTHLY, YEARLY, SEAT, REBATE = unique("monthly"), unique("yearly"), unique("seat"), unique("rebate")


def setUpModule():
    """The catalogue of this file."""
    staff("create_add_on", id=SEAT, amount="5.00")
    staff("create_discount", id=REBATE, amount="4.00")
    staff("create_plan", id=MONTHLY, price="20.00", currency_iso_code="EUR", add_ons={"add": [{"inherited_from_id": SEAT}]})
    staff("create_plan", id=YEARLY, price="200.00", currency_iso_code="EUR", billing_frequency=12)


def request(**changes):
    """A subscription with a card of its own."""
    token = changes.pop("payment_method_token", None) or vaulted(BT)[1]
    return {"payment_method_token": token, "plan_id": MONTHLY} | changes


def subscribe(**changes):
    """One that was made, and its card's token."""
    asked = request(**changes)
    made = BT.subscription.create(asked)
    assert made.is_success, made
    return made.subscription, asked["payment_method_token"]


class Subscriptions(unittest.TestCase):
    """XML requests; the Node suite sends JSON."""

    def test_a_subscription_with_a_chosen_id_is_charged_within_the_call(self):
        chosen = unique("s")
        subscription, token = subscribe(id=chosen)
        self.assertEqual((subscription.id, subscription.status), (chosen, Subscription.Status.Active))
        transaction = subscription.transactions[0]
        self.assertEqual((transaction.amount, transaction.subscription_id), (Decimal("25.00"), chosen))
        self.assertEqual([one.id for one in subscription.add_ons], [SEAT])
        did("subscription.create", "charges the first cycle with inherited add-ons")
        seen = BT.subscription.find(chosen)
        self.assertEqual((seen.balance, seen.never_expires, seen.current_billing_cycle), (Decimal("0.00"), True, 1))
        self.assertEqual(seen.status_history[0].status, "Active")
        did("subscription.find", "shows cycle, balance and history")
        again = BT.subscription.create(request(id=chosen, payment_method_token=token))
        self.assertEqual(codes(again, "subscription", "id"), ["81902"])
        did("subscription.create", "refuses an id that is taken")
        with self.assertRaises(NotFoundError):
            BT.subscription.find("nothere")
        did("subscription.find", "is not found by an unknown id")

    def test_a_first_charge_that_is_declined_leaves_nothing(self):
        chosen = unique("s")
        declined = BT.subscription.create(request(id=chosen, plan_id=YEARLY, price="2001.00"))
        self.assertEqual((declined.is_success, declined.transaction.status), (False, "processor_declined"))
        with self.assertRaises(NotFoundError):
            BT.subscription.find(chosen)
        did("subscription.create", "makes nothing when the first charge is declined")

    def test_faults_stand_at_their_fields(self):
        faults = [
            ({"plan_id": "nothere"}, "plan_id", "91904", "refuses an unknown plan"),
            ({"payment_method_token": "nothere"}, "payment_method_token", "91903", "refuses an unknown card"),
            ({"id": "no spaces"}, "id", "81906", "refuses an id with other characters"),
            ({"price": "many"}, "price", "81904", "refuses a price that is none"),
            ({"first_billing_date": "2020-01-01"}, "first_billing_date", "91916", "refuses a date in the past"),
            ({"billing_day_of_month": 30}, "billing_day_of_month", "91914", "refuses the 30th of every month"),
            ({"number_of_billing_cycles": 0}, "number_of_billing_cycles", "91907", "refuses no cycles at all"),
            ({"merchant_account_id": "nothere"}, "merchant_account_id", "91901", "refuses an unknown account"),
            ({"merchant_account_id": "sandbox_usd"}, "base", "91923", "refuses a plan in another currency"),
        ]
        for changes, attribute, code, meaning in faults:
            with self.subTest(meaning):
                self.assertEqual(codes(BT.subscription.create(request(**changes)), "subscription", attribute), [code])
                did("subscription.create", meaning)

    def test_add_ons_and_discounts_and_their_faults(self):
        changes = {
            "add_ons": {"update": [{"existing_id": SEAT, "quantity": 3}]},
            "discounts": {"add": [{"inherited_from_id": REBATE, "amount": "1.00"}]},
        }
        subscription, _ = subscribe(**changes)
        self.assertEqual(subscription.transactions[0].amount, Decimal("34.00"))
        did("subscription.create", "changes an add-on and adds a discount")
        odd = BT.subscription.create(request(add_ons={
            "add": [{"inherited_from_id": "nothere"}, {"quantity": 2}],
            "update": [{"existing_id": SEAT, "amount": "many"}],
        }))
        self.assertEqual(codes(odd, "subscription", "add_ons", "add", 0, "inherited_from_id"), ["92013"])
        self.assertEqual(codes(odd, "subscription", "add_ons", "add", 1, "inherited_from_id"), ["92014"])
        self.assertEqual(codes(odd, "subscription", "add_ons", "update", 0, "amount"), ["92002"])
        self.assertEqual(len(odd.errors.for_object("subscription").deep_errors), 3)
        did("subscription.create", "notes the faults of add-ons at their index")
        bare = BT.subscription.update(subscription.id, {"options": {"replace_all_add_ons_and_discounts": True}})
        self.assertEqual((bare.subscription.add_ons, bare.subscription.discounts), ([], []))
        did("subscription.update", "replaces all add-ons and discounts")

    def test_prices_are_prorated(self):
        subscription, _ = subscribe()
        dearer = BT.subscription.update(subscription.id, {"price": "30.00"}).subscription
        self.assertEqual([t.amount for t in dearer.transactions], [Decimal("10.00"), Decimal("25.00")])
        did("subscription.update", "charges the difference of a higher price")
        cheaper = BT.subscription.update(subscription.id, {"price": "26.00"}).subscription
        self.assertEqual(cheaper.balance, Decimal("-4.00"))
        did("subscription.update", "credits the difference of a lower price")
        back = BT.subscription.update(subscription.id, {"price": "2027.00"})
        self.assertFalse(back.is_success)
        self.assertEqual(back.subscription.price, Decimal("26.00"))
        did("subscription.update", "takes a change back whose charge was declined")
        other = BT.subscription.update(subscription.id, {"plan_id": YEARLY})
        self.assertEqual(codes(other, "subscription", "plan_id"), ["91922"])
        did("subscription.update", "refuses a plan of another frequency")

    def test_a_trial_and_a_later_first_date_charge_nothing_yet(self):
        trial, _ = subscribe(trial_period=True, trial_duration=14, trial_duration_unit="day")
        self.assertEqual((trial.status, trial.trial_period, trial.transactions), ("Active", True, []))
        did("subscription.create", "charges nothing in a trial")
        later, _ = subscribe(first_billing_date="2190-01-01", number_of_billing_cycles=2)
        self.assertEqual((later.status, later.transactions), ("Pending", []))
        did("subscription.create", "waits for a later first date")
        billed(trial)
        self.assertEqual([t.amount for t in BT.subscription.find(trial.id).transactions], [Decimal("25.00")])
        did("subscription.find", "shows the first charge after the trial")

    def test_an_unpaid_bill_is_retried_by_hand(self):
        subscription, token = subscribe()
        early = BT.subscription.retry_charge(subscription.id)
        self.assertEqual(codes(early, "transaction", "subscription_id"), ["91531"])
        did("subscription.retry_charge", "refuses one that is not past due")
        staff("set_card_behaviour", token=token, decline_code="2001")
        billed(subscription)
        owing = BT.subscription.find(subscription.id)
        self.assertEqual((owing.status, owing.balance, owing.failure_count), ("Past Due", Decimal("25.00"), 1))
        did("subscription.find", "shows it past due with what is owed")
        dearer = BT.subscription.update(owing.id, {"price": "30.00"})
        self.assertEqual(codes(dearer, "subscription", "base"), ["91920"])
        did("subscription.update", "refuses another price while past due")
        staff("set_card_behaviour", token=token, decline_code=None)
        paid = BT.subscription.retry_charge(owing.id, Decimal("25.00"), True)
        self.assertEqual(paid.transaction.status, "submitted_for_settlement")
        self.assertEqual(BT.subscription.find(owing.id).status, "Active")
        did("subscription.retry_charge", "pays what is owed")

    def test_cancel_and_expiry_are_final(self):
        subscription, _ = subscribe()
        self.assertEqual(BT.subscription.cancel(subscription.id).subscription.status, "Canceled")
        did("subscription.cancel", "ends it at once")
        self.assertEqual(codes(BT.subscription.cancel(subscription.id), "subscription", "status"), ["81905"])
        did("subscription.cancel", "refuses a second cancel")
        self.assertEqual(codes(BT.subscription.update(subscription.id, {"price": "1.00"}), "subscription", "base"), ["81901"])
        did("subscription.update", "refuses to change a canceled one")
        short, _ = subscribe(number_of_billing_cycles=1)
        billed(short)
        self.assertEqual(BT.subscription.find(short.id).status, "Expired")
        did("subscription.find", "shows it expired after its last cycle")

    def test_deleting_the_card_cancels_what_it_pays_for(self):
        subscription, token = subscribe()
        BT.payment_method.delete(token)
        self.assertEqual(BT.subscription.find(subscription.id).status, "Canceled")
        did("payment_method.delete", "cancels the subscriptions of the card")

    def test_subscriptions_are_searched(self):
        plan = unique("searched")
        staff("create_plan", id=plan, price="11.00", currency_iso_code="EUR")
        first, token = subscribe(plan_id=plan, number_of_billing_cycles=5)
        second, _ = subscribe(plan_id=plan, price="33.00", payment_method_token=token)
        searches = [
            ([], [second.id, first.id], "finds by plan, newest first"),
            ([SubscriptionSearch.price.between("30.00", "40.00")], [second.id], "finds by a range of prices"),
            ([SubscriptionSearch.status.in_list(["Past Due"])], [], "finds by a list of states"),
            ([SubscriptionSearch.billing_cycles_remaining == 4], [first.id], "finds by the cycles that remain"),
            ([SubscriptionSearch.id != first.id], [second.id], "finds by an id that is not"),
            ([SubscriptionSearch.in_trial_period.in_list(["true"])], [], "finds by the trial"),
        ]
        for criteria, wanted, meaning in searches:
            with self.subTest(meaning):
                found = BT.subscription.search([SubscriptionSearch.plan_id == plan, *criteria])
                self.assertEqual([one.id for one in found.items], wanted)
                did("subscription.search", meaning)

    def test_the_test_gateway_makes_one_past_due(self):
        subscription, _ = subscribe()
        BT.testing.make_past_due(subscription.id, 3)
        seen = BT.subscription.find(subscription.id)
        self.assertEqual((seen.status, seen.days_past_due), ("Past Due", 3))
        did("testing.make_past_due", "counts the days")


if __name__ == "__main__":
    unittest.main()
