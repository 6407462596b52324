//! Webhooks as Zoho Billing sends and signs them. Delivery is not this module's business.

use super::reply::Object;
use super::settings::Shape;
use crate::credentials::Zoho;
use crate::hooks::Hook;
use crate::{World, faults::Vendor};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// What happened, in the parts of which each shape of a webhook is made.
pub(super) struct Notice<'a> {
    pub(super) kind: &'a str,
    /// The event's envelope, as the events API shows it too.
    pub(super) event: &'a str,
    /// The resources alone.
    pub(super) data: &'a Object,
}

/// Queues the webhook of an event, signed for the target now set; its delivery.
pub(super) fn send(world: &World, shape: Shape, notice: &Notice<'_>) -> Option<Uuid> {
    let target = world.hooks.target(Vendor::Zoho);
    world.hooks.send(hook(&world.credentials.zoho, shape, notice, target.as_deref())).first().copied()
}

fn hook(own: &Zoho, shape: Shape, notice: &Notice<'_>, target: Option<&str>) -> Hook {
    let bare = || notice.data.clone().with("organization_id", &own.organization_id).text();
    let (content_type, body, form) = match shape {
        Shape::Event => ("application/json;charset=UTF-8", notice.event.to_owned(), None),
        Shape::Workflow => ("application/json;charset=UTF-8", bare(), None),
        Shape::Form => {
            let pair = ("JSONString".to_owned(), bare());
            let body = url::form_urlencoded::Serializer::new(String::new()).append_pair(&pair.0, &pair.1).finish();
            ("application/x-www-form-urlencoded", body, Some(pair))
        }
    };
    let query = target.and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    let raw = if form.is_some() { &[] } else { body.as_bytes() };
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned().chain(form).collect();
    let signature = signature(&own.webhook_secret, pairs, raw);
    Hook {
        vendor: Vendor::Zoho,
        kind: notice.kind.to_owned(),
        headers: vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("x-zoho-webhook-signature".to_owned(), signature),
        ],
        body: body.into_bytes(),
    }
}

/// Zoho's signature: HMAC-SHA256, in lowercase hex, over the sorted pairs of query and form, each name before its
/// value with nothing between them, and then the raw body; a form's body counts by its pairs alone.
fn signature(secret: &str, mut pairs: Vec<(String, String)>, raw: &[u8]) -> String {
    pairs.sort();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for (name, value) in &pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.update(raw);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_match_those_that_receivers_compute() {
        let pairs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
        for (query_and_form, raw, expected) in [
            (
                pairs(&[("subscription_id", "90343"), ("name", "basic")]),
                r#"{"created_date":"2019-03-06","event_id":"5675"}"#,
                "ec0357bb87b946f9b88f3d80899810913dfbc310ada921e1d1e25575d5f63ee9",
            ),
            (pairs(&[]), r#"{"test":true}"#, "beeba5fe977923913952d4d245be79be8daaea0e1d7c2785731491518b098653"),
            (
                pairs(&[("tenant", "t 1"), ("a", "x&y"), ("b", "")]),
                "",
                "2067c53b605773d38ceed52df0bb0b6231f011594504323316c3ea586661b266",
            ),
        ] {
            assert_eq!(signature("mysecretkey12", query_and_form, raw.as_bytes()), expected);
        }
    }

    #[test]
    fn a_webhook_is_signed_over_its_targets_query_and_what_it_carries() {
        let own = Zoho { webhook_secret: "mysecretkey12".to_owned(), ..World::default().credentials.zoho };
        let data = Object::new().with("invoice", Object::new().with("invoice_id", "9"));
        let notice = Notice { kind: "invoice_created", event: r#"{"event_id":"1"}"#, data: &data };
        let bare = format!(r#"{{"invoice":{{"invoice_id":"9"}},"organization_id":"{}"}}"#, own.organization_id);
        let query = ("tenant".to_owned(), "t 1".to_owned());
        let form = ("JSONString".to_owned(), bare.clone());
        for (shape, signed) in [
            (Shape::Event, signature("mysecretkey12", vec![query.clone()], notice.event.as_bytes())),
            (Shape::Workflow, signature("mysecretkey12", vec![query.clone()], bare.as_bytes())),
            (Shape::Form, signature("mysecretkey12", vec![query.clone(), form.clone()], b"")),
        ] {
            let hook = hook(&own, shape, &notice, Some("http://localhost/webhooks/zoho?tenant=t%201"));
            assert_eq!(hook.headers[1], ("x-zoho-webhook-signature".to_owned(), signed), "{shape:?}");
        }
    }
}
