//! The searchable form of a resource: every value as a text that compares byte by byte as filters and
//! `sortBy` compare the value (RFC 7644 §3.4.2.2, §3.4.2.3), so that a database can compare without knowing
//! what case folding, instants and numbers are.

use serde_json::{Map, Number, Value};

use crate::elements::is_primary;
use crate::filter::CompareValue;
use crate::schema::{Attribute, AttributeType, ResourceType};
use crate::{fold, instant};

/// The searchable form of a stored document: an object of the same shape, names in the schema's spelling,
/// with [keys](key) in place of values. Of a list the element that sorting goes by, the primary or else the
/// first, comes first. What no schema describes, what does not fit its description, and empty values are left
/// out: no filter finds them.
pub fn document(document: &Value, resource_type: &ResourceType) -> Value {
    let mut form = Map::new();
    for (name, value) in document.as_object().into_iter().flatten() {
        if let Some(extension) = resource_type.extension(name) {
            let members = value.as_object().into_iter().flatten();
            let keys = members.filter_map(|(name, value)| member(extension.attribute(name)?, value));
            form.insert(extension.id.clone(), Value::Object(keys.collect()));
        } else if let Some(located) = resource_type.find(None, name) {
            form.extend(member(located.attribute, value));
        }
    }
    Value::Object(form)
}

fn member(attribute: &Attribute, value: &Value) -> Option<(String, Value)> {
    Some((attribute.name.clone(), form(attribute, value)?))
}

fn form(attribute: &Attribute, value: &Value) -> Option<Value> {
    if !attribute.multi_valued {
        return form_of_one(attribute, value);
    }
    let elements = value.as_array()?;
    let mut forms: Vec<Value> = Vec::with_capacity(elements.len());
    let mut leads = false;
    for element in elements {
        let Some(form) = form_of_one(attribute, element) else { continue };
        if is_primary(element) && !leads {
            leads = true;
            forms.insert(0, form);
        } else {
            forms.push(form);
        }
    }
    (!forms.is_empty()).then_some(Value::Array(forms))
}

fn form_of_one(attribute: &Attribute, value: &Value) -> Option<Value> {
    if attribute.kind != AttributeType::Complex {
        return key(attribute, value).map(Value::String);
    }
    let members = value.as_object()?.iter();
    Some(members.filter_map(|(name, value)| member(attribute.sub(name)?, value)).collect())
}

/// The text that compares as this value of a plain attribute does; `None` for an empty value and for one
/// that is not of the attribute's type.
pub fn key(attribute: &Attribute, value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => key_of_bool(attribute, *value),
        Value::Number(value) => key_of_number(attribute, value),
        Value::String(text) if !text.is_empty() => key_of_text(attribute, text),
        _ => None,
    }
}

/// The same for the value that a filter compares to, where the empty text counts: every text contains it.
pub fn key_of_wanted(attribute: &Attribute, wanted: &CompareValue) -> Option<String> {
    match wanted {
        CompareValue::Null => None,
        CompareValue::Bool(value) => key_of_bool(attribute, *value),
        CompareValue::Number(value) => key_of_number(attribute, value),
        // A dialect: providers quote booleans.
        CompareValue::String(text) if attribute.kind == AttributeType::Boolean => {
            Some(text.to_ascii_lowercase())
        }
        CompareValue::String(text) => key_of_text(attribute, text),
    }
}

fn key_of_bool(attribute: &Attribute, value: bool) -> Option<String> {
    (attribute.kind == AttributeType::Boolean).then(|| value.to_string())
}

fn key_of_number(attribute: &Attribute, value: &Number) -> Option<String> {
    matches!(attribute.kind, AttributeType::Integer | AttributeType::Decimal)
        .then(|| number_key(value))
        .flatten()
}

fn key_of_text(attribute: &Attribute, text: &str) -> Option<String> {
    match attribute.kind {
        AttributeType::String | AttributeType::Reference | AttributeType::Binary => {
            Some(if attribute.case_exact { text.to_owned() } else { fold(text) })
        }
        AttributeType::DateTime => instant::parse(text).map(instant::key),
        _ => None,
    }
}

/// Sign, binary exponent and significand, the most significant first. Exact for every number that JSON
/// carries here (64-bit whole numbers and doubles), whole or not: equal numbers have equal keys.
fn number_key(number: &Number) -> Option<String> {
    let (negative, exponent, significand) = match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => (false, 0, whole),
        (None, Some(whole)) => (true, 0, whole.unsigned_abs()),
        (None, None) => parts(number.as_f64()?)?,
    };
    if significand == 0 {
        return Some("1".to_owned());
    }
    // The leading bit goes to the top of the significand, so that the exponent alone decides between
    // numbers of different magnitude.
    let shift = significand.leading_zeros();
    let significand = significand << shift;
    let exponent = exponent + 2_000 - i32::try_from(shift).ok()?;
    Some(if negative {
        format!("0{:04}{:016x}", 9_999 - exponent, !significand)
    } else {
        format!("2{exponent:04}{significand:016x}")
    })
}

/// A double as sign, exponent and whole significand (IEEE 754 §3.4).
fn parts(value: f64) -> Option<(bool, i32, u64)> {
    const FRACTION_BITS: u32 = 52;
    let bits = value.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let biased = i32::try_from((bits >> FRACTION_BITS) & 0x7ff).ok()?;
    let (exponent, significand) =
        if biased == 0 { (-1_074, fraction) } else { (biased - 1_075, fraction | (1 << FRACTION_BITS)) };
    value.is_finite().then_some((value.is_sign_negative(), exponent, significand))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::filter::compare_numbers;
    use crate::schema::{ENTERPRISE_USER, USER, user};

    #[test]
    fn text_is_folded_unless_case_counts_and_other_values_become_text() {
        let stored = json!({
            "schemas": [USER, ENTERPRISE_USER],
            "userName": "Änne@Acme.example",
            "externalId": "00uA",
            "active": true,
            "name": {"givenName": "E\u{301}va"},
            ENTERPRISE_USER: {"manager": {"value": "M1"}},
            "unknown": 1,
        });
        let expected = json!({
            "schemas": [USER, ENTERPRISE_USER],
            "userName": "änne@acme.example",
            "externalId": "00uA",
            "active": "true",
            "name": {"givenName": "éva"},
            ENTERPRISE_USER: {"manager": {"value": "M1"}},
        });
        assert_eq!(document(&stored, user()), expected);
    }

    #[test]
    fn the_primary_element_leads_a_list_and_the_others_keep_their_order() {
        let stored = json!({"emails": [
            {"value": "A", "primary": false}, {"value": "B"}, {"value": "C", "primary": true},
        ]});
        let expected = json!({"emails": [
            {"value": "c", "primary": "true"}, {"value": "a", "primary": "false"}, {"value": "b"},
        ]});
        assert_eq!(document(&stored, user()), expected);
    }

    #[test]
    fn date_times_become_utc_of_one_width() {
        let attribute = Attribute::new("since", AttributeType::DateTime, "");
        let of = |text: &str| key(&attribute, &json!(text)).unwrap();
        assert_eq!(of("2026-01-31T13:00:00+01:00"), "2026-01-31T12:00:00.000000000Z");
        assert_eq!(of("2026-01-31T12:00:00.123456789Z"), "2026-01-31T12:00:00.123456789Z");
        assert_eq!(key(&attribute, &json!("yesterday")), None);
    }

    fn number() -> impl Strategy<Value = Number> {
        let whole = prop_oneof![
            any::<i64>().prop_map(Number::from),
            any::<u64>().prop_map(Number::from),
            (-3_i64..4).prop_map(Number::from),
            prop::sample::select(vec![i64::MIN, i64::MAX, 1 << 53, (1 << 53) + 1]).prop_map(Number::from),
        ];
        let fraction = prop_oneof![
            any::<f64>(),
            prop::sample::select(vec![
                0.0,
                -0.0,
                0.5,
                -0.5,
                1.0,
                9_007_199_254_740_992.0,
                1.844_674_407_370_955_2e19,
                9.223_372_036_854_776e18,
                f64::MIN_POSITIVE,
                5e-324,
                f64::MAX,
                f64::MIN,
            ]),
        ];
        prop_oneof![whole, fraction.prop_filter_map("no JSON number", Number::from_f64)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn keys_of_numbers_compare_as_the_numbers(left in number(), right in number()) {
            let keys = number_key(&left).unwrap().cmp(&number_key(&right).unwrap());
            prop_assert_eq!(Some(keys), compare_numbers(&left, &right), "{} and {}", left, right);
            prop_assert_eq!(number_key(&left).cmp(&number_key(&left)), Ordering::Equal);
        }
    }
}
