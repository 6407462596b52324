//! Which privacy laws a customer's data are under, by country: rules as data. Decides nothing about tax.

use super::tags::Compliance;

/// Countries whose residents the GDPR (or the United Kingdom's) protects: the EU, Iceland, Liechtenstein, Norway, the UK.
const GDPR: &str = "AT BE BG CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK";

/// Countries where the CCPA may apply. A country names no state, so that everybody there is treated as a Californian.
const CCPA: &str = "US";

/// The other countries of ISO 3166-1.
const OTHERS: &str = "AD AE AF AG AI AL AM AO AQ AR AS AU AW AX AZ BA BB BD BF BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA \
CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX DJ DM DO DZ EC EG EH ER ET FJ FK FM FO GA GD GE GF GG GH GI GL GM GN GP GQ GS GT \
GU GW GY HK HM HN HT ID IL IM IN IO IQ IR JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LK LR LS LY MA MC MD ME MF MG MH \
MK ML MM MN MO MP MQ MR MS MU MV MW MX MY MZ NA NC NE NF NG NI NP NR NU NZ OM PA PE PF PG PH PK PM PN PR PS PW PY QA RE RS RU RW \
SA SB SC SD SG SH SJ SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM UY UZ VA VC VE VG \
VI VN VU WF WS YE YT ZA ZM ZW";

/// The laws of a country, by its ISO 3166 code; `None`: there is no such country, and nothing is guessed.
pub fn laws_of(country: &str) -> Option<Vec<Compliance>> {
    let among = |list: &str| list.split_ascii_whitespace().any(|code| code == country);
    if among(GDPR) {
        Some(vec![Compliance::Gdpr])
    } else if among(CCPA) {
        Some(vec![Compliance::Ccpa])
    } else {
        among(OTHERS).then(Vec::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_stands_in_one_list() {
        let all: Vec<_> = [GDPR, CCPA, OTHERS].iter().flat_map(|list| list.split_ascii_whitespace()).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (249, 249));
        assert!(all.iter().all(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())));
    }

    #[test]
    fn a_country_has_its_laws_or_none_and_what_is_no_country_is_not_guessed() {
        assert_eq!(laws_of("DE"), Some(vec![Compliance::Gdpr]));
        assert_eq!(laws_of("US"), Some(vec![Compliance::Ccpa]));
        assert_eq!(laws_of("JP"), Some(Vec::new()));
        for odd in ["", "XX", "de", "Germany", "UK"] {
            assert_eq!(laws_of(odd), None, "{odd}");
        }
    }
}
