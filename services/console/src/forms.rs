//! What browsers send of forms, and how a form is shown again when the API refused it.

use axum::Form;
use axum::extract::{FromRequest, Request};
use serde_json::Value;

use crate::api::Problem;
use crate::failure::Failure;

/// The fields of a form: as they were sent, or as they are to be shown.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    values: Vec<(String, String)>,
    problem: Option<Problem>,
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(values)) => Ok(Self { values, problem: None }),
            Err(rejection) => Err(Failure::Api(Problem {
                status: rejection.status(),
                detail: rejection.body_text(),
                ..Problem::default()
            })),
        }
    }
}

impl Fields {
    /// Sets a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a check box.
    #[must_use]
    pub fn with_checked(self, name: &str, checked: bool) -> Self {
        if checked { self.with(name, "on") } else { self }
    }

    /// The same fields, to be shown with what is wrong with them.
    #[must_use]
    pub fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    /// A field's text without spaces around it; empty when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.values.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
    }

    /// All fields with their values.
    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }

    /// Every value of that name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.values.iter().filter(|(field, _)| field == name).map(|(_, value)| value.trim()).collect()
    }

    /// Whether a check box is ticked.
    pub fn checked(&self, name: &str) -> bool {
        self.values.iter().any(|(field, _)| field == name)
    }

    /// A field's text; null when it is empty.
    pub fn text_or_null(&self, name: &str) -> Value {
        match self.get(name) {
            "" => Value::Null,
            text => Value::String(text.to_owned()),
        }
    }

    /// The lines of a text field that are not empty.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    /// A number; what is none stays text, for the API to refuse by its name.
    pub fn number(&self, name: &str) -> Value {
        let text = self.get(name);
        text.parse::<u64>().map_or_else(|_| Value::String(text.to_owned()), Value::from)
    }

    /// What was refused, if anything was.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// What is wrong with a field, under the name that the API has for it or for what is in it.
    pub fn problem_of(&self, path: &str) -> Option<String> {
        let concerns = |field: &str| {
            field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let errors = &self.problem.as_ref()?.errors;
        let told: Vec<String> = errors
            .iter()
            .filter(|error| concerns(&error.field))
            .map(|error| match error.field.strip_prefix(path) {
                Some("") | None => error.problem.clone(),
                Some(rest) => format!("{}: {}", rest.trim_start_matches('.'), error.problem),
            })
            .collect();
        if told.is_empty() { None } else { Some(told.join("; ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::FieldProblem;

    #[test]
    fn a_problem_is_told_at_the_field_that_it_is_in() {
        let problem = |field: &str| FieldProblem { field: field.into(), problem: "is no filter".into() };
        let errors =
            vec![problem("user_sync.scope"), problem("group_sync.include[2]"), problem("user_sync.scopes")];
        let fields = Fields::default().refused(Problem { errors, ..Problem::default() });
        assert_eq!(fields.problem_of("user_sync.scope").as_deref(), Some("is no filter"));
        assert_eq!(fields.problem_of("group_sync.include").as_deref(), Some("[2]: is no filter"));
        assert_eq!(fields.problem_of("group_sync"), Some("include[2]: is no filter".into()));
        assert_eq!(fields.problem_of("safety"), None);
    }

    #[test]
    fn fields_are_read_as_forms_send_them() {
        let fields =
            Fields::default().with("names", " a \n\n b").with_checked("create", true).with("max", "10");
        assert_eq!(fields.lines("names"), ["a", "b"]);
        assert!(fields.checked("create") && !fields.checked("update"));
        assert_eq!(fields.number("max"), 10);
        assert_eq!(fields.text_or_null("absent"), Value::Null);
    }
}
