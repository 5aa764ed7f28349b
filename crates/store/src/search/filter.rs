//! From a filter to a condition over the rows of a directory. It holds for the rows whose resource
//! `Filter::matches`, which the property tests of this crate check.
//!
//! What has a column with an index is compared there, members and groups in rows of their own, and everything
//! else in the searchable form, column `search`. What SQL cannot say becomes a condition that holds for more
//! rows, which are then to be matched in memory: [`Compiled::inexact`] names the attributes.

use scim_protocol::filter::{AttributePath, CompareOp, CompareValue, Filter};
use scim_protocol::schema::{Attribute, AttributeType, Located};

use super::Kind;
use super::comparison::{Operand, Place, compare, email, present};
use super::expression::{Condition, Step, Values, Writer};
use super::rows::{any_group, any_member, of_group, of_member};

/// The searchable form of the row.
const SEARCH: &str = "r.search";

/// A condition, and what of the filter it could not say.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) condition: Condition,
    pub(super) inexact: Vec<String>,
}

/// Compiles a filter; the rows have the alias `r`, the statement binds the tenant as `$1` and the connection
/// as `$2`.
pub(super) fn compile(filter: &Filter, kind: &Kind<'_>, writer: &mut Writer) -> Compiled {
    let mut compiler = Compiler { kind, writer, inexact: Vec::new() };
    let condition = compiler.filter(filter, &Scope::Resource);
    Compiled { condition, inexact: compiler.inexact }
}

struct Compiler<'a, 'w> {
    kind: &'a Kind<'a>,
    writer: &'w mut Writer,
    inexact: Vec<String>,
}

/// What the names in a filter are names of.
enum Scope<'a> {
    /// A user or group.
    Resource,
    /// The one value of a complex attribute, or an element of a list; `text` is an element that is plain.
    Element { parent: &'a Attribute, json: String, text: String },
    /// `meta`.
    Meta(&'a Attribute),
    /// A row `m` of the members of a group.
    Member(&'a Attribute),
    /// A row `h` of the groups that hold a user.
    Group(&'a Attribute),
}

/// What is asked of an attribute.
#[derive(Clone, Copy)]
enum Question<'f> {
    Present,
    Absent,
    Compare(CompareOp, &'f CompareValue),
}

impl<'f> Question<'f> {
    fn of(op: CompareOp, wanted: &'f CompareValue) -> Option<Self> {
        match (op, wanted) {
            (CompareOp::Eq, CompareValue::Null) => Some(Self::Absent),
            (CompareOp::Ne, CompareValue::Null) => Some(Self::Present),
            (_, CompareValue::Null) => None,
            _ => Some(Self::Compare(op, wanted)),
        }
    }
}

impl<'a> Compiler<'a, '_> {
    fn filter(&mut self, filter: &Filter, scope: &Scope<'a>) -> Condition {
        match filter {
            Filter::And(filters) => {
                Condition::all(filters.iter().map(|filter| self.filter(filter, scope)).collect())
            }
            Filter::Or(filters) => {
                Condition::any(filters.iter().map(|filter| self.filter(filter, scope)).collect())
            }
            Filter::Not(filter) => self.filter(filter, scope).not(),
            Filter::Present(path) => self.answer(path, scope, Some(Question::Present)),
            Filter::Compare(path, op, wanted) => self.answer(path, scope, Question::of(*op, wanted)),
            Filter::ValuePath(path, inner) => match scope {
                Scope::Resource => self.value_path(path, inner),
                _ => Condition::constant(false),
            },
        }
    }

    /// An attribute that no schema has matches nothing.
    fn answer(
        &mut self,
        path: &AttributePath,
        scope: &Scope<'a>,
        question: Option<Question<'_>>,
    ) -> Condition {
        let answer = question.and_then(|question| match scope {
            Scope::Resource => self.of_resource(path, question),
            _ => self.of_element(path, scope, question),
        });
        answer.unwrap_or_else(|| Condition::constant(false))
    }

    fn of_resource(&mut self, path: &AttributePath, question: Question<'_>) -> Option<Condition> {
        let located = self.kind.resource_type.find(path.urn.as_deref(), &path.attribute)?;
        let attribute = located.attribute;
        let sub = match (&path.sub_attribute, question) {
            (Some(name), _) => Some(attribute.sub(name)?),
            // A complex attribute compares by its `value`.
            (None, Question::Compare(..)) if attribute.kind == AttributeType::Complex => {
                Some(attribute.sub("value")?)
            }
            (None, _) => None,
        };
        let multi_valued = attribute.multi_valued || sub.is_some_and(|sub| sub.multi_valued);
        let asked = sub.unwrap_or(attribute);
        let operand = |place| Operand { attribute: asked, multi_valued, place };
        Some(match (self.computed(located), sub) {
            (Some(Computed::Id), _) => self.ask(&operand(Place::Id("r.id".to_owned())), question),
            (Some(Computed::Meta), None) => Condition::constant(matches!(question, Question::Present)),
            (Some(Computed::Meta), Some(sub)) => {
                let place = self.meta(sub);
                self.ask(&operand(place), question)
            }
            (Some(Computed::Members), sub) => {
                let place = sub.map(|sub| of_member(sub, self.kind, self.writer));
                self.any_row(place.map(operand).as_ref(), question, any_member)
            }
            (Some(Computed::Groups), sub) => {
                let place = sub.map(|sub| of_group(sub, self.kind, self.writer));
                self.any_row(place.map(operand).as_ref(), question, |condition, _| any_group(condition))
            }
            (None, sub) => {
                let place = self.stored(located, sub, question);
                self.ask(&operand(place), question)
            }
        })
    }

    /// Whether some row of a list that is kept as rows answers the question. Without an operand the question
    /// is whether there is any.
    fn any_row(
        &mut self,
        operand: Option<&Operand<'_>>,
        question: Question<'_>,
        any: impl FnOnce(Condition, bool) -> Condition,
    ) -> Condition {
        let mut ask = |question| match operand {
            Some(operand) => self.ask(operand, question),
            None => Condition::constant(true),
        };
        match question {
            Question::Absent => any(ask(Question::Present), false).not(),
            Question::Present => any(ask(question), false),
            Question::Compare(op, _) => {
                let names_id = op == CompareOp::Eq
                    && operand.is_some_and(|operand| matches!(operand.place, Place::Id(_)));
                any(ask(question), names_id)
            }
        }
    }

    /// An attribute of an element, within brackets.
    fn of_element(
        &mut self,
        path: &AttributePath,
        scope: &Scope<'a>,
        question: Question<'_>,
    ) -> Option<Condition> {
        if path.urn.is_some() || path.sub_attribute.is_some() {
            return None;
        }
        let (attribute, place) = match scope {
            Scope::Resource => return None,
            Scope::Element { parent, json, .. } if parent.kind == AttributeType::Complex => {
                let sub = parent.sub(&path.attribute)?;
                let steps = [Step { name: &sub.name, list: sub.multi_valued }];
                (sub, self.writer.values(json, &steps).map_or(Place::Unknown, Place::Search))
            }
            Scope::Element { parent, text, .. } => {
                let is_value = parent.multi_valued && path.attribute.eq_ignore_ascii_case("value");
                (is_value.then_some(*parent)?, Place::Search(Values::One(text.clone())))
            }
            Scope::Meta(parent) => {
                let sub = parent.sub(&path.attribute)?;
                (sub, self.meta(sub))
            }
            Scope::Member(parent) => {
                let sub = parent.sub(&path.attribute)?;
                (sub, of_member(sub, self.kind, self.writer))
            }
            Scope::Group(parent) => {
                let sub = parent.sub(&path.attribute)?;
                (sub, of_group(sub, self.kind, self.writer))
            }
        };
        // An element that is plain is one value of its list.
        let multi_valued = attribute.multi_valued && !matches!(place, Place::Search(Values::One(_)));
        Some(self.ask(&Operand { attribute, multi_valued, place }, question))
    }

    fn ask(&mut self, operand: &Operand<'_>, question: Question<'_>) -> Condition {
        if matches!(operand.place, Place::Unknown) && !self.inexact.contains(&operand.attribute.name) {
            self.inexact.push(operand.attribute.name.clone());
        }
        match question {
            Question::Present => present(operand),
            Question::Absent => present(operand).not(),
            Question::Compare(op, wanted) => compare(self.writer, operand, op, wanted),
        }
    }

    /// `attribute[…]`: one element satisfies the inner filter.
    fn value_path(&mut self, path: &AttributePath, inner: &Filter) -> Condition {
        let found = self.kind.resource_type.find(path.urn.as_deref(), &path.attribute);
        let Some(located) = found else { return Condition::constant(false) };
        let parent = located.attribute;
        let values = inner.required_equalities();
        let values = values.iter().filter(|(path, _)| path.attribute.eq_ignore_ascii_case("value"));
        let wanted: Vec<&str> = values.map(|(_, value)| *value).collect();
        match self.computed(located) {
            Some(Computed::Id) => Condition::constant(false),
            Some(Computed::Meta) => self.filter(inner, &Scope::Meta(parent)),
            Some(Computed::Members) => {
                any_member(self.filter(inner, &Scope::Member(parent)), !wanted.is_empty())
            }
            Some(Computed::Groups) => any_group(self.filter(inner, &Scope::Group(parent))),
            None => {
                let mut conditions = Vec::new();
                if self.is_emails(located) {
                    // The index finds the few who have the address at all.
                    let keys = wanted.iter().map(|text| scim_protocol::fold(text));
                    let keys = keys.filter(|key| !key.contains('\0')).collect::<Vec<_>>();
                    conditions.extend(keys.iter().map(|key| email(self.writer, key)));
                }
                conditions.push(self.any_element(located, inner));
                Condition::all(conditions)
            }
        }
    }

    fn any_element(&mut self, located: Located<'a>, inner: &Filter) -> Condition {
        let parent = located.attribute;
        let steps = steps(located, None);
        if parent.multi_valued {
            let Some(elements) = self.writer.elements(SEARCH, &steps) else { return self.unknown(parent) };
            let scope = Scope::Element { parent, json: elements.json, text: elements.text };
            let Condition { sql, exact } = self.filter(inner, &scope);
            let sql = format!("EXISTS (SELECT 1 FROM {} WHERE {sql})", elements.from);
            return Condition { sql, exact };
        }
        let Some(json) = self.writer.json_at(SEARCH, &steps) else { return self.unknown(parent) };
        let present = Condition::exact(format!("{json} IS NOT NULL"));
        let scope = Scope::Element { parent, text: json.clone(), json };
        Condition::all(vec![present, self.filter(inner, &scope)])
    }

    fn unknown(&mut self, attribute: &Attribute) -> Condition {
        self.inexact.push(attribute.name.clone());
        Condition::unknown()
    }

    /// An attribute of the stored document.
    fn stored(&mut self, located: Located<'_>, sub: Option<&Attribute>, question: Question<'_>) -> Place {
        let mut steps = steps(located, sub);
        if let (None, Question::Present | Question::Absent, Some(last)) = (sub, question, steps.last_mut()) {
            // A list is there or not; empty ones are not kept.
            last.list = false;
        }
        let Some(values) = self.writer.values(SEARCH, &steps) else { return Place::Unknown };
        if self.is_emails(located) && sub.is_some_and(|sub| sub.name == "value") {
            return Place::Emails(values);
        }
        match self.kind.column(located) {
            Some(column) => Place::Column { column: format!("r.{column}"), values },
            None => Place::Search(values),
        }
    }

    fn is_emails(&self, located: Located<'_>) -> bool {
        self.kind.is_user && located.extension.is_none() && located.attribute.name == "emails"
    }

    /// An attribute that is made when a resource is shown.
    fn computed(&self, located: Located<'_>) -> Option<Computed> {
        match located.attribute.name.as_str() {
            _ if located.extension.is_some() => None,
            "id" => Some(Computed::Id),
            "meta" => Some(Computed::Meta),
            "members" if !self.kind.is_user => Some(Computed::Members),
            "groups" if self.kind.is_user => Some(Computed::Groups),
            _ => None,
        }
    }

    fn meta(&mut self, sub: &Attribute) -> Place {
        let text = |text: String| Place::Search(Values::One(text));
        match sub.name.as_str() {
            "resourceType" => text(format!("'{}'", if self.kind.is_user { "User" } else { "Group" })),
            "created" => Place::Instant("r.created_at".to_owned()),
            "lastModified" => Place::Instant("r.last_modified_at".to_owned()),
            "location" => {
                Place::Address { start: self.kind.address(self.kind.is_user), id: "r.id".to_owned() }
            }
            // A user's names the groups that hold it by a digest.
            "version" if !self.kind.is_user => text("('W/\"' || CAST(r.version AS text) || '\"')".to_owned()),
            _ => Place::Unknown,
        }
    }
}

/// Attributes that no document has.
enum Computed {
    Id,
    Meta,
    Members,
    Groups,
}

fn steps<'s>(located: Located<'s>, sub: Option<&'s Attribute>) -> Vec<Step<'s>> {
    let extension = located.extension.map(|extension| Step { name: &extension.id, list: false });
    let attributes = std::iter::once(located.attribute).chain(sub);
    let attributes = attributes.map(|attribute| Step { name: &attribute.name, list: attribute.multi_valued });
    extension.into_iter().chain(attributes).collect()
}
