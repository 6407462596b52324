//! What must hold once all is healed and time has passed: everything is finished or waits for a person, and the books of
//! all sides agree.

use crate::engine::Slot;
use crate::people::ORGANIZATION;
use crate::tables::sum_of;
use crate::world::World;
use sagas::braintree_recurring::BraintreeRecurring;
use sagas::cancellation::Cancellation;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::effect::ClaimKind;
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::Work;
use sagas::kernel::saga::Saga;
use sagas::subscription_activation::SubscriptionActivation;
use sagas::zoho_native::ZohoNative;

impl World {
    /// Checks all that can be said only at rest.
    pub(crate) fn check_rest(&mut self) {
        let law = self
            .unfinished()
            .or_else(|| self.claims_left())
            .or_else(|| self.books_differ())
            .or_else(|| self.lost_customer())
            .or_else(|| self.catalog_differs())
            .or_else(|| self.deals_differ())
            .or_else(|| self.trials_left())
            .or_else(|| self.recurring_differs())
            .or_else(|| self.disputes_differ())
            .or_else(|| self.bought_unknown());
        if let Some(law) = law {
            self.breaks(law);
        }
        let sagas: Vec<_> = self.sagas.keys().copied().collect();
        for saga in sagas {
            if let Some(Err(why)) = self.sagas.get_mut(&saga).map(|slot| slot.live.restart()) {
                self.breaks(why);
            }
        }
    }

    fn touched(&self, saga: SagaId) -> bool {
        self.who(saga).is_some_and(|who| self.touched.contains(&who))
    }

    /// Long after the last fault nothing is under way; what waits for the vendors' books to change was put there by
    /// people.
    fn unfinished(&self) -> Option<String> {
        let now = self.clock.now();
        self.sagas.iter().find_map(|(id, slot)| {
            let (live, flow) = (&slot.live, slot.live.flow());
            if flow.ended.is_some() || flow.parked.is_some() {
                return None;
            }
            let state = live.summary().state;
            let waits = matches!(live.work(now), Work::Wait(until) if until > now);
            // An invoice that was paid by hand waits for its activation, which waits for a record of it.
            let by_hand =
                matches!(state.as_str(), "SubscriptionPaused" | "Recording" | "Deferred" | "LateCharges" | "Busy")
                    && self.touched(*id);
            // What waits for the end of a term waits as long as staff have paused it.
            let by_hand = by_hand || (matches!(state.as_str(), "Scheduled" | "Noticed") && self.touched(*id));
            // It is looked after as long as it runs.
            let runs = match live.flow_name() {
                ZohoNative::NAME => matches!(state.as_str(), "Active" | "PastDue" | "Ending"),
                BraintreeRecurring::NAME => matches!(state.as_str(), "Watching" | "PastDue"),
                _ => false,
            };
            let by_hand = runs || by_hand || (state == "Converting" && self.sale_goes_on(*id));
            (!waits || !by_hand || flow.open.is_some())
                .then(|| format!("{} {id} is not finished: {state}, {:?}", live.flow_name(), live.work(now)))
        })
    }

    /// Who tries waits for what is sold to them: for a sale that waits for people (were it to wait for nothing, it would be
    /// found itself), or one on Zoho's page, which goes on as long as its subscription.
    fn sale_goes_on(&self, trial: SagaId) -> bool {
        let who = self.who(trial);
        self.sagas.iter().any(|(id, slot)| {
            let sells = [SubscriptionActivation::NAME, ZohoNative::NAME].contains(&slot.live.flow_name());
            sells && self.who(*id) == who && slot.live.flow().ended.is_none()
        })
    }

    fn claims_left(&self) -> Option<String> {
        self.tables.claims.iter().find_map(|(claim, holder)| {
            let slot = self.sagas.get(&holder.saga)?;
            let flow = slot.live.flow();
            let keeps = matches!(slot.live.summary().state.as_str(), "Active" | "HandedOver");
            let lasts = claim.kind == ClaimKind::AccountPlanFamily && keeps;
            let ended = flow.ended.is_some() && !lasts;
            ended.then(|| format!("{} {} ended and holds {claim:?}", slot.live.flow_name(), holder.saga))
        })
    }

    fn books_differ(&self) -> Option<String> {
        self.zoho.bills.iter().find_map(|bill| {
            let saga = SagaId::of_invoice(ORGANIZATION, &bill.id);
            let Some(slot) = self.sagas.get(&saga) else {
                return Some(format!("nobody knows of invoice {}", bill.id));
            };
            // People were asked, or have decided to leave it so.
            let left = matches!(slot.live.summary().state.as_str(), "Left" | "Stopped");
            let asked = slot.live.flow().parked.is_some() || self.activation_is_parked(&bill.id);
            // What Braintree collects is matched by who mirrors it: what people did to such an invoice stays as it is.
            let mirrored = self.by_braintree(bill) && self.touched(saga);
            if asked || left || mirrored || self.ending_is_parked(bill.subscription.as_deref()) {
                return None;
            }
            self.recorded_once(&bill.id).or_else(|| self.ledger_differs(&bill.id))
        })
    }

    /// Who has a live subscription of an activation is known at both vendors, and has a card there to renew it.
    fn lost_customer(&self) -> Option<String> {
        self.zoho.subscriptions.iter().find_map(|(subscription, _)| {
            let (id, customer) = (&subscription.id, &subscription.customer);
            let saga = subscription.reference.split('.').nth(2)?;
            let of_it = |(id, slot): &(&SagaId, &Slot)| id.0.simple().to_string() == saga && !is_parked(slot);
            let made_by = self.sagas.iter().find(of_it);
            if made_by.is_none() || subscription.status == "cancelled" || self.is_native(id) {
                return None;
            }
            if !self.zoho.is_active(customer) {
                return Some(format!("subscription {id} is live, and its Zoho customer {customer} is inactive"));
            }
            let linked = self.tables.customer_of(customer).and_then(|(_, ours)| ours.braintree.as_ref());
            let pays = linked.is_some_and(|braintree| self.braintree.has_a_card(braintree));
            (!pays).then(|| format!("subscription {id} is live, and nobody has a card of its customer {customer}"))
        })
    }

    fn activation_is_parked(&self, invoice: &str) -> bool {
        let on_it = self.braintree.sales.iter().filter(|s| self.invoice_for(s).as_deref() == Some(invoice));
        on_it.into_iter().any(|sale| {
            let of_it = |id: &SagaId| sale.order_id.contains(&id.0.simple().to_string());
            self.sagas.iter().any(|(id, slot)| slot.live.flow().parked.is_some() && of_it(id))
        })
    }

    /// Who ends a subscription asks about its invoices, whose streams wait meanwhile.
    fn ending_is_parked(&self, subscription: Option<&str>) -> bool {
        self.sagas.values().any(|slot| {
            let ends = slot.live.flow_name() == Cancellation::NAME && slot.live.flow().parked.is_some();
            ends && Some(slot.live.summary().title.as_str()) == subscription
        })
    }

    /// Each captured amount is recorded in Zoho exactly once.
    fn recorded_once(&self, invoice: &str) -> Option<String> {
        self.braintree.sales.iter().find_map(|sale| {
            if self.invoice_for(sale).as_deref() != Some(invoice) {
                return None;
            }
            // Zoho detaches what was paid on an invoice that is voided.
            let void = self.zoho.bill_of(invoice).is_some_and(|bill| bill.void);
            let records: Vec<_> = self.zoho.payments.iter().filter(|p| p.reference == sale.id && !void).collect();
            // What is forgiven stays recorded as paid; a credit note that was paid out stands against it. It stands against no
            // more than the invoice comes to, if people lowered or voided that since.
            let refunds = self.braintree.refunds.iter().filter(|refund| refund.transaction == sale.id);
            let forgiven: i64 = refunds.map(|refund| self.zoho.paid_out(&refund.id)).sum();
            let comes_to = self.zoho.bill_of(invoice).filter(|bill| !bill.void).map_or(0, |bill| bill.total);
            let forgiven = forgiven.min(comes_to);
            let recorded = records.iter().map(|p| p.amount).sum::<i64>() - forgiven;
            let kept = sale.amount.minor - self.braintree.refunded(&sale.id);
            let wanted = if sale.is_captured() { kept } else { 0 };
            (recorded != wanted || records.len() > 1).then(|| {
                format!(
                    "invoice {invoice}: {} is {:?} with {}, and Zoho holds {recorded} of it in {} payments",
                    sale.id,
                    sale.status,
                    sale.amount,
                    records.len()
                )
            })
        })
    }

    fn by_braintree(&self, bill: &crate::zoho::Bill) -> bool {
        let of_it = |owned: &&crate::tables::Owned| owned.zoho.is_some() && owned.zoho == bill.subscription;
        let owned = self.tables.subscriptions.values().find(of_it);
        owned.is_some_and(|owned| owned.owner == Some(CollectionOwner::BraintreeRecurring))
    }

    /// What Braintree took for an invoice by itself, but for the charge that began it all.
    fn by_itself(&self, invoice: &str) -> i64 {
        let of_it = |sale: &&crate::braintree::Sale| {
            sale.series.is_some()
                && !sale.first
                && sale.is_captured()
                && self.invoice_for(sale).as_deref() == Some(invoice)
        };
        let sales = self.braintree.sales.iter().filter(of_it);
        sales.map(|sale| sale.amount.minor).sum()
    }

    /// Receivables are what Zoho shows as owed; what was taken is applied.
    fn ledger_differs(&self, invoice: &str) -> Option<String> {
        let bill = self.zoho.bill_of(invoice)?;
        let sums = &self.tables.by_invoice;
        if !sums.contains_key(invoice) {
            return None;
        }
        let (receivable, balance) = (sum_of(sums, invoice, 1200), self.zoho.balance(bill));
        if receivable != balance {
            return Some(format!("invoice {invoice}: the ledger is owed {receivable}, Zoho shows {balance}"));
        }
        // What Braintree took by itself was booked before it was known for which invoice: only what was applied says so.
        let by_itself = self.by_itself(invoice);
        let (taken, captured) = (
            [1110, 1120, 1130, 5210].map(|account| sum_of(sums, invoice, account)),
            self.captured(invoice) - by_itself,
        );
        let taken: i64 = taken.iter().sum();
        if taken != captured {
            return Some(format!("invoice {invoice}: the ledger holds {taken}, Braintree {captured}"));
        }
        let unapplied = -sum_of(sums, invoice, 2100) + by_itself;
        (unapplied != 0).then(|| format!("invoice {invoice}: {unapplied} is applied to nothing and nobody was asked"))
    }
}

fn is_parked(slot: &Slot) -> bool {
    slot.live.flow().parked.is_some()
}
