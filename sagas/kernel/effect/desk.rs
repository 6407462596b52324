//! Calls on our own store.

use super::attio::AttioRecord;
use super::message::Message;
use crate::kernel::answer::CollectionOwner;
use crate::kernel::money::Money;
use chrono::NaiveDate;
use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Calls on our own store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Desk {
    /// What our own tables say about an invoice before it is charged.
    SurveyInvoice {
        /// Zoho invoice id.
        invoice: String,
        /// Zoho customer id on the invoice.
        customer: String,
        /// Zoho subscription id on the invoice, if it names one.
        subscription: Option<String>,
    },
    /// What our own tables say about a subscription: by what of it is known.
    SurveySubscription {
        /// By which it is found.
        by: SubscriptionKey,
    },
    /// What our own tables say about a customer of Zoho's.
    SurveyCustomer {
        /// Zoho customer id.
        zoho_customer: String,
    },
    /// What stands in the way of another card of a customer, and what waits for one: by the words of the flow that charges.
    SurveyCardUses {
        /// Our customer id.
        customer: String,
        /// The flow that collects invoices.
        flow: String,
        /// In which of its states an invoice waits for money of the customer.
        owing: Vec<String>,
        /// At which steps of any flow a card may be charged.
        charging: Vec<String>,
        /// Subscription ids of ours whose Zoho ids are wanted.
        subscriptions: Vec<String>,
    },
    /// Reserves claims for this saga: all or none.
    Claim {
        /// What to hold.
        claims: Vec<Claim>,
    },
    /// Reserves claims for this saga, all or none, unless another saga holds one of the fences at that moment. Who sets a
    /// fence after that sees these claims.
    ClaimUnfenced {
        /// What to hold.
        claims: Vec<Claim>,
        /// What nobody else may hold; nothing of it is held afterwards.
        fences: Vec<Claim>,
    },
    /// What our own tables say about a subscription that is being ended: what is still being charged, and by whom its
    /// product is kept.
    SurveyEnding {
        /// Our subscription id.
        subscription: String,
        /// Zoho subscription id.
        zoho_subscription: String,
        /// Zoho invoice ids of which it is asked what was captured for them.
        invoices: Vec<String>,
    },
    /// Whether a rule may give that much back without anybody's word.
    WeighGiveBack {
        /// How much.
        amount: Money,
    },
    /// Reserves one charge of a card in its rolling windows.
    CountCard {
        /// The card's unique number identifier.
        card: String,
        /// Brand, for the caps.
        brand: String,
        /// The order id of the charge: counted once however often it is asked.
        order_id: String,
    },
    /// Finds or makes our customer for a client in Attio, and says what is linked to it.
    Enrol {
        /// The client's record.
        client: AttioRecord,
    },
    /// Links our customer with its ids at the vendors; what is linked so already stays.
    LinkCustomer {
        /// Our customer id.
        customer: String,
        /// Zoho customer id.
        zoho_customer: Option<String>,
        /// Braintree customer id.
        braintree_customer: Option<String>,
    },
    /// Links ids of ours with ids elsewhere: all or none; what is linked so already stays.
    Link {
        /// The links.
        links: Vec<IdLink>,
    },
    /// Cuts exactly these links.
    Unlink {
        /// The links.
        links: Vec<IdLink>,
    },
    /// Who holds a claim now.
    SurveyClaim {
        /// The claim.
        claim: Claim,
    },
    /// Takes claims over that sagas of one flow hold, and tells each holder so; declined where anybody else holds one.
    TakeOver {
        /// What this saga holds from then on.
        claims: Vec<Claim>,
        /// The flow whose sagas give way.
        flow: String,
        /// What kind of thing it is, as the holder's log names it.
        kind: String,
        /// That flow's command.
        command: Value,
    },
    /// Undoes `LinkCustomer` for exactly these ids.
    UnlinkCustomer {
        /// Our customer id.
        customer: String,
        /// Zoho customer id.
        zoho_customer: Option<String>,
        /// Braintree customer id.
        braintree_customer: Option<String>,
    },
    /// Links a subscription of ours with Zoho's and Attio's, and records who collects it.
    AdoptSubscription {
        /// Our subscription id.
        subscription: String,
        /// Zoho subscription id.
        zoho_subscription: String,
        /// Record id in Attio.
        attio_record: String,
        /// Who collects.
        owner: CollectionOwner,
    },
    /// Counts charges of a card that somebody else made, without a word on whether there were too many.
    CountOldCharges {
        /// The card's unique number identifier.
        card: String,
        /// Brand, for the caps.
        brand: String,
        /// One of ours for each charge: counted once however often it is asked.
        order_ids: Vec<String>,
    },
    /// Undoes `AdoptSubscription`: nobody collects it, and the links to these ids are gone.
    DisownSubscription {
        /// Our subscription id.
        subscription: String,
        /// Zoho subscription id.
        zoho_subscription: String,
        /// Record id in Attio.
        attio_record: String,
    },
    /// Changes who collects a subscription; refused where the record is neither the one that is expected nor the wanted one.
    SetOwner {
        /// Our subscription id.
        subscription: String,
        /// Who is on record before it; absent: nobody.
        from: Option<CollectionOwner>,
        /// Who is afterwards; absent: nobody, and nothing of it is charged here.
        owner: Option<CollectionOwner>,
        /// It collects no invoice of an earlier day (books zone); absent: all that is open.
        valid_from: Option<NaiveDate>,
    },
    /// What our own tables say about a person who is to be erased.
    SurveyPerson {
        /// Our customer id.
        customer: String,
    },
    /// Puts a person on the erasure list outside, then erases what is kept here that says who it is; refused as busy while
    /// another saga of the person is under way.
    ErasePerson {
        /// Our customer id.
        customer: String,
        /// Who agreed to it: staff, for the list.
        by: String,
    },
    /// Whether anything is left here of a person who was erased, and whether the log of the person's flows is whole.
    VerifyErased {
        /// Our customer id.
        customer: String,
    },
    /// Tells another saga something, and hands claims of this one over to it: both or neither.
    Tell {
        /// What it is told.
        message: Box<Message>,
        /// Claims of this saga that are the other's from now on.
        claims: Vec<Claim>,
    },
    /// Compares what we hold of a customer with what each target was given last.
    CompareProfile {
        /// Our customer id.
        customer: String,
    },
    /// Where the money of these Braintree transactions stands in our ledger.
    SurveyPayout {
        /// Their ids.
        transactions: Vec<String>,
        /// In which currency.
        currency: Currency,
    },
    /// What is set for a flow by those who run the installation.
    ReadSettings {
        /// Whose: the flow's name.
        of: String,
    },
    /// Tells every saga of a flow that has not ended something, each once.
    TellAll {
        /// The flow.
        flow: String,
        /// What kind of thing it is, as the others' logs name it.
        kind: String,
        /// That flow's command.
        command: Value,
        /// The same key is the same news.
        key: String,
    },
}

impl Desk {
    pub(super) const fn operation(&self) -> &'static str {
        match self {
            Self::SurveyInvoice { .. } => "desk.survey_invoice",
            Self::SurveySubscription { .. } => "desk.survey_subscription",
            Self::SurveyCustomer { .. } => "desk.survey_customer",
            Self::SurveyCardUses { .. } => "desk.survey_card_uses",
            Self::Claim { .. } | Self::ClaimUnfenced { .. } => "desk.claim",
            Self::SurveyEnding { .. } => "desk.survey_ending",
            Self::WeighGiveBack { .. } => "desk.weigh_give_back",
            Self::CountCard { .. } => "desk.count_card",
            Self::Enrol { .. } => "desk.enrol",
            Self::LinkCustomer { .. } => "desk.link_customer",
            Self::Link { .. } => "desk.link",
            Self::Unlink { .. } => "desk.unlink",
            Self::SurveyClaim { .. } => "desk.survey_claim",
            Self::TakeOver { .. } => "desk.take_over",
            Self::UnlinkCustomer { .. } => "desk.unlink_customer",
            Self::AdoptSubscription { .. } => "desk.adopt_subscription",
            Self::DisownSubscription { .. } => "desk.disown_subscription",
            Self::CountOldCharges { .. } => "desk.count_old_charges",
            Self::SetOwner { .. } => "desk.set_owner",
            Self::SurveyPerson { .. } => "desk.survey_person",
            Self::ErasePerson { .. } => "desk.erase_person",
            Self::VerifyErased { .. } => "desk.verify_erased",
            Self::Tell { .. } => "desk.tell",
            Self::TellAll { .. } => "desk.tell_all",
            Self::CompareProfile { .. } => "desk.compare_profile",
            Self::SurveyPayout { .. } => "desk.survey_payout",
            Self::ReadSettings { .. } => "desk.read_settings",
        }
    }
}

/// One of ours, and what it is called elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdLink {
    /// What the other id is.
    pub kind: IdKind,
    /// Our id.
    pub ours: String,
    /// The other.
    pub theirs: String,
}

/// What an id elsewhere is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdKind {
    /// A user of the platform, of our customer.
    PlatformUser,
    /// A person's record in Attio, of our customer.
    AttioPerson,
    /// A contact in Zoho CRM, of our customer.
    ZohoContact,
    /// An account in Zoho CRM, of our account.
    ZohoAccount,
    /// A contact in Zoho Desk, of our customer.
    DeskContact,
    /// A customer in Zoho Billing, of our customer.
    ZohoCustomer,
    /// A customer in Braintree, of our customer.
    BraintreeCustomer,
    /// A company's record in Attio, of our customer.
    AttioCompany,
    /// A subscription in Zoho Billing, of our subscription.
    ZohoSubscription,
    /// A subscription's record in Attio, of our subscription.
    AttioSubscription,
}

/// One of the ids by which a subscription of ours is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "key", rename_all = "snake_case")]
pub enum SubscriptionKey {
    /// By its record in Attio.
    Attio {
        /// Record id of the object `subscriptions`.
        record: String,
    },
    /// By its subscription in Zoho Billing.
    Zoho {
        /// Zoho subscription id.
        subscription: String,
    },
}

/// One claim: only one saga may hold a (kind, key).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// Which kind; the order of the kinds is the order of taking.
    pub kind: ClaimKind,
    /// What is claimed.
    pub key: String,
}

/// Kinds of claims, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// One press of an act in Attio.
    AttioTrigger,
    /// Our account and plan family.
    AccountPlanFamily,
    /// A Zoho customer.
    ZohoCustomer,
    /// A Zoho subscription.
    ZohoSubscription,
    /// A Zoho invoice.
    ZohoInvoice,
    /// A Braintree transaction.
    BraintreeTransaction,
    /// A rehearsal's resource.
    Practice,
}
