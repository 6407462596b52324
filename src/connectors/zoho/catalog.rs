//! What is for sale: a plan, its add-ons and a coupon, one read each. Prices nothing and refuses nothing that Zoho knows:
//! what is retired or does not go together is shown as such.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::wire::{AddonAnswer, CouponAnswer, PlanAnswer};
use super::{Zoho, is_not_found};
use iso_currency::Currency;
use sagas::kernel::answer::Answer;
use sagas::kernel::offer::{Offer, Tax};
use sagas::kernel::outcome::{Outcome, RejectionKind};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// What Zoho's catalog does not say of its prices.
#[derive(Debug)]
pub(super) struct Prices {
    /// The organization's own currency.
    pub(super) currency: Currency,
    /// Parts per million by Zoho's tax id: a plan names its tax, and never its rate.
    pub(super) tax_rates: BTreeMap<String, u32>,
}

impl Prices {
    /// Of what names this tax.
    pub(super) fn tax(&self, id: Option<&str>) -> Tax {
        match id {
            None | Some("") => Tax::Rate { ppm: 0 },
            Some(id) => self.tax_rates.get(id).map_or(Tax::Unknown, |ppm| Tax::Rate { ppm: *ppm }),
        }
    }
}

impl Zoho {
    /// One call for the plan, one for each add-on, one for the coupon; none after the first that Zoho does not know.
    pub(super) async fn read_offer(
        &self,
        plan: &str,
        addons: &[String],
        coupon: Option<&str>,
        deadline: Instant,
    ) -> Answered<Answer> {
        let prices = &self.prices;
        let answer: PlanAnswer = self.for_sale("plans", "plan", plan, deadline).await?;
        let plan = answer.plan.read(prices).map_err(unreadable)?;
        let mut offered = Vec::with_capacity(addons.len());
        for code in addons {
            let answer: AddonAnswer = self.for_sale("addons", "addon", code, deadline).await?;
            offered.push(answer.addon.read(&plan, prices).map_err(unreadable)?);
        }
        let coupon = match coupon {
            Some(code) => {
                let answer: CouponAnswer = self.for_sale("coupons", "coupon", code, deadline).await?;
                Some(answer.coupon.read(&plan, &offered, prices).map_err(unreadable)?)
            }
            None => None,
        };
        let read_at = self.clock.now();
        Ok(Answer::Offer(Box::new(Offer { plan, addons: offered, coupon, read_at })))
    }

    async fn for_sale<T: DeserializeOwned>(
        &self,
        resource: &str,
        thing: &str,
        code: &str,
        deadline: Instant,
    ) -> Answered<T> {
        // As a part of a path these would name the list instead.
        if matches!(code, "" | "." | "..") {
            return Err(unknown(thing, code));
        }
        let segments = [resource, code];
        let answer = self.billing.call(Ask::read("zoho.read_offer", &segments), deadline).await;
        answer.map_err(|outcome| if is_not_found(&outcome) { unknown(thing, code) } else { outcome })
    }
}

fn unknown(thing: &str, code: &str) -> Box<Outcome> {
    let code: String = code.chars().take(60).collect();
    rejected(
        RejectionKind::NotFound,
        &format!("unknown_{thing}"),
        &format!("Zoho has no {thing} with the code `{code}`"),
    )
}
