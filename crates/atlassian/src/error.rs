//! What a failed call means: whether it may have been applied, whether to try again, whom it concerns.

use std::time::Duration;

/// Why a call at a site did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// 429: the request budget is used up; the request was not looked at.
    #[error("the site limits the rate of requests")]
    RateLimited {
        /// How long the site asks us to wait.
        retry_after: Option<Duration>,
    },
    /// The site does not accept our credentials. More log-ins would make it worse.
    #[error("the site refuses our credentials: {detail}")]
    Unauthorized {
        /// The site asks for a CAPTCHA, so even right credentials are refused until a person logs in.
        captcha: bool,
        /// What the site said.
        detail: String,
    },
    /// 403: the account whose credentials we use may not do this.
    #[error("the site forbids it: {detail}")]
    Forbidden {
        /// What the site said.
        detail: String,
    },
    /// The account or group that was named is not there.
    #[error("not found at the site: {detail}")]
    NotFound {
        /// What the site said.
        detail: String,
    },
    /// The name is taken.
    #[error("already exists at the site: {detail}")]
    AlreadyExists {
        /// What the site said.
        detail: String,
    },
    /// Another 4xx: the site understood and will not do it.
    #[error("the site answered {status}: {detail}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// What the site said.
        detail: String,
    },
    /// No connection came about: name not resolved, refused, TLS failed. Nothing was sent.
    #[error("the site cannot be reached: {detail}")]
    Unreachable {
        /// What went wrong.
        detail: String,
    },
    /// 5xx, or the connection was lost after sending.
    #[error("the site is unavailable: {detail}")]
    Unavailable {
        /// HTTP status; `None` when the connection was lost.
        status: Option<u16>,
        /// How long the site asks us to wait.
        retry_after: Option<Duration>,
        /// What went wrong.
        detail: String,
    },
    /// No full answer in time, after the connection stood.
    #[error("the site did not answer in time: {detail}")]
    Timeout {
        /// What was waited for.
        detail: String,
    },
    /// The site accepted it, and does not show it yet.
    #[error("accepted by the site, and not done yet: {detail}")]
    Pending {
        /// What is waited for.
        detail: String,
    },
    /// More than one account matches, so none of them may be taken.
    #[error("more than one account matches: {detail}")]
    Ambiguous {
        /// What was looked for, and how many were found.
        detail: String,
    },
    /// The product, or this version or directory of it, cannot do this.
    #[error("not possible here, because {0}")]
    NotPossible(String),
    /// The answer is not what the product answers: a redirect, a log-in page, broken JSON.
    #[error("the answer is not understood: {detail}")]
    Protocol {
        /// What was wrong with it.
        detail: String,
    },
    /// The address may not be called, or resolves to one that may not.
    #[error("the address is refused: {detail}")]
    TargetRefused {
        /// Which address, and the setting that would allow it.
        detail: String,
    },
}

impl SiteError {
    /// Whether a write may have been applied all the same. Look before repeating it.
    pub fn outcome_unknown(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Timeout { .. } | Self::Protocol { .. } | Self::Pending { .. }
        )
    }

    /// Whether the same call may succeed later with nobody doing anything about it.
    pub fn retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::Pending { .. }
            | Self::Protocol { .. }
            | Self::TargetRefused { .. } => true,
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::Rejected { .. }
            | Self::Ambiguous { .. }
            | Self::NotPossible(_) => false,
        }
    }

    /// Whether a text is what [`SiteError::AlreadyExists`] said, as far as only its text was kept.
    pub fn is_already_exists(text: &str) -> bool {
        text.starts_with("already exists at the site")
    }

    /// Whether the site understood, works, and said no: to this one thing, as far as the error tells.
    pub fn is_refusal(&self) -> bool {
        !self.retryable() && !self.pauses_site()
    }

    /// Whether every call must stop at once: products show a CAPTCHA after a few failed log-ins and lock
    /// the account out.
    pub fn pauses_site(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// Whether the failure is the site's as a whole, so that other objects would meet it too.
    ///
    /// 500 is not: Jira answers it for a single account that it could not create.
    pub fn concerns_site(&self) -> bool {
        match self {
            Self::Unavailable { status, .. } => *status != Some(500),
            Self::RateLimited { .. }
            | Self::Unauthorized { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Protocol { .. }
            | Self::TargetRefused { .. } => true,
            _ => false,
        }
    }

    /// How long the site asks us to wait before the next call.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail() -> String {
        "x".to_owned()
    }

    #[test]
    fn each_failure_says_what_it_means_for_the_caller() {
        let unavailable = |status| SiteError::Unavailable { status, retry_after: None, detail: detail() };
        // error, outcome unknown, retryable, pauses the site, concerns the site
        let table = [
            (SiteError::RateLimited { retry_after: None }, false, true, false, true),
            (SiteError::Unauthorized { captcha: false, detail: detail() }, false, false, true, true),
            (SiteError::Unauthorized { captcha: true, detail: detail() }, false, false, true, true),
            (SiteError::Forbidden { detail: detail() }, false, false, false, false),
            (SiteError::NotFound { detail: detail() }, false, false, false, false),
            (SiteError::AlreadyExists { detail: detail() }, false, false, false, false),
            (SiteError::Rejected { status: 400, detail: detail() }, false, false, false, false),
            (SiteError::Unreachable { detail: detail() }, false, true, false, true),
            (unavailable(None), true, true, false, true),
            (unavailable(Some(500)), true, true, false, false),
            (unavailable(Some(503)), true, true, false, true),
            (SiteError::Timeout { detail: detail() }, true, true, false, true),
            (SiteError::Pending { detail: detail() }, true, true, false, false),
            (SiteError::Ambiguous { detail: detail() }, false, false, false, false),
            (SiteError::NotPossible(detail()), false, false, false, false),
            (SiteError::Protocol { detail: detail() }, true, true, false, true),
            (SiteError::TargetRefused { detail: detail() }, false, true, false, true),
        ];
        for (error, unknown, retryable, pauses, concerns) in table {
            assert_eq!(error.outcome_unknown(), unknown, "{error:?}");
            assert_eq!(error.retryable(), retryable, "{error:?}");
            assert_eq!(error.pauses_site(), pauses, "{error:?}");
            assert_eq!(error.concerns_site(), concerns, "{error:?}");
        }
    }

    #[test]
    fn kept_text_tells_that_a_name_was_taken() {
        assert!(SiteError::is_already_exists(&SiteError::AlreadyExists { detail: detail() }.to_string()));
        assert!(!SiteError::is_already_exists(&SiteError::NotFound { detail: detail() }.to_string()));
    }

    #[test]
    fn texts_have_no_final_period() {
        assert_eq!(SiteError::NotPossible(detail()).to_string(), "not possible here, because x");
        assert!(!SiteError::RateLimited { retry_after: None }.to_string().ends_with('.'));
    }
}
