//! The whole catalog at once: plans, add-ons and coupons, each list to its last page. One list that is not read to its end
//! is no answer: what it left out could be taken for gone.

use super::billing::Answered;
use super::{Asked, ListedAddon, ListedCoupon, Order, Zoho};
use sagas::kernel::catalog::{Catalog, Offering, OfferingKind, brackets, discount};
use sagas::kernel::offer::Scheme;
use sagas::kernel::outcome::Outcome;
use std::time::Duration;
use tokio::time::Instant;

/// Every page of a list, oldest first: what is made meanwhile comes last and shifts nothing. A macro, for the futures of a
/// closure that borrows could not be sent to another thread.
macro_rules! to_the_end {
    ($zoho:ident . $list:ident, $deadline:expr) => {{
        let (mut all, mut next) = (Vec::new(), Some(1));
        while let Some(page) = next {
            let time_limit = $deadline.saturating_duration_since(Instant::now());
            let listed = $zoho.$list(Asked { page, order: Order::OldestFirst, time_limit }).await?;
            all.extend(listed.items);
            next = listed.next;
        }
        all
    }};
}

impl Zoho {
    /// All that is sold or was, in Zoho's order.
    ///
    /// # Errors
    /// Any outcome but `Done`, of any page.
    pub async fn read_catalog(&self, time_limit: Duration) -> Result<Catalog, Box<Outcome>> {
        self.catalog(Instant::now() + time_limit).await
    }

    pub(super) async fn catalog(&self, deadline: Instant) -> Answered<Catalog> {
        let read_at = self.clock.now();
        let organization = &self.organization;
        let plans = to_the_end!(self.list_plans, deadline);
        let addons = to_the_end!(self.list_addons, deadline);
        let coupons = to_the_end!(self.list_coupons, deadline);
        let plans = plans.iter().map(|plan| Offering::of_plan(organization, plan));
        let addons = addons.into_iter().map(|listed| addon(organization, listed));
        let coupons = coupons.into_iter().map(|listed| coupon(organization, listed));
        let offerings = plans.chain(addons).chain(coupons).collect();
        Ok(Catalog { organization: organization.clone(), offerings, read_at })
    }
}

fn addon(organization: &str, listed: ListedAddon) -> Offering {
    let one = listed.brackets.first().filter(|_| listed.scheme == Scheme::Unit).map(|bracket| bracket.price);
    Offering {
        external_id: OfferingKind::Addon.external_id(organization, &listed.code),
        kind: OfferingKind::Addon,
        price: one,
        price_text: brackets(listed.scheme, &listed.brackets, listed.tax),
        interval: if listed.recurring { "every term" } else { "once" }.to_owned(),
        active: listed.active,
        code: listed.code,
        name: listed.name,
    }
}

fn coupon(organization: &str, listed: ListedCoupon) -> Offering {
    Offering {
        external_id: OfferingKind::Coupon.external_id(organization, &listed.code),
        kind: OfferingKind::Coupon,
        name: listed.code.clone(),
        price: None,
        price_text: discount(listed.discount),
        interval: String::new(),
        active: listed.active,
        code: listed.code,
    }
}
