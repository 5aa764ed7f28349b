//! Expressions of `user_sync.attributes`: what an attribute of the account is made of.
//!
//! The language is Jinja's, as minijinja has it: `user.userName | split("@") | first`. `user` is the SCIM resource,
//! with its `groups`. What a user does not have is undefined; it may be tested for (`user.nickName or user.userName`),
//! but nothing is made of it in silence.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior, context, filters, tests};
use serde_json::{Value, json};

/// Instructions that one evaluation may take; ordinary expressions need some tens.
const FUEL: u64 = 20_000;
/// Characters of an expression at the most.
const MAX_LENGTH: usize = 2_000;
/// Characters that an expression may give: the products' databases hold no longer names.
const MAX_RESULT: usize = 255;

/// Characters that `replace` and `join` may give in between.
const MAX_GROWTH: usize = 2_000;

/// Fuel bounds time alone, so the language has only what cannot make much out of little: no templates, no loops, no
/// ranges, no padding, and `replace` and `join` with a limit.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::empty();
    engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    engine.set_fuel(Some(FUEL));
    engine.add_filter("attr", filters::attr);
    engine.add_filter("capitalize", filters::capitalize);
    engine.add_filter("default", filters::default);
    engine.add_filter("first", filters::first);
    engine.add_filter("int", filters::int);
    engine.add_filter("join", join);
    engine.add_filter("last", filters::last);
    engine.add_filter("length", filters::length);
    engine.add_filter("list", filters::list);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("map", filters::map);
    engine.add_filter("reject", filters::reject);
    engine.add_filter("rejectattr", filters::rejectattr);
    engine.add_filter("replace", replace);
    engine.add_filter("reverse", filters::reverse);
    engine.add_filter("select", filters::select);
    engine.add_filter("selectattr", filters::selectattr);
    engine.add_filter("sort", filters::sort);
    engine.add_filter("split", filters::split);
    engine.add_filter("string", filters::string);
    engine.add_filter("title", filters::title);
    engine.add_filter("trim", filters::trim);
    engine.add_filter("unique", filters::unique);
    engine.add_filter("upper", filters::upper);
    engine.add_test("defined", tests::is_defined);
    engine.add_test("undefined", tests::is_undefined);
    engine.add_test("none", tests::is_none);
    engine.add_test("string", tests::is_string);
    engine.add_test("eq", tests::is_eq);
    engine.add_test("equalto", tests::is_eq);
    engine.add_test("ne", tests::is_ne);
    engine.add_test("in", tests::is_in);
    engine.add_test("startingwith", tests::is_startingwith);
    engine.add_test("endingwith", tests::is_endingwith);
    engine
});

fn grown(length: usize) -> Result<(), Error> {
    if length <= MAX_GROWTH {
        return Ok(());
    }
    let problem = format!("makes a text of more than {MAX_GROWTH} characters on the way");
    Err(Error::new(ErrorKind::InvalidOperation, problem))
}

/// `text | replace(from, to)`, at every place.
fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let places = text.matches(from).count();
    grown(text.len().saturating_add(places.saturating_mul(to.len())))?;
    Ok(text.replace(from, to))
}

/// `texts | join(between)`.
#[expect(clippy::needless_pass_by_value, reason = "a filter takes its arguments by value")]
fn join(texts: Vec<String>, between: Option<&str>) -> Result<String, Error> {
    let between = between.unwrap_or_default();
    let texts_length: usize = texts.iter().map(String::len).sum();
    grown(texts_length.saturating_add(texts.len().saturating_mul(between.len())))?;
    Ok(texts.join(between))
}

/// An expression ready for use.
#[derive(Clone)]
pub(super) struct AttributeExpression(Arc<Expression<'static, 'static>>);

impl AttributeExpression {
    /// Compiles an expression; fails with what is wrong with it, to be read after its field's name.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("must not be empty".to_owned());
        }
        if text.chars().count() > MAX_LENGTH {
            return Err(format!("must have at most {MAX_LENGTH} characters"));
        }
        if text.contains('*') {
            return Err("must not contain *: a text repeated many times would fill the memory".to_owned());
        }
        let no_expression = |error: &Error| format!("is no expression: {}", words(error));
        let compiled =
            ENGINE.compile_expression_owned(text.to_owned()).map_err(|error| no_expression(&error))?;
        let sample = context! { user => minijinja::Value::from(Serde(&*SAMPLE)), username => "ada", n => 2 };
        match compiled.eval(sample) {
            Err(error) if is_misspelt(&error) => Err(no_expression(&error)),
            _ => Ok(Self(Arc::new(compiled))),
        }
    }

    /// The text that the expression makes of a user, without surrounding space; `None` when it gives none or an
    /// empty one. Fails in words.
    pub(super) fn evaluate(&self, user: &Value) -> Result<Option<String>, String> {
        let user = without_nulls(user);
        self.text_of(context! { user => minijinja::Value::from(Serde(&user)) })
    }

    /// The same where `username` is the name that was wanted and taken, and `n` counts from 2.
    pub(super) fn evaluate_anew(
        &self,
        user: &Value,
        username: &str,
        n: u32,
    ) -> Result<Option<String>, String> {
        let user = without_nulls(user);
        self.text_of(context! { user => minijinja::Value::from(Serde(&user)), username, n })
    }

    fn text_of(&self, names: minijinja::Value) -> Result<Option<String>, String> {
        let given = self.0.eval(names).map_err(|error| words(&error))?;
        if given.is_undefined() || given.is_none() {
            return Ok(None);
        }
        let is_text = given.as_str().is_some() || given.is_number();
        if !is_text {
            return Err(format!("gives a {}, which is no text", given.kind()));
        }
        let text = given.to_string().trim().to_owned();
        if text.chars().count() > MAX_RESULT {
            return Err(format!("gives more than {MAX_RESULT} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("gives a text with control characters".to_owned());
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

impl fmt::Debug for AttributeExpression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AttributeExpression")
    }
}

/// Names of filters are looked up only when they are used, so an expression is tried on this user before it is saved.
static SAMPLE: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "id": "7", "userName": "ada@example.com", "externalId": "7", "active": true, "displayName": "Ada Lovelace",
        "nickName": "Ada", "title": "Countess", "userType": "Employee", "locale": "en-GB", "timezone": "Europe/London",
        "preferredLanguage": "en", "profileUrl": "https://example.com/ada",
        "name": {
            "formatted": "Ada Lovelace", "givenName": "Ada", "familyName": "Lovelace", "middleName": "A",
            "honorificPrefix": "Ms", "honorificSuffix": "I",
        },
        "emails": [{"value": "ada@example.com", "type": "work", "primary": true, "display": "Ada"}],
        "phoneNumbers": [{"value": "1", "type": "work"}],
        "groups": [{"value": "7", "display": "staff", "type": "direct"}],
    })
});

/// Whether an expression can work for no user at all.
fn is_misspelt(error: &Error) -> bool {
    use ErrorKind::{
        MissingArgument, TooManyArguments, UnknownFilter, UnknownFunction, UnknownMethod, UnknownTest,
    };
    matches!(
        error.kind(),
        UnknownFilter | UnknownTest | UnknownFunction | UnknownMethod | MissingArgument | TooManyArguments
    )
}

/// A null is an attribute that is not there (RFC 7643 §2.5); the language would write it as a word.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The engine's complaint without the place, which in one line says nothing.
fn words(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "takes too long".to_owned(),
        (ErrorKind::UndefinedError, _) => "uses something that the user does not have".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn evaluate(expression: &str) -> Result<Option<String>, String> {
        let user = json!({
            "userName": "Ada.Lovelace@x.test", "active": true, "empty": " ", "unassigned": null,
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"value": "home@x.test", "type": "home"}, {"value": "work@x.test", "type": "work"}],
            "groups": [{"display": "staff"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "0042", "level": 7},
        });
        AttributeExpression::compile(expression)?.evaluate(&user)
    }

    #[test]
    fn expressions_make_texts_of_what_the_directory_says() {
        let enterprise = "user['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User']";
        let cases = [
            ("user.userName | split('@') | first | lower", "ada.lovelace"),
            ("user.name.familyName ~ ', ' ~ user.name.givenName", "Lovelace, Ada"),
            ("user.nickName or user.name.givenName", "Ada"),
            ("(user.emails | selectattr('type', 'equalto', 'work') | first).value", "work@x.test"),
            ("user.userName | replace('@x.test', '@y.test')", "Ada.Lovelace@y.test"),
            (
                "'ext-' ~ user.userName if user.groups | selectattr('display', 'equalto', 'guests') | list else user.userName",
                "Ada.Lovelace@x.test",
            ),
            ("user.nickName is defined and user.nickName or 'none'", "none"),
        ];
        for (expression, expected) in cases {
            assert_eq!(
                evaluate(expression).as_ref().map(Option::as_deref),
                Ok(Some(expected)),
                "{expression}"
            );
        }
        assert_eq!(evaluate(&format!("'E' ~ {enterprise}.employeeNumber")), Ok(Some("E0042".into())));
        assert_eq!(evaluate(&format!("{enterprise}.level")), Ok(Some("7".into())));
    }

    #[test]
    fn nothing_is_made_of_what_is_not_there() {
        for nothing in ["user.nickName", "user.empty", "none", "''"] {
            assert_eq!(evaluate(nothing), Ok(None), "{nothing}");
        }
        for missing in [
            "user.nickName ~ '@x.test'",
            "user.unassigned ~ '!'",
            "user.manager.displayName",
            "user.nickName | lower",
        ] {
            let expected = Err("uses something that the user does not have".to_owned());
            assert_eq!(evaluate(missing), expected, "{missing}");
        }
    }

    #[test]
    fn what_is_no_text_is_said_to_be_none() {
        assert_eq!(evaluate("user.emails"), Err("gives a sequence, which is no text".into()));
        assert_eq!(evaluate("user.name"), Err("gives a map, which is no text".into()));
        assert_eq!(evaluate("user.active"), Err("gives a bool, which is no text".into()));
        assert_eq!(evaluate("'a\u{7}b'"), Err("gives a text with control characters".into()));
    }

    #[test]
    fn mistakes_are_found_when_compiling() {
        for (mistake, part) in [
            ("", "must not be empty"),
            ("user.", "is no expression: unexpected end of input"),
            ("user.userName | nosuch", "is no expression: filter nosuch is unknown"),
            ("user.userName is odd", "is no expression: test odd is unknown"),
            ("user.userName.split('@')", "is no expression: string has no method named split"),
            ("user.userName | replace('a')", "is no expression: missing argument"),
            ("'x' * 1000000000", "must not contain *"),
        ] {
            let problem = evaluate(mistake).unwrap_err();
            assert!(problem.contains(part), "{mistake}: {problem}");
        }
        let long = format!("'{}'", "x".repeat(2_000));
        assert_eq!(evaluate(&long), Err("must have at most 2000 characters".into()));
    }

    #[test]
    fn nothing_takes_long_or_fills_the_memory() {
        let long = "x".repeat(300);
        for grower in [format!("replace('x', '{long}')"), format!("list | join('{long}')")] {
            let expression = format!("'xx' | {grower} | {grower} | {grower}");
            let problem = evaluate(&expression).unwrap_err();
            assert_eq!(problem, "makes a text of more than 2000 characters on the way", "{expression}");
        }
        for bomb in ["range(100000)", "'x' | indent(1000000000)", "'x' | batch(99999999, 'y') | list"] {
            let problem = evaluate(bomb).unwrap_err();
            assert!(problem.contains("unknown"), "{bomb}: {problem}");
        }
        let spin = "(user.userName | list)".to_owned() + &" | map('list') | list".repeat(60);
        let began = std::time::Instant::now();
        drop(evaluate(&spin));
        assert!(began.elapsed() < std::time::Duration::from_secs(2));
    }
}
