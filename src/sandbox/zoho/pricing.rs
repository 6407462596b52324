//! What so many pieces of an add-on cost under Zoho's four pricing schemes.

use super::errors::Refusal;
use super::fields::Fields;
use super::money::Currency;
use super::reply::Object;

/// How brackets make a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// One price for each piece.
    Unit,
    /// All pieces at the price of the bracket in which the quantity lies.
    Volume,
    /// Each piece at the price of the bracket in which it lies.
    Tier,
    /// The price of the smallest package that holds the quantity.
    Package,
}

/// A range of quantities and its price.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bracket {
    start: i64,
    /// The last quantity; nothing: without end.
    end: Option<i64>,
    /// Minor units: of one piece, or of the package.
    price: i64,
}

/// A scheme with its brackets, in ascending order and without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pricing {
    pub(super) scheme: Scheme,
    brackets: Vec<Bracket>,
}

/// A price for a quantity, in minor units. Under `Tier` and `Package` the cost is not price times quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    /// Of the bracket in which the quantity lies.
    pub(super) price: i64,
    pub(super) cost: i64,
}

impl Scheme {
    /// Reads Zoho's word.
    fn read(text: &str) -> Option<Self> {
        match text {
            "unit" => Some(Self::Unit),
            "volume" => Some(Self::Volume),
            "tier" => Some(Self::Tier),
            "package" => Some(Self::Package),
            _ => None,
        }
    }

    /// Zoho's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Volume => "volume",
            Self::Tier => "tier",
            Self::Package => "package",
        }
    }
}

impl Pricing {
    /// Reads `pricing_scheme` and `price_brackets` of a request.
    pub(super) fn read(fields: &Fields, currency: Currency) -> Result<Self, Refusal> {
        let wrong = || Refusal::invalid("price_brackets");
        let scheme = fields.text("pricing_scheme")?.filter(|text| !text.is_empty());
        let scheme = scheme.map_or(Some(Scheme::Unit), |text| Scheme::read(&text));
        let scheme = scheme.ok_or_else(|| Refusal::invalid("pricing_scheme"))?;
        let given = fields.list("price_brackets")?.filter(|given| !given.is_empty());
        let given = given.ok_or_else(|| Refusal::missing("price_brackets"))?;
        if scheme == Scheme::Unit && given.len() > 1 {
            return Err(wrong());
        }
        let mut brackets: Vec<Bracket> = Vec::with_capacity(given.len());
        for (at, bracket) in given.iter().enumerate() {
            let price = bracket.amount("price", currency)?.ok_or_else(|| Refusal::missing("price"))?;
            let next = brackets.last().map_or(Some(1), |last| last.end.map(|end| end + 1)).ok_or_else(wrong)?;
            let (start, end) = match scheme {
                Scheme::Unit => (1, None),
                Scheme::Volume | Scheme::Tier | Scheme::Package => {
                    (bracket.whole("start_quantity")?.unwrap_or(next), bracket.whole("end_quantity")?)
                }
            };
            let open_end = at + 1 == given.len() && scheme != Scheme::Package;
            if start != next || end.map_or(!open_end, |end| end < start) {
                return Err(wrong());
            }
            brackets.push(Bracket { start, end, price });
        }
        Ok(Self { scheme, brackets })
    }

    /// What so many pieces cost; refused where no bracket holds the quantity.
    pub(super) fn quote(&self, quantity: i64) -> Result<Quote, Refusal> {
        let holds = |bracket: &&Bracket| quantity >= bracket.start && bracket.end.is_none_or(|end| quantity <= end);
        let wrong = || Refusal::invalid("quantity");
        let price = self.brackets.iter().find(holds).ok_or_else(wrong)?.price;
        let cost = match self.scheme {
            Scheme::Unit | Scheme::Volume => price.checked_mul(quantity),
            Scheme::Package => Some(price),
            Scheme::Tier => self.brackets.iter().try_fold(0_i64, |sum, bracket| {
                let last = bracket.end.unwrap_or(quantity).min(quantity);
                bracket.price.checked_mul((last - bracket.start + 1).max(0)).and_then(|cost| sum.checked_add(cost))
            }),
        };
        Ok(Quote { price, cost: cost.ok_or_else(wrong)? })
    }

    /// The brackets as answers show them.
    pub(super) fn view(&self, currency: Currency) -> Vec<Object> {
        let row = |bracket: &Bracket| {
            let row = match self.scheme {
                Scheme::Unit => Object::new(),
                Scheme::Package => Object::new().with("end_quantity", bracket.end),
                Scheme::Volume | Scheme::Tier => {
                    Object::new().with("start_quantity", bracket.start).with("end_quantity", bracket.end)
                }
            };
            row.with("price", currency.number(bracket.price))
        };
        self.brackets.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pricing(scheme: &str, brackets: &str) -> Result<Pricing, Refusal> {
        let body = format!(r#"{{"pricing_scheme":"{scheme}","price_brackets":{brackets}}}"#);
        Pricing::read(&Fields::read(body.as_bytes()).unwrap(), Currency::DEFAULT)
    }

    #[test]
    fn each_scheme_prices_a_quantity_by_its_own_rule() {
        let tiers = r#"[{"start_quantity":1,"end_quantity":10,"price":5},{"start_quantity":11,"price":4}]"#;
        let packages = r#"[{"end_quantity":10,"price":40},{"end_quantity":20,"price":70}]"#;
        for (scheme, brackets, quantity, price, cost) in [
            ("unit", r#"[{"price":5}]"#, 3, 500, 1500),
            ("volume", tiers, 10, 500, 5000),
            ("volume", tiers, 12, 400, 4800),
            ("tier", tiers, 12, 400, 5800),
            ("package", packages, 3, 4000, 4000),
            ("package", packages, 11, 7000, 7000),
        ] {
            let quote = pricing(scheme, brackets).unwrap().quote(quantity).unwrap();
            assert_eq!(quote, Quote { price, cost }, "{scheme} {quantity}");
        }
        assert!(pricing("package", packages).unwrap().quote(21).is_err());
    }

    #[test]
    fn brackets_with_a_gap_or_without_a_needed_end_are_refused() {
        for (scheme, brackets) in [
            ("tier", r#"[{"end_quantity":10,"price":5},{"start_quantity":12,"price":4}]"#),
            ("volume", r#"[{"price":5},{"price":4}]"#),
            ("package", r#"[{"price":5}]"#),
            ("unit", r#"[{"price":5},{"price":4}]"#),
            ("unit", "[]"),
            ("other", r#"[{"price":5}]"#),
        ] {
            assert!(pricing(scheme, brackets).is_err(), "{scheme} {brackets}");
        }
    }
}
