//! What `user_sync` makes of a directory's user: whether it is in scope, and what its account is called.

use scim_protocol::filter::{self, Filter};
use scim_protocol::fold;
use scim_protocol::schema::ResourceType;
use serde_json::Value;

use super::check::Problems;
use super::expression::AttributeExpression;
use super::{SettingsProblem, UserSync};
use crate::directory_user::{AttributeProblem, DirectoryUser, is_address};

/// What `n` is in `user_sync.username_if_taken`: beyond it, the rule is not one that finds a name.
const OTHER_NAMES: std::ops::RangeInclusive<u32> = 2..=50;
/// Characters of `user_sync.scope` at the most.
const MAX_SCOPE_LENGTH: usize = 4_000;

/// `user_sync` compiled, as far as it is about what a user is.
#[derive(Clone, Debug, Default)]
pub(super) struct UserRules {
    scope: Option<Filter>,
    username: Option<AttributeExpression>,
    display_name: Option<AttributeExpression>,
    email: Option<AttributeExpression>,
    username_if_taken: Option<AttributeExpression>,
    needs_groups: bool,
}

impl UserRules {
    pub(super) fn compile(user_sync: &UserSync, problems: &mut Problems) -> Self {
        let mut rules = Self::default();
        if !user_sync.scope.trim().is_empty() {
            match parse_scope(&user_sync.scope) {
                Ok(scope) => {
                    rules.needs_groups = scope.mentions("groups");
                    rules.scope = Some(scope);
                }
                Err(problem) => problems.add(SCOPE, problem),
            }
        }
        for (attribute, text) in &user_sync.attributes {
            let field = format!("user_sync.attributes.{attribute}");
            let place = match attribute.as_str() {
                "username" => &mut rules.username,
                "display_name" => &mut rules.display_name,
                "email" => &mut rules.email,
                _ => {
                    problems.add(field, "is no attribute of an account: use username, display_name or email");
                    continue;
                }
            };
            match AttributeExpression::compile(text) {
                Ok(expression) => {
                    rules.needs_groups |= text.contains("groups");
                    *place = Some(expression);
                }
                Err(problem) => problems.add(field, problem),
            }
        }
        if !user_sync.username_if_taken.is_empty() {
            match AttributeExpression::compile(&user_sync.username_if_taken) {
                Ok(expression) => {
                    rules.needs_groups |= user_sync.username_if_taken.contains("groups");
                    rules.username_if_taken = Some(expression);
                }
                Err(problem) => problems.add("user_sync.username_if_taken", problem),
            }
        }
        rules
    }

    /// What an account may be called instead of `taken`, in order, without repetitions. Ends with the first that the
    /// expression does not give.
    pub(super) fn other_names(&self, document: &Value, taken: &str) -> Vec<String> {
        let Some(expression) = &self.username_if_taken else { return Vec::new() };
        let mut names: Vec<String> = Vec::new();
        for n in OTHER_NAMES {
            let Ok(Some(name)) = expression.evaluate_anew(document, taken, n) else { break };
            if names.last().is_some_and(|last| fold(last) == fold(&name)) {
                break;
            }
            if fold(&name) != fold(taken) {
                names.push(name);
            }
        }
        names
    }

    /// Whether the user's groups have a say.
    pub(super) fn needs_groups(&self) -> bool {
        self.needs_groups
    }

    /// The user as the link sees it.
    pub(super) fn read(&self, document: &Value, user_type: &ResourceType) -> DirectoryUser {
        let mut user = DirectoryUser::from_scim(document);
        user.in_scope = self.scope.as_ref().is_none_or(|scope| scope.matches(document, user_type));
        let mut problems = Vec::new();
        let mut make = |attribute: &'static str, expression: &AttributeExpression| {
            let made = expression.evaluate(document);
            made.unwrap_or_else(|problem| {
                problems.push(AttributeProblem { attribute, problem: format!("the expression {problem}") });
                None
            })
        };
        if let Some(expression) = &self.username {
            user.user_name = make("username", expression).unwrap_or_default();
        }
        if let Some(expression) = &self.display_name {
            user.display_name = make("display_name", expression).unwrap_or_default();
        }
        if let Some(expression) = &self.email {
            user.email = make("email", expression);
            if let Some(text) = user.email.take_if(|text| !is_address(text)) {
                let problem = format!("the expression gives {text}, which is no e-mail address");
                problems.push(AttributeProblem { attribute: "email", problem });
            }
        }
        let empty = [
            ("username", self.username.is_some() && user.user_name.is_empty()),
            ("display_name", self.display_name.is_some() && user.display_name.is_empty()),
        ];
        for (attribute, is_empty) in empty {
            if is_empty && problems.iter().all(|problem| problem.attribute != attribute) {
                problems
                    .push(AttributeProblem { attribute, problem: "the expression gives nothing".to_owned() });
            }
        }
        user.problems = problems;
        user
    }
}

const SCOPE: &str = "user_sync.scope";

fn parse_scope(scope: &str) -> Result<Filter, String> {
    if scope.chars().count() > MAX_SCOPE_LENGTH {
        return Err(format!("must have at most {MAX_SCOPE_LENGTH} characters"));
    }
    filter::parse(scope.trim()).map_err(|error| format!("is no filter: {}", error.detail))
}

/// Whether the scope speaks of attributes that users have.
pub(super) fn check_scope(scope: &str, user_type: &ResourceType) -> Option<SettingsProblem> {
    if scope.trim().is_empty() {
        return None;
    }
    let problem = parse_scope(scope)
        .and_then(|scope| {
            scope.check(user_type, scim_protocol::Strictness::Strict).map_err(|error| error.detail.clone())
        })
        .err()?;
    Some(SettingsProblem { field: SCOPE.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use scim_protocol::schema;
    use serde_json::json;

    use super::*;
    use crate::settings::LinkSettings;

    fn read(user_sync: &Value, document: &Value) -> DirectoryUser {
        let settings: LinkSettings = serde_json::from_value(json!({ "user_sync": user_sync })).unwrap();
        settings.compile().unwrap().read_user(document, schema::user())
    }

    fn problems(user: &DirectoryUser) -> Vec<String> {
        user.problems.iter().map(|problem| format!("{}: {}", problem.attribute, problem.problem)).collect()
    }

    #[test]
    fn scope_is_a_scim_filter_that_may_ask_for_groups() {
        let ada = json!({
            "userName": "ada", "active": true, "title": "Countess",
            "groups": [{"value": "7", "display": "Staff"}],
        });
        let cases = [
            ("", true),
            (" title eq \"countess\" ", true),
            ("title eq \"baron\"", false),
            ("groups.display eq \"staff\" and active eq true", true),
            ("groups[display eq \"guests\"]", false),
            ("not (userName sw \"a\")", false),
        ];
        for (scope, expected) in cases {
            assert_eq!(read(&json!({ "scope": scope }), &ada).in_scope, expected, "{scope}");
        }
    }

    #[test]
    fn attributes_replace_what_is_read_otherwise() {
        let ada = json!({"userName": "ada@x.test", "displayName": "Ada", "name": {"familyName": "Lovelace"}});
        let mapped = read(
            &json!({"attributes": {
                "username": "user.userName | split('@') | first",
                "email": "(user.userName | split('@') | first) ~ '@y.test'",
            }}),
            &ada,
        );
        assert_eq!((mapped.user_name.as_str(), mapped.display_name.as_str()), ("ada", "Ada"));
        assert_eq!(mapped.email.as_deref(), Some("ada@y.test"));
        assert_eq!(problems(&mapped), [""; 0]);
    }

    #[test]
    fn what_an_expression_does_not_give_is_said_and_left_empty() {
        let ada = json!({"userName": "ada", "emails": [{"value": "a@x.test"}]});
        let mapped = read(
            &json!({"attributes": {
                "username": "user.employee.number", "display_name": "user.nickName", "email": "user.userName",
            }}),
            &ada,
        );
        assert_eq!((mapped.user_name.as_str(), mapped.display_name.as_str()), ("", ""));
        assert_eq!(mapped.email, None);
        let expected = [
            "username: the expression uses something that the user does not have",
            "email: the expression gives ada, which is no e-mail address",
            "display_name: the expression gives nothing",
        ];
        assert_eq!(problems(&mapped), expected);
        let no_address = read(&json!({"attributes": {"email": "user.nickName"}}), &ada);
        assert_eq!((no_address.email.as_deref(), no_address.problems.len()), (None, 0), "may have none");
    }

    #[test]
    fn other_names_are_counted_and_end() {
        let names = |expression: &str| {
            let settings = json!({"user_sync": {"username_if_taken": expression}});
            let settings: LinkSettings = serde_json::from_value(settings).unwrap();
            let ada = json!({"userName": "ada", "externalId": "0042"});
            settings.compile().unwrap().other_names(&ada, "ada")
        };
        let counted = names("username ~ n");
        assert_eq!((counted.len(), counted[0].as_str(), counted[48].as_str()), (49, "ada2", "ada50"));
        assert_eq!(names("user.userName ~ '.' ~ user.externalId"), ["ada.0042"], "once, as nothing counts");
        assert_eq!(names(""), [""; 0]);
        assert_eq!(names("username"), [""; 0], "the name that is taken is no other");
        assert_eq!(names("user.nickName ~ n"), [""; 0], "nothing is made of what the user does not have");
        let wrong: LinkSettings =
            serde_json::from_value(json!({"user_sync": {"username_if_taken": "username ~"}})).unwrap();
        assert_eq!(wrong.compile().unwrap_err()[0].field, "user_sync.username_if_taken");
    }

    #[test]
    fn settings_are_checked_before_they_are_saved() {
        let settings = |user_sync: Value| -> LinkSettings {
            serde_json::from_value(json!({ "user_sync": user_sync })).unwrap()
        };
        let found = |user_sync: Value| -> Vec<String> {
            let problems = settings(user_sync).validate(schema::user()).err().unwrap_or_default();
            problems.into_iter().map(|problem| format!("{} {}", problem.field, problem.problem)).collect()
        };
        assert_eq!(
            found(json!({"scope": "groups.display eq \"a\"", "attributes": {"email": "user.x"}})),
            [""; 0]
        );
        let wrong =
            found(json!({"scope": "title eq", "attributes": {"mail": "user.x", "username": "user."}}));
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].starts_with("user_sync.scope is no filter: "), "{wrong:?}");
        assert!(wrong[1].starts_with("user_sync.attributes.mail is no attribute"), "{wrong:?}");
        assert!(wrong[2].starts_with("user_sync.attributes.username is no expression"), "{wrong:?}");
        let unknown = found(json!({"scope": "shoeSize eq 7"}));
        assert!(unknown.len() == 1 && unknown[0].contains("shoeSize"), "{unknown:?}");
    }
}
