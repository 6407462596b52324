//! The data of the flow: what deal and tags are in each state of a subscription. All that CRM shows follows from here.

use super::rules::{Rules, Stages};
use super::state::Subscription;
use crate::kernel::money::Money;
use crate::kernel::tags::{Lifecycle, Tags};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// Nothing was told that says it.
    #[default]
    Unknown,
    /// The customer has a link.
    Offered,
    /// The link was not used in time.
    Lapsed,
    Trial,
    /// A trial that led to nothing.
    TrialOver,
    Active,
    /// It ends with its term.
    Ending,
    Ended,
}

/// Which of the pipeline's stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StageOf {
    Open,
    Won,
    Lost,
    /// As a setting names it, else it stays won.
    Churned,
}

/// The day that a deal closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// The day of the standing: the link's last one, the one on which it lapsed.
    Day,
    /// The day on which it was sold.
    Sold,
}

/// What becomes of the deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deal {
    /// There is none.
    None,
    /// Made, if there is none yet.
    Made(StageOf, Closing),
    /// Only where there is one already.
    Kept(StageOf, Closing),
}

/// One row.
pub(super) struct Row {
    pub(super) standing: Standing,
    pub(super) deal: Deal,
    /// The word in `Billing_Status`, before its day.
    pub(super) status: Option<&'static str>,
    /// What it makes of the customer; absent: nothing.
    pub(super) lifecycle: Option<Lifecycle>,
    /// The plan's tier is tagged.
    pub(super) tier: bool,
}

/// The table. Where a customer has several subscriptions, the best of their lifecycles counts.
pub(super) const TABLE: [Row; 7] = [
    Row {
        standing: Standing::Offered,
        deal: Deal::Made(StageOf::Open, Closing::Day),
        status: None,
        lifecycle: None,
        tier: false,
    },
    Row {
        standing: Standing::Lapsed,
        deal: Deal::Kept(StageOf::Lost, Closing::Day),
        status: None,
        lifecycle: Some(Lifecycle::Churned),
        tier: false,
    },
    Row { standing: Standing::Trial, deal: Deal::None, status: None, lifecycle: Some(Lifecycle::Trial), tier: false },
    Row {
        standing: Standing::TrialOver,
        deal: Deal::Kept(StageOf::Lost, Closing::Day),
        status: None,
        lifecycle: Some(Lifecycle::Churned),
        tier: false,
    },
    Row {
        standing: Standing::Active,
        deal: Deal::Made(StageOf::Won, Closing::Sold),
        status: None,
        lifecycle: Some(Lifecycle::Active),
        tier: true,
    },
    Row {
        standing: Standing::Ending,
        deal: Deal::Made(StageOf::Won, Closing::Sold),
        status: Some("ending"),
        lifecycle: Some(Lifecycle::Active),
        tier: true,
    },
    Row {
        standing: Standing::Ended,
        deal: Deal::Made(StageOf::Churned, Closing::Sold),
        status: Some("churned"),
        lifecycle: Some(Lifecycle::Churned),
        tier: false,
    },
];

/// In `Billing_Status` while an invoice is owed after a failed charge.
const PAST_DUE: &str = "past due";

impl Standing {
    pub(super) fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.standing == self)
    }

    /// It was sold at some time.
    pub(super) const fn is_sold(self) -> bool {
        matches!(self, Self::Active | Self::Ending | Self::Ended)
    }
}

/// What a deal shall show, but for its stage, which may be people's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealFace {
    /// The plan's name.
    pub plan: String,
    /// Price of one term.
    pub amount: Money,
    /// The day that it closes (books zone).
    pub closing_on: NaiveDate,
    /// `Billing_Status`; empty: all is well.
    pub status: String,
}

impl StageOf {
    /// Its name in the pipeline.
    pub(super) fn name(self, stages: &Stages) -> &str {
        match self {
            Self::Open => &stages.open,
            Self::Won => &stages.won,
            Self::Lost => &stages.lost,
            Self::Churned => stages.churned.as_deref().unwrap_or(&stages.won),
        }
    }
}

/// What the deal of a subscription shall show, and its stage; none: nothing is written.
pub(super) fn deal(of: &Subscription) -> Option<(DealFace, StageOf)> {
    let row = of.standing.row()?;
    let (stage, closing) = match row.deal {
        Deal::Made(stage, closing) => (stage, closing),
        Deal::Kept(stage, closing) if of.deal.id.is_some() => (stage, closing),
        Deal::None | Deal::Kept(..) => return None,
    };
    let sale = of.sale.as_ref()?;
    let closing_on = match closing {
        Closing::Day => of.day,
        Closing::Sold => of.sold_on,
    };
    let past_due = of.is_past_due().then(|| PAST_DUE.to_owned());
    let standing = row.status.map(|word| of.day.map_or_else(|| word.to_owned(), |day| format!("{word} {day}")));
    let face = DealFace {
        plan: sale.name.clone(),
        amount: sale.amount,
        closing_on: closing_on?,
        status: past_due.into_iter().chain(standing).collect::<Vec<_>>().join(", "),
    };
    Some((face, stage))
}

/// What our tags on the contact shall be. Kinds that its subscriptions say nothing of stay as they are.
pub(super) fn tags(subscriptions: &BTreeMap<String, Subscription>, rules: &Rules) -> Tags {
    let all = || subscriptions.values();
    let rows = || all().filter_map(|of| of.standing.row());
    let best = |one: Lifecycle| rows().any(|row| row.lifecycle == Some(one));
    let lifecycle = [Lifecycle::Active, Lifecycle::Trial, Lifecycle::Churned].into_iter().find(|one| best(*one));
    let tagged: Vec<_> = all().filter(|of| of.standing.row().is_some_and(|row| row.tier)).collect();
    let plans = tagged.iter().filter_map(|of| of.sale.as_ref()).map(|sale| &sale.plan);
    let mut tiers: Vec<_> = plans.filter_map(|plan| rules.tier(plan).cloned()).collect();
    tiers.sort_unstable();
    tiers.dedup();
    // Whoever never had a plan keeps what people tagged, and so does whoever has one that nobody told us of.
    let known = all().any(|of| of.standing.is_sold()) && tagged.iter().all(|of| of.sale.is_some());
    Tags { lifecycle, tiers: known.then_some(tiers), ..Tags::default() }
}
