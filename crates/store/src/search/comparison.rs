//! One attribute against one value: the leaves of a condition.

use scim_protocol::filter::{CompareOp, CompareValue};
use scim_protocol::schema::{Attribute, AttributeType};
use scim_protocol::{instant, searchable};
use uuid::Uuid;

use super::expression::{Condition, Values, Writer};
use crate::lookup;

/// Bytes of a prefix that a shortened key is sure to have whole.
const PREFIX_BYTES: usize = 500;

/// What a name in a filter stands for.
#[derive(Clone, Debug)]
pub(super) struct Operand<'a> {
    pub(super) attribute: &'a Attribute,
    /// Whether there may be several values, so that `ne` asks for one that differs.
    pub(super) multi_valued: bool,
    pub(super) place: Place,
}

/// Where the values of an attribute are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Keys in a searchable form.
    Search(Values),
    /// The same, and the key, shortened where it is long, in a column with an index.
    Column { column: String, values: Values },
    /// The keys of e-mail addresses, which have an index.
    Emails(Values),
    /// An id, in a column.
    Id(String),
    /// Text that is there in every row and ends with an id.
    Address { start: String, id: String },
    /// Milliseconds since 1970, in a column.
    Instant(String),
    /// Nowhere: no row has such a value.
    Nowhere,
    /// Not in the database.
    Unknown,
}

/// `pr`.
pub(super) fn present(operand: &Operand<'_>) -> Condition {
    match &operand.place {
        Place::Search(values) | Place::Emails(values) => {
            exists(values, |value| Condition::exact(format!("{value} IS NOT NULL")))
        }
        Place::Column { column, .. } => Condition::exact(format!("{column} IS NOT NULL")),
        Place::Id(_) | Place::Address { .. } | Place::Instant(_) => Condition::constant(true),
        Place::Nowhere => Condition::constant(false),
        Place::Unknown => Condition::unknown(),
    }
}

/// A comparison with a value other than null.
pub(super) fn compare(
    writer: &mut Writer,
    operand: &Operand<'_>,
    op: CompareOp,
    wanted: &CompareValue,
) -> Condition {
    if matches!(operand.place, Place::Unknown) {
        return Condition::unknown();
    }
    if op == CompareOp::Ne && !operand.multi_valued {
        // An absent value is not equal to any.
        return compare(writer, operand, CompareOp::Eq, wanted).not();
    }
    let Some(key) = searchable::key_of_wanted(operand.attribute, wanted) else {
        // A value of another type, which every value there is differs from. No instant differs from what is none.
        let differs = op == CompareOp::Ne
            && (operand.attribute.kind != AttributeType::DateTime
                || !matches!(wanted, CompareValue::String(_)));
        return if differs { present(operand) } else { Condition::constant(false) };
    };
    if !applies(op, operand.attribute.kind) {
        return Condition::constant(false);
    }
    match &operand.place {
        Place::Instant(column) => instants(writer, column, op, wanted),
        Place::Nowhere | Place::Unknown => Condition::constant(false),
        _ if key.contains('\0') => before_nul(writer, operand, op, &key),
        _ => texts(writer, operand, op, &key),
    }
}

/// Whether an operator says anything of values of this kind.
fn applies(op: CompareOp, kind: AttributeType) -> bool {
    match op {
        CompareOp::Eq | CompareOp::Ne => true,
        CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => kind != AttributeType::Boolean,
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => {
            matches!(kind, AttributeType::String | AttributeType::Reference | AttributeType::Binary)
        }
    }
}

/// Stored text has no NUL, the smallest character, and PostgreSQL can bind none: what is after the text up to
/// it is after the whole.
fn before_nul(writer: &mut Writer, operand: &Operand<'_>, op: CompareOp, key: &str) -> Condition {
    let start = key.split('\0').next().unwrap_or_default();
    match op {
        CompareOp::Gt | CompareOp::Ge => texts(writer, operand, CompareOp::Gt, start),
        CompareOp::Lt | CompareOp::Le => texts(writer, operand, CompareOp::Le, start),
        CompareOp::Ne => present(operand),
        CompareOp::Eq | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => Condition::constant(false),
    }
}

fn texts(writer: &mut Writer, operand: &Operand<'_>, op: CompareOp, key: &str) -> Condition {
    match &operand.place {
        Place::Column { column, values } => match op {
            CompareOp::Eq => {
                let wanted = writer.bind(lookup::exact(key));
                Condition::exact(format!("{column} = {wanted}"))
            }
            CompareOp::Sw if key.len() <= PREFIX_BYTES => prefixed(writer, column, key),
            _ => exists_text(writer, values, op, key),
        },
        Place::Emails(_) if op == CompareOp::Eq => email(writer, key),
        Place::Search(values) | Place::Emails(values) => exists_text(writer, values, op, key),
        Place::Id(id) => ids(writer, id, op, key),
        Place::Address { start, id } if op == CompareOp::Eq => match key.strip_prefix(start) {
            Some(rest) => ids(writer, id, op, rest),
            None => Condition::constant(false),
        },
        Place::Address { start, id } => {
            let text = format!("{} || {}", writer.bind(start.as_str()), writer.id_text(id));
            test(writer, &format!("({text})"), op, key)
        }
        Place::Instant(_) | Place::Nowhere | Place::Unknown => Condition::unknown(),
    }
}

/// The user has this address: as its primary one, or among the others.
pub(super) fn email(writer: &mut Writer, key: &str) -> Condition {
    let wanted = writer.bind(lookup::exact(key));
    Condition::exact(format!(
        "r.id IN (SELECT p.id FROM users p WHERE p.tenant_id = $1 AND p.connection_id = $2 \
           AND p.email_folded = {wanted} \
         UNION SELECT a.user_id FROM user_emails a WHERE a.tenant_id = $1 AND a.connection_id = $2 \
           AND a.email_folded = {wanted})"
    ))
}

/// Ids are shown in one spelling only.
fn ids(writer: &mut Writer, id: &str, op: CompareOp, key: &str) -> Condition {
    let wanted = Uuid::parse_str(key).ok().filter(|uuid| uuid.to_string() == key);
    match (op, wanted) {
        (CompareOp::Eq, Some(uuid)) => Condition::exact(format!("{id} = {}", writer.bind(uuid))),
        (CompareOp::Eq, None) => Condition::constant(false),
        _ => {
            let text = writer.id_text(id);
            test(writer, &text, op, key)
        }
    }
}

/// A prefix as a range, which an index answers.
fn prefixed(writer: &mut Writer, column: &str, prefix: &str) -> Condition {
    let from = writer.bind(prefix);
    match after_all_with(prefix) {
        Some(end) => {
            let end = writer.bind(end);
            Condition::exact(format!("({column} >= {from} AND {column} < {end})"))
        }
        None => Condition::exact(format!("{column} >= {from}")),
    }
}

/// The first text after all that start with `prefix`.
fn after_all_with(prefix: &str) -> Option<String> {
    let (at, last) = prefix.char_indices().next_back()?;
    let start = &prefix[..at];
    // The range of characters passes over the surrogates.
    match (last..=char::MAX).nth(1) {
        Some(next) => Some(format!("{start}{next}")),
        None => after_all_with(start),
    }
}

fn exists_text(writer: &mut Writer, values: &Values, op: CompareOp, key: &str) -> Condition {
    match values {
        Values::One(value) => test(writer, value, op, key),
        Values::Any { value, .. } => {
            let holds = test(writer, value, op, key);
            exists(values, |_| holds)
        }
    }
}

fn exists(values: &Values, holds: impl FnOnce(&str) -> Condition) -> Condition {
    match values {
        Values::One(value) => holds(value),
        Values::Any { from, value } => {
            let Condition { sql, exact } = holds(value);
            Condition { sql: format!("EXISTS (SELECT 1 FROM {from} WHERE {sql})"), exact }
        }
    }
}

/// A text against a key, byte by byte.
fn test(writer: &mut Writer, text: &str, op: CompareOp, key: &str) -> Condition {
    if key.is_empty() && matches!(op, CompareOp::Co | CompareOp::Sw | CompareOp::Ew) {
        return Condition::exact(format!("{text} IS NOT NULL"));
    }
    let wanted = writer.bind(key);
    Condition::exact(match op {
        CompareOp::Eq => format!("{text} = {wanted}"),
        CompareOp::Ne => format!("{text} <> {wanted}"),
        CompareOp::Co => writer.contains(text, &wanted),
        CompareOp::Sw => writer.starts_with(text, &wanted),
        CompareOp::Ew => writer.ends_with(text, &wanted),
        CompareOp::Gt => format!("{} > {wanted}", writer.bytewise(text)),
        CompareOp::Ge => format!("{} >= {wanted}", writer.bytewise(text)),
        CompareOp::Lt => format!("{} < {wanted}", writer.bytewise(text)),
        CompareOp::Le => format!("{} <= {wanted}", writer.bytewise(text)),
    })
}

/// Whole milliseconds against an instant that may lie between two of them.
fn instants(writer: &mut Writer, column: &str, op: CompareOp, wanted: &CompareValue) -> Condition {
    const NANOSECONDS: i128 = 1_000_000;
    let CompareValue::String(text) = wanted else { return Condition::constant(false) };
    let Some(instant) = instant::parse(text) else { return Condition::constant(false) };
    let nanoseconds = instant.unix_timestamp_nanos();
    let between = nanoseconds.rem_euclid(NANOSECONDS) != 0;
    // Four digits of years are far from the end of 64 bits.
    let before = i64::try_from(nanoseconds.div_euclid(NANOSECONDS)).unwrap_or(i64::MAX);
    let sign = match op {
        CompareOp::Eq | CompareOp::Ne if between => return Condition::constant(op == CompareOp::Ne),
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Ge if !between => ">=",
        CompareOp::Lt if !between => "<",
        CompareOp::Gt | CompareOp::Ge => ">",
        CompareOp::Le | CompareOp::Lt => "<=",
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => return Condition::constant(false),
    };
    Condition::exact(format!("{column} {sign} {}", writer.bind(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_with_a_prefix_lies_before_the_next() {
        assert_eq!(after_all_with("ab").as_deref(), Some("ac"));
        assert_eq!(after_all_with("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after_all_with("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_all_with("\u{10ffff}"), None);
        assert_eq!(after_all_with(""), None);
    }
}
