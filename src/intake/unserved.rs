//! Acts of CRM users that nothing here carries out, and what to do instead: sentences for the record.

use crate::connectors::attio::Press;
use crate::engine::items::Body;
use crate::store::items::NewItem;
use sagas::act_refusal::{ActRefusal, Command};
use sagas::kernel::saga::Saga;

/// The item by which the press is answered.
pub(super) fn item(press: &Press, key: String) -> NewItem {
    let command = Command::Pressed {
        record: press.record.clone(),
        act: press.act.clone(),
        pressed_at: press.pressed_at,
        sentence: sentence(&press.act),
    };
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga: ActRefusal::id(&press.record, press.pressed_at),
        saga_kind: ActRefusal::NAME.to_owned(),
        kind: "attio.unserved".to_owned(),
        principal: format!("attio:{}", press.member),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: Some(key),
    }
}

/// Why it is not carried out, and the cure.
fn sentence(act: &str) -> String {
    let cure = match act {
        "Cancel now" | "Cancel at term end" | "Reactivate" => {
            "nothing is being activated here, and no subscription of ours is linked to this record. Do it in Zoho"
        }
        "Change plan" => {
            "no subscription of ours is linked to this record. Press `Start` to buy, or change the plan in Zoho"
        }
        "Send portal link" => "ask the customer for another card on Zoho's own page",
        "Request refund" => "ask finance, who refund at Braintree and note it in Zoho",
        _ => "choose another act",
    };
    format!("`{act}` was not carried out: {cure}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_act_and_what_to_do() {
        for act in ["Change plan", "Cancel now", "Request refund", "An act of their own"] {
            let sentence = sentence(act);
            assert!(
                sentence.starts_with(&format!("`{act}` was not carried out: ")) && sentence.ends_with('.'),
                "{sentence}"
            );
        }
    }
}
