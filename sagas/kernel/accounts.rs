//! Which account in Zoho CRM a customer belongs to: by the company's domain, so that no two are made for one; rules as data.

use super::ids::derive;

/// Providers at whose domains strangers have their addresses: such a domain names no company.
const PROVIDERS: &str = "aol.com fastmail.com freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com \
hotmail.com hotmail.de icloud.com laposte.net libero.it live.com mac.com mail.com mail.ru me.com msn.com orange.fr outlook.com \
outlook.de pm.me posteo.de proton.me protonmail.com qq.com t-online.de tutanota.com web.de wp.pl yahoo.co.uk yahoo.com yahoo.de \
yandex.com yandex.ru ymail.com zohomail.com 163.com";

/// The domain of an e-mail address, where it is a company's.
pub fn company_domain(email: &str) -> Option<String> {
    let (name, domain) = email.trim().rsplit_once('@')?;
    let domain = domain.trim_end_matches('.').to_lowercase();
    let is_provider = PROVIDERS.split_ascii_whitespace().any(|provider| provider == domain);
    (!name.is_empty() && domain.contains('.') && !is_provider).then_some(domain)
}

/// Our account id: one for a domain whoever comes from there, else the customer's own. The domain cannot be read from it.
pub fn account_id(domain: Option<&str>, customer: &str) -> String {
    let id = match domain {
        Some(domain) => derive("account", &["domain", &domain.to_lowercase()]),
        None => derive("account", &["customer", customer]),
    };
    id.simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_told_by_the_domain_of_an_address_and_a_provider_is_none() {
        assert_eq!(company_domain("Ada@Acme.Example.").as_deref(), Some("acme.example"));
        for odd in ["ada@gmail.com", "ada@GMX.de", "ada", "@acme.example", "ada@localhost", ""] {
            assert_eq!(company_domain(odd), None, "{odd}");
        }
    }

    #[test]
    fn one_domain_has_one_account_and_a_person_without_one_an_own() {
        assert_eq!(account_id(Some("acme.example"), "cust1"), account_id(Some("ACME.example"), "cust2"));
        assert_ne!(account_id(None, "cust1"), account_id(None, "cust2"));
    }
}
