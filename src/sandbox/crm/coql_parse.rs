//! Reads CRM's query language: `select … from … where … order by … limit … offset …`.
//!
//! What the language has besides (grouping, aggregate functions) is refused by name.

use super::errors::Refusal;
use serde_json::json;

/// A query as it was written; whether its columns exist is not yet known.
#[derive(Debug, PartialEq)]
pub(super) struct Query {
    /// Columns with their alias.
    pub(super) columns: Vec<(String, Option<String>)>,
    pub(super) module: String,
    pub(super) condition: Tree,
    /// Columns, and whether they ascend.
    pub(super) order: Vec<(String, bool)>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
}

/// The condition of a query.
#[derive(Debug, PartialEq)]
pub(super) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    /// Column, operator in lower case, values.
    One(String, String, Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Sign(String),
}

/// Parses a query.
///
/// # Errors
/// `SYNTAX_ERROR`, with the clause that is missing, or the place and what stands near it.
pub(super) fn parse(text: &str) -> Result<Query, Refusal> {
    let tokens = tokens(text)?;
    Parser { text, tokens, at: 0 }.query()
}

/// An error at a byte of the text.
fn syntax(text: &str, at: usize) -> Refusal {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let near: String = text[at..].chars().take(20).collect();
    refused(json!({ "line": line, "column": column, "near": near }))
}

fn clause(name: &str) -> Refusal {
    refused(json!({ "clause": name }))
}

fn refused(details: serde_json::Value) -> Refusal {
    Refusal::new(axum::http::StatusCode::BAD_REQUEST, "SYNTAX_ERROR", "error occured while parsing the query", details)
}

/// The tokens, each with the byte at which it begins.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Refusal> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    let is_word = |c: char| c.is_alphanumeric() || "_.$".contains(c);
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let token = if c == '\'' {
            let mut held = String::new();
            loop {
                match chars.next() {
                    Some((_, '\'')) => break,
                    Some((_, '\\')) => held.extend(chars.next().map(|(_, escaped)| escaped)),
                    Some((_, other)) => held.push(other),
                    None => return Err(syntax(text, at)),
                }
            }
            Token::Text(held)
        } else if is_word(c) || c == '-' {
            let mut held = String::from(c);
            // Moments are written without quotes: `2026-11-21T10:00:00+01:00`.
            let number = c == '-' || c.is_ascii_digit();
            while let Some((_, next)) = chars.next_if(|(_, next)| is_word(*next) || (number && "-+:".contains(*next))) {
                held.push(next);
            }
            if number { Token::Number(held) } else { Token::Word(held) }
        } else {
            let mut held = String::from(c);
            if "<>!".contains(c) {
                held.extend(
                    chars.next_if(|(_, next)| *next == '=' || (c == '<' && *next == '>')).map(|(_, next)| next),
                );
            }
            if !["(", ")", ",", "=", "<", ">", "<=", ">=", "!=", "<>"].contains(&held.as_str()) {
                return Err(syntax(text, at));
            }
            Token::Sign(held)
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
}

impl Parser<'_> {
    fn query(mut self) -> Result<Query, Refusal> {
        if !self.keyword("select") {
            return Err(clause("select"));
        }
        let columns = self.columns()?;
        if !self.keyword("from") {
            return Err(clause("from"));
        }
        let module = self.word()?;
        if !self.keyword("where") {
            return Err(clause("where"));
        }
        let condition = self.any()?;
        if self.keyword("group") {
            return Err(clause("group by"));
        }
        let mut order = Vec::new();
        if self.keyword("order") {
            if !self.keyword("by") {
                return Err(self.wrong());
            }
            loop {
                let column = self.word()?;
                let descending = self.keyword("desc");
                let _ascending = !descending && self.keyword("asc");
                order.push((column, !descending));
                if !self.sign(",") {
                    break;
                }
            }
        }
        let (mut limit, mut offset) = (None, 0);
        if self.keyword("limit") {
            let first = self.number()?;
            limit = Some(first);
            if self.sign(",") {
                (offset, limit) = (first, Some(self.number()?));
            } else if self.keyword("offset") {
                offset = self.number()?;
            }
        }
        if self.at < self.tokens.len() {
            return Err(self.wrong());
        }
        Ok(Query { columns, module, condition, order, limit, offset })
    }

    fn columns(&mut self) -> Result<Vec<(String, Option<String>)>, Refusal> {
        let mut columns = Vec::new();
        loop {
            let name = self.word()?;
            if self.sign("(") {
                // `count(id)` and its like.
                self.at -= 2;
                return Err(self.wrong());
            }
            let alias = if self.keyword("as") { Some(self.alias()?) } else { None };
            columns.push((name, alias));
            if !self.sign(",") {
                return Ok(columns);
            }
        }
    }

    fn alias(&mut self) -> Result<String, Refusal> {
        let alias = match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) => word.clone(),
            Some((_, Token::Text(text) | Token::Number(text))) => return Err(invalid_alias(text)),
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        let plain = alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain { Ok(alias) } else { Err(invalid_alias(&alias)) }
    }

    fn any(&mut self) -> Result<Tree, Refusal> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::Or(parts) })
    }

    fn all(&mut self) -> Result<Tree, Refusal> {
        let mut parts = vec![self.condition()?];
        while self.keyword("and") {
            parts.push(self.condition()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::And(parts) })
    }

    fn condition(&mut self) -> Result<Tree, Refusal> {
        if self.sign("(") {
            let inside = self.any()?;
            return if self.sign(")") { Ok(inside) } else { Err(self.wrong()) };
        }
        let column = self.word()?;
        let one = |operator: &str, values| Ok(Tree::One(column.clone(), operator.to_owned(), values));
        for sign in ["<=", ">=", "!=", "<>", "=", "<", ">"] {
            if self.sign(sign) {
                return one(if sign == "<>" { "!=" } else { sign }, vec![self.value()?]);
            }
        }
        if self.keyword("is") {
            let operator = if self.keyword("not") { "is not null" } else { "is null" };
            return if self.keyword("null") { one(operator, Vec::new()) } else { Err(self.wrong()) };
        }
        let not = if self.keyword("not") { "not " } else { "" };
        if self.keyword("like") {
            return one(&format!("{not}like"), vec![self.value()?]);
        }
        if self.keyword("in") {
            return one(&format!("{not}in"), self.list()?);
        }
        if self.keyword("between") {
            let low = self.value()?;
            let high = if self.keyword("and") { self.value()? } else { return Err(self.wrong()) };
            return one(&format!("{not}between"), vec![low, high]);
        }
        Err(self.wrong())
    }

    fn list(&mut self) -> Result<Vec<String>, Refusal> {
        if !self.sign("(") {
            return Err(self.wrong());
        }
        let mut values = vec![self.value()?];
        while self.sign(",") {
            values.push(self.value()?);
        }
        if self.sign(")") { Ok(values) } else { Err(self.wrong()) }
    }

    fn wrong(&self) -> Refusal {
        syntax(self.text, self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at))
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some((_, Token::Word(w))) if w.eq_ignore_ascii_case(wanted));
        self.at += usize::from(there);
        there
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some((_, Token::Sign(sign))) if sign == wanted);
        self.at += usize::from(there);
        there
    }

    fn word(&mut self) -> Result<String, Refusal> {
        let keywords = ["select", "from", "where", "order", "limit", "and", "or", "not", "as"];
        match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) if !keywords.contains(&word.to_lowercase().as_str()) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.wrong()),
        }
    }

    fn value(&mut self) -> Result<String, Refusal> {
        let value = match self.tokens.get(self.at) {
            Some((_, Token::Text(text) | Token::Number(text))) => text.clone(),
            Some((_, Token::Word(word))) if ["true", "false"].contains(&word.to_lowercase().as_str()) => {
                word.to_lowercase()
            }
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(value)
    }

    fn number(&mut self) -> Result<u64, Refusal> {
        let number = match self.tokens.get(self.at) {
            Some((_, Token::Number(number))) => number.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.wrong())?;
        self.at += 1;
        Ok(number)
    }
}

fn invalid_alias(alias: &str) -> Refusal {
    let details = json!({ "alias": alias });
    Refusal::new(axum::http::StatusCode::BAD_REQUEST, "INVALID_ALIAS", "alias given seems to be invalid", details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_with_all_its_clauses() {
        let text = "select Last_Name as name, Account_Name.id from Contacts where (Email = 'o\\'neil@x.io' or Phone is null) \
                    and Amount not between 1.5 and -2 order by id desc, Email limit 5, 10";
        let query = parse(text).unwrap();
        assert_eq!(query.columns, [("Last_Name".into(), Some("name".into())), ("Account_Name.id".into(), None)]);
        let or = Tree::Or(vec![
            Tree::One("Email".into(), "=".into(), vec!["o'neil@x.io".into()]),
            Tree::One("Phone".into(), "is null".into(), vec![]),
        ]);
        let between = Tree::One("Amount".into(), "not between".into(), vec!["1.5".into(), "-2".into()]);
        assert_eq!(query.condition, Tree::And(vec![or, between]));
        assert_eq!(query.order, [("id".into(), false), ("Email".into(), true)]);
        assert_eq!((query.limit, query.offset), (Some(10), 5));
    }

    #[test]
    fn what_cannot_be_read_names_its_clause_or_its_place() {
        for (text, wanted) in [
            ("select id from Contacts", json!({"clause": "where"})),
            ("select id where x = 1", json!({"clause": "from"})),
            ("select id from Contacts where id = 1 group by id", json!({"clause": "group by"})),
            (
                "select count(id) from Contacts where id = 1",
                json!({"line": 1, "column": 8, "near": "count(id) from Conta"}),
            ),
            ("select id from Contacts where Email = 'x", json!({"line": 1, "column": 39, "near": "'x"})),
            ("select id from Contacts where Email ~ 'x'", json!({"line": 1, "column": 37, "near": "~ 'x'"})),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!((refusal.code.as_str(), &refusal.body()["details"]), ("SYNTAX_ERROR", &wanted), "{text}");
        }
    }
}
