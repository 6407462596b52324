use super::facts::Template;
use super::*;
use secrecy::SecretString;

fn brand() -> Brand {
    Brand {
        name: "Müller & Söhne".to_owned(),
        support_email: "support@example.com".to_owned(),
        colour: "#ffd400".parse().expect("a colour"),
        logo: None,
        locale: Locale::En,
    }
}

fn mailer() -> Mailer {
    let smtp_url = SecretString::from("smtp://127.0.0.1:9");
    let from = "billing@example.com".parse().expect("an address");
    let config = MailConfig { from, smtp_url, tls_required: false };
    Mailer::new(&config, &brand(), Arc::new(crate::clock::RealClock), Duration::from_secs(1)).expect("a mailer")
}

fn mail(template: Template, name: &str, address: &str) -> Mail {
    Mail {
        message_id: MessageId::new("0192-1@example.com").expect("an id"),
        to: To { address: address.to_owned(), name: Some(name.to_owned()) },
        locale: Locale::En,
        facts: samples::facts(template, Locale::En),
    }
}

#[test]
fn every_template_renders_in_every_language() {
    let templates = Templates::new(&brand());
    for (template, locale) in Template::ALL.into_iter().flat_map(|t| Locale::ALL.map(|l| (t, l))) {
        let facts = samples::facts(template, locale);
        let Rendered { subject, html, text } = templates.render(&facts, Some(samples::NAME), locale).expect("renders");
        let name = format!("{}_{}", template.as_str(), locale.tag());
        insta::assert_snapshot!(name.clone(), format!("Subject: {subject}\n\n{text}"));
        assert!(html.starts_with("<!doctype html>") && html.contains("Müller &amp; Söhne"), "{html}");
        for leftover in ["{{", "{%", "none\n", "undefined", "<script", "http-equiv"] {
            assert!(!html.contains(leftover), "{leftover} in {name}");
        }
    }
}

#[test]
fn the_frame_of_all_mails_is_one_document() {
    let facts = samples::facts(Template::Receipt, Locale::En);
    let rendered = Templates::new(&brand()).render(&facts, Some(samples::NAME), Locale::En).expect("renders");
    insta::assert_snapshot!("receipt_en_html", rendered.html);
}

#[test]
fn what_may_be_absent_may_be_absent() {
    let templates = Templates::new(&brand());
    for locale in Locale::ALL {
        for template in Template::ALL {
            let mut facts = samples::facts(template, locale);
            match &mut facts {
                Facts::CheckoutLink(checkout) | Facts::CheckoutReminder(checkout) => checkout.renewal = None,
                Facts::Refund(refund) => refund.card = None,
                Facts::Receipt(receipt) => (receipt.tax, receipt.renewal) = (None, None),
                Facts::Started(started) => (started.card, started.renewal) = (None, None),
                Facts::ActivationFailed(failed) => (failed.released, failed.link) = (None, None),
                Facts::PaymentFailed(failed) | Facts::AuthenticationNeeded(failed) | Facts::LastNotice(failed) => {
                    (failed.next_attempt, failed.card) = (None, None);
                }
                Facts::TrialEnds(_) | Facts::Renews(_) | Facts::PriceChanges(_) | Facts::CardExpires(_) => {}
                Facts::CardLink(asked) => (asked.card, asked.owed) = (None, None),
                Facts::CardChanged(changed) => (changed.before, changed.owed) = (None, None),
            }
            let rendered = templates.render(&facts, None, locale).expect("renders without what is optional");
            assert!(!rendered.text.contains("None"), "{}", rendered.text);
        }
    }
}

#[test]
fn what_customers_are_called_cannot_become_markup_or_a_header() {
    let hostile = "Eve\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>";
    let mut mail = mail(Template::Receipt, hostile, "eve@example.com");
    if let Facts::Receipt(receipt) = &mut mail.facts {
        receipt.plan = hostile.to_owned();
    }
    let message = mailer().compose(&mail).expect("composed");
    let written = String::from_utf8(message.formatted()).expect("ASCII");
    let (head, body) = written.split_once("\r\n\r\n").expect("head and body");
    assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{head}");
    assert!(!body.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("<script>")), "{body}");
    let (_, html) = body.split_once("text/html").expect("two parts");
    assert!(!html.contains("<script>"), "{html}");
    assert_eq!(message.envelope().to().len(), 1);
}

#[test]
fn the_headers_say_who_and_that_a_machine_wrote() {
    let message = mailer().compose(&mail(Template::Receipt, "Zoë Ångström", "zoe@bücher.example")).expect("composed");
    let written = String::from_utf8(message.formatted()).expect("ASCII");
    for expected in [
        "Message-ID: <0192-1@example.com>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Language: en\r\n",
        "zoe@xn--bcher-kva.example",
        "Content-Type: multipart/alternative",
    ] {
        assert!(written.contains(expected), "{expected} is missing from\n{written}");
    }
    for absent in ["List-", "X-Mailer", "<img"] {
        assert!(!written.contains(absent), "{absent} is in\n{written}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_without_being_shown() {
    for address in
        ["", "nobody", "a@b@c.example", "a\r\nRCPT TO:<x@y.example>@b.example", "a b@c.example", "@c.example"]
    {
        let refused = mailer().compose(&mail(Template::Receipt, "Eve", address)).expect_err("refused");
        let Outcome::Rejected { rejection } = refused.outcome else { panic!("{address:?} is not rejected") };
        assert_eq!(rejection.message, "the recipient's e-mail address is not one");
    }
}

#[test]
fn a_mail_shows_no_personal_data_where_it_is_debugged() {
    let shown = format!("{:?}", mail(Template::CheckoutLink, "Zoë", "zoe@example.com"));
    assert!(!shown.contains("zoe@") && !shown.contains("Zoë") && !shown.contains("token"), "{shown}");
}

#[test]
fn a_message_id_cannot_hold_what_would_end_its_header() {
    for good in ["0192f0c1-7a@example.com", "a+b=c@d-e.example"] {
        assert!(MessageId::new(good).is_ok(), "{good}");
    }
    let long = format!("{}@example.com", "a".repeat(200));
    for bad in ["", "a", "@", "a@", "a@b@c", "a@b\r\nBcc: x", "<a@b>", "a b@c", "ä@b", &long] {
        assert!(MessageId::new(bad).is_err(), "{bad}");
    }
}
