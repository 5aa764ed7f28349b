//! From text to [`Filter`], by recursive descent with bounded depth.

use serde_json::{Number, Value};

use super::{AttributePath, CompareOp, CompareValue, Filter, error_at};
use crate::error::ScimError;

/// Bytes of a filter at the most.
pub const MAX_FILTER_BYTES: usize = 8 * 1024;
/// Parentheses and brackets within each other at the most.
pub const MAX_FILTER_DEPTH: usize = 32;

/// Reads a filter. Operators and names are taken in any case; the values keep theirs.
pub fn parse(text: &str) -> Result<Filter, ScimError> {
    if text.len() > MAX_FILTER_BYTES {
        return Err(ScimError::invalid_filter(format!("Filter: longer than {MAX_FILTER_BYTES} bytes")));
    }
    let mut parser = Parser { text, position: 0, depth: 0, in_brackets: false };
    let filter = parser.or()?;
    parser.skip_spaces();
    if parser.position < text.len() {
        return Err(parser.error("expected the end, and or or"));
    }
    Ok(filter)
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
    in_brackets: bool,
}

impl Parser<'_> {
    fn error(&self, what: &str) -> ScimError {
        error_at(self.text, self.position, what)
    }

    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn skip_spaces(&mut self) {
        let trimmed = self.rest().trim_start();
        self.position = self.text.len() - trimmed.len();
    }

    fn eat(&mut self, symbol: char) -> bool {
        self.skip_spaces();
        let found = self.rest().starts_with(symbol);
        if found {
            self.position += symbol.len_utf8();
        }
        found
    }

    /// Takes `word` in any case if it stands here as a whole word.
    fn eat_word(&mut self, word: &str) -> bool {
        self.skip_spaces();
        let rest = self.rest();
        let matches = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        let ends = rest.get(word.len()..).is_some_and(|after| {
            after.chars().next().is_none_or(|next| next.is_whitespace() || matches!(next, '(' | ')' | ']'))
        });
        if matches && ends {
            self.position += word.len();
        }
        matches && ends
    }

    fn or(&mut self) -> Result<Filter, ScimError> {
        let mut filters = vec![self.and()?];
        while self.eat_word("or") {
            filters.push(self.and()?);
        }
        Ok(single_or(filters, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, ScimError> {
        let mut filters = vec![self.unary()?];
        while self.eat_word("and") {
            filters.push(self.unary()?);
        }
        Ok(single_or(filters, Filter::And))
    }

    fn unary(&mut self) -> Result<Filter, ScimError> {
        let before = self.position;
        if self.eat_word("not") {
            // "not" must be followed by parentheses; an attribute may be called so.
            if self.eat('(') {
                return Ok(Filter::Not(Box::new(self.nested(')')?)));
            }
            self.position = before;
        }
        if self.eat('(') {
            return self.nested(')');
        }
        self.attribute_expression()
    }

    fn nested(&mut self, close: char) -> Result<Filter, ScimError> {
        if self.depth == MAX_FILTER_DEPTH {
            return Err(self.error("nested too deep"));
        }
        self.depth += 1;
        let filter = self.or()?;
        self.depth -= 1;
        if !self.eat(close) {
            return Err(self.error(&format!("expected {close:?}")));
        }
        Ok(filter)
    }

    fn attribute_expression(&mut self) -> Result<Filter, ScimError> {
        let path = self.attribute_path()?;
        if self.rest().starts_with('[') {
            if self.in_brackets {
                return Err(self.error("brackets within brackets"));
            }
            self.position += 1;
            self.in_brackets = true;
            let inner = self.nested(']')?;
            self.in_brackets = false;
            return self.after_brackets(path, inner);
        }
        self.comparison(path)
    }

    /// `emails[type eq "work"].value eq "x"` is outside the grammar, but Entra sends it where a matching
    /// attribute is mapped so. It can only mean one element that satisfies both.
    fn after_brackets(&mut self, path: AttributePath, inner: Filter) -> Result<Filter, ScimError> {
        if !self.rest().starts_with('.') {
            return Ok(Filter::ValuePath(path, Box::new(inner)));
        }
        self.position += 1;
        let sub = self.attribute_path()?;
        if sub.urn.is_some() || sub.sub_attribute.is_some() {
            return Err(self.error("expected one sub-attribute after the brackets"));
        }
        let comparison = self.comparison(sub)?;
        let both = match inner {
            Filter::And(mut filters) => {
                filters.push(comparison);
                filters
            }
            other => vec![other, comparison],
        };
        Ok(Filter::ValuePath(path, Box::new(Filter::And(both))))
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        if self.eat_word("pr") {
            return Ok(Filter::Present(path));
        }
        for op in CompareOp::ALL {
            if self.eat_word(op.as_str()) {
                return Ok(Filter::Compare(path, op, self.value()?));
            }
        }
        Err(self.error("expected an operator (eq ne co sw ew gt ge lt le pr)"))
    }

    fn attribute_path(&mut self) -> Result<AttributePath, ScimError> {
        self.skip_spaces();
        let rest = self.rest();
        let end = rest.find(|c: char| !is_path_char(c)).unwrap_or(rest.len());
        let token = rest.get(..end).unwrap_or_default();
        let path = split_path(token).ok_or_else(|| self.error("expected an attribute name"))?;
        self.position += end;
        Ok(path)
    }

    fn value(&mut self) -> Result<CompareValue, ScimError> {
        self.skip_spaces();
        if self.rest().starts_with('"') {
            return self.string();
        }
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | ']')).unwrap_or(rest.len());
        let token = rest.get(..end).unwrap_or_default();
        let value = if token.eq_ignore_ascii_case("true") {
            CompareValue::Bool(true)
        } else if token.eq_ignore_ascii_case("false") {
            CompareValue::Bool(false)
        } else if token.eq_ignore_ascii_case("null") {
            CompareValue::Null
        } else {
            let number: Number = serde_json::from_str(token)
                .map_err(|_| self.error("expected a quoted string, a number, true, false or null"))?;
            CompareValue::Number(number)
        };
        self.position += end;
        Ok(value)
    }

    /// A JSON string: the escapes are JSON's.
    fn string(&mut self) -> Result<CompareValue, ScimError> {
        let mut stream = serde_json::Deserializer::from_str(self.rest()).into_iter::<Value>();
        let Some(Ok(Value::String(text))) = stream.next() else {
            return Err(self.error("unterminated or malformed string"));
        };
        self.position += stream.byte_offset();
        Ok(CompareValue::String(text))
    }
}

fn single_or(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    if filters.len() == 1 { filters.remove(0) } else { join(filters) }
}

fn is_path_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '.' | ':' | '/' | '%')
}

/// Splits `urn:…:attribute.sub`. The last colon ends the URN; versions in URNs have dots of their own.
pub(crate) fn split_path(token: &str) -> Option<AttributePath> {
    let (urn, name) = match token.rsplit_once(':') {
        Some((urn, name)) => (Some(urn.to_owned()), name),
        None => (None, token),
    };
    let (attribute, sub) = match name.split_once('.') {
        Some((attribute, sub)) => (attribute, Some(sub)),
        None => (name, None),
    };
    let named = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
            && !text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    };
    if !named(attribute) || sub.is_some_and(|sub| !named(sub)) || urn.as_deref() == Some("") {
        return None;
    }
    Some(AttributePath { urn, attribute: attribute.to_owned(), sub_attribute: sub.map(str::to_owned) })
}
