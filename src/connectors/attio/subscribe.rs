//! The webhook of setup: what Attio is to tell us, compared with what it tells. Deletes a webhook only to replace it where
//! its secret is lost.

use super::Attio;
use super::api::Ask;
use super::findings::{Finding, State};
use super::model::MODEL;
use super::offerings::OFFERINGS;
use super::setup::{CALL_LIMIT, OPERATION, SetupError, incomplete};
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value as Json, json};

const AT: &str = "the webhook";
/// Webhooks per page; Attio allows no more.
const LIMIT: &str = "100";
/// Objects whose records carry an act or stand for a customer: what becomes of such a record concerns a flow.
const FOLLOWED: [&str; 3] = ["companies", "people", "subscriptions"];
/// Objects whose records stand for a customer, or for whom we write to at one: every edit by a person is carried on.
const CLIENTS: [&str; 2] = ["companies", "people"];
/// The path at which the service takes Attio's deliveries.
const PATH: &str = "/webhooks/attio";

/// What came of asking for a webhook.
#[derive(Debug)]
pub enum Webhook {
    /// There was one for that address, as needed; its secret was shown when it was made, and never again.
    Existing {
        /// Attio's id of it.
        id: String,
    },
    /// There was one for that address, and its list of events was replaced now; its secret is the old one.
    Mended {
        /// Attio's id of it.
        id: String,
    },
    /// Made now.
    Created {
        /// Attio's id of it.
        id: String,
        /// Shown only once: to be stored at once.
        secret: SecretString,
    },
}

#[derive(Deserialize)]
struct Row {
    id: Id,
    target_url: String,
    #[serde(default)]
    subscriptions: Json,
    #[serde(default)]
    status: String,
    secret: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    webhook_id: String,
}

impl Attio {
    /// Makes sure that the changes that flows await reach the address. Attio shows a webhook's secret once: where it is
    /// lost (`have_secret` is false), the webhook is replaced; where its list of events is another, the list is.
    ///
    /// # Errors
    /// Setup has not been run, or a call was refused or got no answer.
    pub async fn ensure_webhook(&self, target_url: &str, have_secret: bool) -> Result<Webhook, SetupError> {
        let wanted = self.wanted().await?;
        let wanted = wanted.ok_or_else(|| incomplete("attribute `subscriptions.sync_action`"))?;
        let list = json!({ "data": { "target_url": target_url, "subscriptions": &wanted } }).to_string();
        if let Some(existing) = self.webhooks().await?.into_iter().find(|webhook| webhook.target_url == target_url) {
            let id = existing.id.webhook_id;
            let segments = ["webhooks", id.as_str()];
            if have_secret && canonical(&existing.subscriptions) == canonical(&wanted) {
                return Ok(Webhook::Existing { id });
            }
            if have_secret {
                let _: Json = self.ask(AT, Ask::write(OPERATION, Method::PATCH, &segments, list)).await?;
                return Ok(Webhook::Mended { id });
            }
            let delete = Ask { body: None, ..Ask::write(OPERATION, Method::DELETE, &segments, String::new()) };
            self.send(AT, || async { self.api.session(CALL_LIMIT).bare::<Json>(delete.clone()).await }).await?;
        }
        let made: Row = self.ask(AT, Ask::write(OPERATION, Method::POST, &["webhooks"], list)).await?;
        let secret = made.secret.ok_or_else(|| incomplete("the secret of the new webhook"))?;
        Ok(Webhook::Created { id: made.id.webhook_id, secret: secret.into() })
    }

    /// Compares the webhook with what is needed and changes nothing. Without an address, every webhook that ends at our
    /// path is taken for one of ours.
    ///
    /// # Errors
    /// A call was refused or got no answer.
    pub async fn check_webhook(&self, target_url: Option<&str>) -> Result<Vec<Finding>, SetupError> {
        let wanted = self.wanted().await?;
        let (here, elsewhere): (Vec<_>, Vec<_>) = self
            .webhooks()
            .await?
            .into_iter()
            .filter(|webhook| ends_at_our_path(webhook) || target_url == Some(&webhook.target_url))
            .partition(|webhook| target_url.is_none_or(|url| url == webhook.target_url));
        let mut findings: Vec<_> = here.iter().map(|webhook| webhook.compared(wanted.as_ref())).collect();
        if let (Some(url), true) = (target_url, here.is_empty()) {
            findings.extend(elsewhere.iter().map(|webhook| webhook.elsewhere(url)));
        }
        if findings.is_empty() {
            let what = format!("webhook to {}", target_url.unwrap_or("the service"));
            let cure = format!("run setup with --webhook-url https://<your host>{PATH}");
            findings.push(Finding::new(State::Missing, what).cure(cure));
        }
        Ok(findings)
    }

    async fn webhooks(&self) -> Result<Vec<Row>, SetupError> {
        self.ask(AT, Ask::get(OPERATION, &["webhooks"], &[("limit", LIMIT)])).await
    }

    /// A press of an act by a person, also one set when the record is made, and every edit of the catalog and of clients; and what takes away or merges a record that
    /// flows refer to, whoever does it. Our own writes come from an API token and are left out here already. Filters need
    /// ids, not slugs. None: the workspace has no act to press. What its plan does not allow is left out.
    async fn wanted(&self) -> Result<Option<Json>, SetupError> {
        let equals = |field: &str, value: &str| json!({ "field": field, "operator": "equals", "value": value });
        let by_person = || equals("actor.type", "workspace-member");
        let objects = self.objects().await?;
        let (mut wanted, mut followed, mut has_acts) = (Vec::new(), Vec::new(), false);
        for object in MODEL {
            let Some(id) = objects.get(object.slug) else { continue };
            let of_object = equals("id.object_id", id);
            if CLIENTS.contains(&object.slug) {
                let conditions = [of_object.clone(), by_person()];
                wanted.push(json!({ "event_type": "record.updated", "filter": { "$and": conditions } }));
            }
            if object.attributes.iter().any(|attribute| attribute.slug == "sync_action") {
                let rows = self.attribute_rows(object.slug).await?;
                let Some(action) = rows.get("sync_action") else { continue };
                // Of the catalog every edit is wanted: it is written back; and of clients, as asked above.
                let of_action = (object.slug != OFFERINGS).then(|| equals("id.attribute_id", &action.id.attribute_id));
                let conditions: Vec<Json> =
                    [Some(of_object.clone()), of_action, Some(by_person())].into_iter().flatten().collect();
                if !CLIENTS.contains(&object.slug) {
                    wanted.push(json!({ "event_type": "record.updated", "filter": { "$and": conditions } }));
                }
                wanted.push(json!({ "event_type": "record.created",
                    "filter": { "$and": [&of_object, by_person()] } }));
                has_acts |= object.slug == "subscriptions";
            }
            if FOLLOWED.contains(&object.slug) {
                followed.push(of_object);
            }
        }
        for event in ["record.deleted", "record.merged"] {
            wanted.push(json!({ "event_type": event, "filter": { "$or": &followed } }));
        }
        Ok(has_acts.then_some(Json::Array(wanted)))
    }
}

impl Row {
    fn what(&self) -> String {
        format!("webhook {} to {}", self.id.webhook_id, self.target_url)
    }

    /// What it tells and whether it still does.
    fn compared(&self, wanted: Option<&Json>) -> Finding {
        let finding = |detail: &str, cure: &str| {
            let differs = Finding::new(State::Differs, self.what());
            differs.detail(detail).cure(cure)
        };
        match (self.status.as_str(), wanted) {
            ("degraded", _) => finding(
                "is degraded: Attio could not deliver for about three days; what it could not deliver is lost",
                "make the address reachable, then run setup with --webhook-url and without ATTIO_WEBHOOK_SECRET: it \
                 makes a new one",
            ),
            ("inactive", _) => finding("is inactive", "activate it in Attio's developer settings"),
            (_, None) => finding("cannot be compared before the acts exist", "run setup with --webhook-url"),
            (_, Some(wanted)) if canonical(&self.subscriptions) != canonical(wanted) => finding(
                "tells other events than the flows need, or filters them otherwise",
                "run setup with --webhook-url and ATTIO_WEBHOOK_SECRET: it replaces the list",
            ),
            (_, Some(_)) => Finding::new(State::Exists, self.what()),
        }
    }

    fn elsewhere(&self, url: &str) -> Finding {
        let cure = "run setup with --webhook-url to make the right one; delete this one in Attio if nobody needs it";
        Finding::new(State::Differs, self.what()).detail(format!("does not go to {url}")).cure(cure)
    }
}

fn ends_at_our_path(webhook: &Row) -> bool {
    Url::parse(&webhook.target_url).is_ok_and(|url| url.path().trim_end_matches('/') == PATH)
}

/// A list of subscriptions in a form in which two that mean the same are the same: neither the order of the subscriptions
/// nor that of a filter's conditions matters, and what else Attio adds to one does not either.
fn canonical(subscriptions: &Json) -> Vec<String> {
    let one = |subscription: &Json| {
        let mut filter = subscription["filter"].clone();
        for conditions in filter.as_object_mut().into_iter().flat_map(|filter| filter.values_mut()) {
            if let Some(conditions) = conditions.as_array_mut() {
                conditions.sort_by_key(Json::to_string);
            }
        }
        format!("{} {filter}", subscription["event_type"])
    };
    let mut all: Vec<_> = subscriptions.as_array().into_iter().flatten().map(one).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_the_same_in_any_order_and_differ_in_any_condition() {
        let condition = |value: &str| json!({ "field": "id.object_id", "operator": "equals", "value": value });
        let list = |kinds: [&str; 2], values: [&str; 2]| {
            let filter = json!({ "$or": values.map(condition) });
            Json::Array(kinds.map(|kind| json!({ "event_type": kind, "filter": filter })).to_vec())
        };
        let one = canonical(&list(["record.deleted", "record.merged"], ["a", "b"]));
        assert_eq!(one, canonical(&list(["record.merged", "record.deleted"], ["b", "a"])));
        assert_ne!(one, canonical(&list(["record.merged", "record.deleted"], ["b", "c"])));
        assert_ne!(one, canonical(&Json::Null));
    }
}
