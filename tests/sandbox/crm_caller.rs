//! A caller of the simulated Zoho CRM and Desk, with the access token of Zoho's Accounts.

use crate::zoho_caller::{Answer, Zoho, answer};
use reqwest::{Method, RequestBuilder};
use sandbox::faults::{Fault, Kind, Vendor};
use sandbox::{crm, desk};
use serde_json::{Value, json};

/// The department of the simulated Desk.
pub(crate) const DEPARTMENT: &str = "1892000000006907";

impl Zoho {
    /// A call to CRM; the path begins below its version.
    pub(crate) fn crm(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/crm/v8{path}", self.base);
        self.client.request(method, url).header("Authorization", format!("Zoho-oauthtoken {}", self.token))
    }

    pub(crate) async fn crm_get(&self, path: &str) -> Answer {
        answer(self.crm(Method::GET, path)).await
    }

    /// Looks a record up by a value of its external field.
    pub(crate) async fn crm_external(&self, field: &str, value: &str) -> Answer {
        let (module, _) = field.split_once('.').unwrap();
        answer(self.crm(Method::GET, &format!("/{module}/{value}")).header("X-EXTERNAL", field)).await
    }

    pub(crate) async fn crm_post(&self, path: &str, body: Value) -> Answer {
        answer(self.crm(Method::POST, path).body(body.to_string())).await
    }

    /// The id of a record that is made without its workflows.
    pub(crate) async fn crm_record(&self, module: &str, record: Value) -> String {
        let made = self.crm_post(&format!("/{module}"), json!({ "data": [record], "trigger": [] })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json["data"][0]["details"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn crm_tag(&self, id: &str, tag: &str) -> Answer {
        let path = format!("/Contacts/{id}/actions/add_tags");
        self.crm_post(&path, json!({ "tags": [{ "name": tag }] })).await
    }

    /// An act in CRM's own pages.
    pub(crate) fn crm_staff(&self, act: &Value) -> Value {
        crm::staff(&self.world, act).unwrap()
    }

    pub(crate) fn crm_books(&self) -> Value {
        crm::books(&self.world)
    }

    /// A call to Desk; the path begins below its version.
    pub(crate) fn desk(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.base);
        let call = self.client.request(method, url).header("Authorization", format!("Zoho-oauthtoken {}", self.token));
        call.header("orgId", &self.world.credentials.zoho.desk_organization_id)
    }

    pub(crate) async fn desk_get(&self, path: &str) -> Answer {
        answer(self.desk(Method::GET, path)).await
    }

    pub(crate) async fn desk_post(&self, path: &str, body: Value) -> Answer {
        answer(self.desk(Method::POST, path).json(&body)).await
    }

    /// An act in Desk's own pages.
    pub(crate) fn desk_staff(&self, act: &Value) -> Value {
        desk::staff(&self.world, act).unwrap()
    }

    pub(crate) fn desk_books(&self) -> Value {
        desk::books(&self.world)
    }

    /// Orders a fault that strikes once.
    pub(crate) fn once(&self, vendor: Vendor, operation: &str, kind: Kind) {
        let operation = operation.to_owned();
        self.world.faults.order(Fault { vendor, operation, kind, skip: 0, times: Some(1), contains: None });
    }
}

/// Asserts one of CRM's refusals.
#[track_caller]
pub(crate) fn crm_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (status, Some(code)), "{}", answer.text);
    assert_eq!((answer.json["status"].as_str(), answer.json["details"].is_object()), (Some("error"), true));
}

/// Asserts the error of the first record of a write.
#[track_caller]
pub(crate) fn record_refused<'a>(answer: &'a Answer, status: u16, code: &str) -> &'a Value {
    let first = &answer.json["data"][0];
    assert_eq!((answer.status.as_u16(), first["code"].as_str()), (status, Some(code)), "{}", answer.text);
    &first["details"]
}

/// Asserts one of Desk's refusals.
#[track_caller]
pub(crate) fn desk_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.json["errorCode"].as_str()), (status, Some(code)), "{}", answer.text);
    assert!(answer.json["message"].is_string());
}
