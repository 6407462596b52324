//! Every route of the private API and what it is in the table. What is missing here is refused, whoever asks.

use super::matrix::Act;

/// A route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET`, `POST`, `DELETE`.
    pub method: &'static str,
    /// As the API's description has it.
    pub path: &'static str,
    /// What it is; more than one: the body says which, and the handler asks again.
    pub acts: &'static [Act],
    /// It is the second person's answer to one of these acts.
    pub answers: bool,
}

const fn does(method: &'static str, path: &'static str, acts: &'static [Act]) -> Route {
    Route { method, path, acts, answers: false }
}

const fn answers(path: &'static str, acts: &'static [Act]) -> Route {
    Route { method: "POST", path, acts, answers: true }
}

/// All of them.
pub const ROUTES: [Route; 74] = [
    does("GET", "/openapi.json", &[Act::ReadFlows]),
    does("GET", "/sagas", &[Act::ReadFlows]),
    does("GET", "/sagas/{id}", &[Act::ReadFlows]),
    does("GET", "/sagas/{id}/explanation", &[Act::ReadFlows]),
    does("POST", "/sagas/{id}/resume", &[Act::Steer]),
    does("POST", "/sagas/{id}/decide", &[Act::Steer]),
    does("POST", "/sagas/{id}/orders", &[Act::Steer, Act::Repair]),
    does("POST", "/sagas/{id}/preview", &[Act::ReadFlows]),
    does("GET", "/requests", &[Act::ReadFlows]),
    answers("/requests/{id}/approve", &[Act::Repair]),
    answers("/requests/{id}/reject", &[Act::Repair]),
    does("GET", "/bulk", &[Act::ReadFlows]),
    does("POST", "/bulk", &[Act::Bulk]),
    does("GET", "/bulk/{id}", &[Act::ReadFlows]),
    answers("/bulk/{id}/approve", &[Act::Bulk]),
    does("POST", "/bulk/{id}/cancel", &[Act::Bulk]),
    does("POST", "/activations", &[Act::SendLink]),
    does("POST", "/catalog/sync", &[Act::Steer]),
    does("POST", "/crm-checks", &[Act::Steer]),
    does("POST", "/card-links", &[Act::SendLink]),
    does("POST", "/tickets", &[Act::Steer]),
    does("POST", "/signups", &[Act::SendLink]),
    does("GET", "/signups/{id}", &[Act::SendLink, Act::Steer]),
    does("POST", "/signups/{id}/trial", &[Act::SendLink, Act::Steer]),
    does("PATCH", "/people/{id}", &[Act::SendLink, Act::Steer]),
    does("POST", "/people/{id}/checks", &[Act::Steer]),
    does("POST", "/cancellations", &[Act::EndSubscription]),
    does("POST", "/cancellations/{id}/choice", &[Act::ChooseMoney]),
    does("POST", "/erasures", &[Act::ErasePerson]),
    answers("/erasures/{id}/confirm", &[Act::ErasePerson]),
    does("POST", "/erasures/{id}/withdraw", &[Act::ErasePerson]),
    does("POST", "/erasures/{id}/hold", &[Act::ErasePerson]),
    does("POST", "/erasures/{id}/lift", &[Act::ErasePerson]),
    does("GET", "/erasures/{id}/certificate", &[Act::ErasePerson]),
    does("POST", "/plan-changes", &[Act::ChangePlan]),
    does("GET", "/plan-changes/{id}", &[Act::ChangePlan]),
    does("POST", "/plan-changes/{id}/acceptance", &[Act::ChangePlan, Act::AcceptForCustomer]),
    does("POST", "/plan-changes/{id}/cancel", &[Act::ChangePlan]),
    does("POST", "/refunds", &[Act::Refund]),
    does("POST", "/refunds/preview", &[Act::Refund]),
    answers("/refunds/{id}/approve", &[Act::Refund]),
    answers("/refunds/{id}/reject", &[Act::Refund]),
    does("POST", "/refunds/{id}/decide", &[Act::Refund]),
    does("POST", "/hand-overs", &[Act::ChangeOwner]),
    does("POST", "/hand-overs/preview", &[Act::ChangeOwner]),
    does("GET", "/hand-overs/{id}", &[Act::ReadFlows]),
    answers("/hand-overs/{id}/approve", &[Act::ChangeOwner]),
    answers("/hand-overs/{id}/stop", &[Act::ChangeOwner]),
    does("POST", "/hand-overs/{id}/decide", &[Act::ChangeOwner]),
    does("POST", "/hand-overs/{id}/redirect", &[Act::ChangeOwner]),
    does("GET", "/disputes/{id}", &[Act::ReadFlows]),
    does("POST", "/disputes/{id}/submit", &[Act::Dispute]),
    does("POST", "/disputes/{id}/accept", &[Act::Dispute]),
    does("POST", "/disputes/{id}/close", &[Act::Dispute]),
    does("GET", "/transactions", &[Act::ReadMoney]),
    does("GET", "/transactions.csv", &[Act::Export]),
    does("GET", "/inbox/summary", &[Act::ReadFlows]),
    does("GET", "/inbox/deliveries", &[Act::ReadFlows]),
    does("GET", "/forecast", &[Act::ReadFlows]),
    does("GET", "/reconciliation/runs", &[Act::ReadMoney]),
    does("POST", "/reconciliation/runs", &[Act::Reconcile]),
    does("GET", "/reconciliation/runs/{id}", &[Act::ReadMoney]),
    does("GET", "/reconciliation/runs/{id}/report", &[Act::ReadMoney]),
    does("POST", "/reconciliation/runs/{id}/stop", &[Act::Reconcile]),
    does("POST", "/reconciliation/runs/{id}/resume", &[Act::Reconcile]),
    does("GET", "/reconciliation/findings", &[Act::ReadMoney]),
    does("GET", "/reconciliation/findings.csv", &[Act::Export]),
    does("GET", "/reconciliation/findings/{id}", &[Act::ReadMoney]),
    does("POST", "/reconciliation/findings/{id}/decide", &[Act::SettleFinding, Act::ForceFinding]),
    answers("/reconciliation/findings/{id}/approve", &[Act::ForceFinding]),
    does("GET", "/tokens", &[Act::ReadTokens]),
    does("POST", "/tokens", &[Act::ManageTokens]),
    answers("/tokens/{id}/approve", &[Act::ManageTokens]),
    does("DELETE", "/tokens/{id}", &[Act::ManageTokens]),
];

/// The route of a method and path.
pub fn route(method: &str, path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == method && route.path == path)
}
