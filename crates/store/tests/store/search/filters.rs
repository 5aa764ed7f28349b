//! Random filters over every attribute and operator.

use rand::RngExt as _;
use rand::rngs::StdRng;
use scim_protocol::Strictness::Lenient;
use scim_protocol::filter::{self, Filter};
use scim_protocol::schema::{Attribute, AttributeType, ResourceType};
use serde_json::{Value, json};

use super::directory::{INSTANTS, numbers, pick, words};

const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// An attribute as filters name it.
struct Name<'a> {
    text: String,
    attribute: &'a Attribute,
    /// Sub-attributes that may stand in brackets after it.
    elements: Vec<Name<'a>>,
}

/// Makes filters for one resource type.
pub(super) struct Filters<'a> {
    resource_type: &'a ResourceType,
    names: Vec<Name<'a>>,
    /// Texts that stand somewhere in the directory: ids, addresses, tags.
    texts: Vec<String>,
}

impl<'a> Filters<'a> {
    pub(super) fn new<'v>(resource_type: &'a ResourceType, shown: impl Iterator<Item = &'v Value>) -> Self {
        let core = resource_type.common.iter().chain(&resource_type.schema.attributes);
        let core = core.flat_map(|attribute| names("", attribute));
        let extensions = resource_type.extensions.iter().flat_map(|extension| {
            let urn = format!("{}:", extension.schema.id);
            extension.schema.attributes.iter().flat_map(move |attribute| names(&urn, attribute))
        });
        let mut texts = words();
        shown.for_each(|resource| collect(resource, &mut texts));
        Self { resource_type, names: core.chain(extensions).collect(), texts }
    }

    /// A filter that is fit for the resource type when dialects are taken.
    pub(super) fn next(&self, random: &mut StdRng) -> (String, Filter) {
        loop {
            let depth = random.random_range(0..3);
            let text = self.filter(random, depth);
            let Ok(filter) = filter::parse(&text) else { continue };
            if filter.check(self.resource_type, Lenient).is_ok() {
                return (text, filter);
            }
        }
    }

    fn filter(&self, random: &mut StdRng, depth: u32) -> String {
        if depth == 0 {
            return self.leaf(random);
        }
        match random.random_range(0..4) {
            0 => format!("not ({})", self.filter(random, depth - 1)),
            1 => format!("({} or {})", self.filter(random, depth - 1), self.filter(random, depth - 1)),
            2 => format!("{} and {}", self.filter(random, depth - 1), self.filter(random, depth - 1)),
            _ => self.leaf(random),
        }
    }

    fn leaf(&self, random: &mut StdRng) -> String {
        if random.random_ratio(1, 200) {
            return format!("unknown{} eq \"a\"", pick(random, &["", ".value", ":name"]));
        }
        let name = pick(random, &self.names);
        if !name.elements.is_empty() && random.random_ratio(1, 2) {
            let depth = random.random_range(0..3);
            return format!("{}[{}]", name.text, self.within(random, name, depth));
        }
        self.comparison(random, name)
    }

    fn within(&self, random: &mut StdRng, parent: &Name<'_>, depth: u32) -> String {
        if depth == 0 {
            let name = pick(random, &parent.elements);
            return self.comparison(random, name);
        }
        match random.random_range(0..4) {
            0 => format!("not ({})", self.within(random, parent, depth - 1)),
            1 => {
                format!("({} or {})", self.within(random, parent, depth - 1), self.within(random, parent, 0))
            }
            _ => format!("{} and {}", self.within(random, parent, depth - 1), self.within(random, parent, 0)),
        }
    }

    fn comparison(&self, random: &mut StdRng, name: &Name<'_>) -> String {
        let text = if random.random_ratio(1, 8) { name.text.to_uppercase() } else { name.text.clone() };
        match random.random_range(0..12) {
            0 => format!("{text} pr"),
            1 => format!("{text} {} null", pick(random, &["eq", "ne"])),
            _ => format!("{text} {} {}", pick(random, &OPERATORS), self.value(random, name.attribute)),
        }
    }

    fn value(&self, random: &mut StdRng, attribute: &Attribute) -> Value {
        let kind = match attribute.kind {
            AttributeType::Complex => attribute.sub("value").map_or(AttributeType::String, |sub| sub.kind),
            kind => kind,
        };
        match kind {
            AttributeType::Boolean if random.random_ratio(1, 4) => json!(pick(random, &["True", "false"])),
            AttributeType::Boolean => json!(random.random_bool(0.5)),
            AttributeType::Decimal | AttributeType::Integer => {
                pick(random, &numbers(AttributeType::Decimal)).clone()
            }
            AttributeType::DateTime => json!(pick(random, &INSTANTS)),
            AttributeType::Binary => json!(pick(random, &["AQID", "aqid", "AA==", ""])),
            _ => json!(self.text(random)),
        }
    }

    /// A text of the directory or a part of it, in this case or another.
    fn text(&self, random: &mut StdRng) -> String {
        // Small words meet more often than ids.
        let from = if random.random_ratio(1, 2) { self.texts.len() } else { 36 };
        let text = &self.texts[random.random_range(0..from)];
        let characters: Vec<char> = text.chars().collect();
        let part: String = match random.random_range(0..8) {
            0 => characters.iter().take(random.random_range(0..9)).collect(),
            1 => characters.iter().rev().take(random.random_range(0..9)).rev().collect(),
            2 => characters.iter().skip(1).take(random.random_range(0..9)).collect(),
            _ => text.clone(),
        };
        match random.random_range(0..40) {
            0 => part.to_uppercase(),
            1 => part.to_lowercase(),
            2 => format!("{part}\0"),
            3 => format!("{}\0{part}", characters.iter().take(1).collect::<String>()),
            _ => part,
        }
    }
}

fn names<'a>(urn: &str, attribute: &'a Attribute) -> Vec<Name<'a>> {
    let name = |text: String, attribute| Name { text, attribute, elements: Vec::new() };
    let subs = attribute.sub_attributes.iter();
    let mut elements: Vec<Name<'_>> = subs.clone().map(|sub| name(sub.name.clone(), sub)).collect();
    if elements.is_empty() && attribute.multi_valued {
        elements.push(name("value".to_owned(), attribute));
    }
    let text = format!("{urn}{}", attribute.name);
    let dotted = subs.map(|sub| name(format!("{text}.{}", sub.name), sub));
    // Lists that are asked for often.
    let again = ["emails", "members", "groups", "meta"].contains(&attribute.name.as_str());
    let mut names: Vec<Name<'_>> = dotted.collect();
    if again {
        names.push(name(format!("{text}.value"), attribute.sub("value").unwrap_or(attribute)));
    }
    names.push(Name { text, attribute, elements });
    names
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        _ => {}
    }
}
