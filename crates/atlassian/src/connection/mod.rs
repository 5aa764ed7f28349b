//! What the connectors share: how a call is addressed and authorized, and what the status and headers of an answer
//! mean. What they do not share is their [`Dialect`].

pub(crate) mod answer;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::distr::{Alphanumeric, SampleString as _};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use url::Url;

use crate::credentials::Credentials;
use crate::error::SiteError;
use crate::http::{Answer, HttpClient, MAX_ANSWER_BYTES};
use crate::product::Product;
use crate::site::{Page, PageStart};

/// What differs from product to product.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// The product.
    pub(crate) product: Product,
    /// Where its API is, below the site's address: `rest/api/2`. Empty where the address is that of the API.
    pub(crate) api: &'static str,
    /// Whether 401 is also the answer to an account that may not do something. It is told apart by the header with
    /// the account's name (unverified), so that a missing permission pauses no site.
    pub(crate) answers_401_to_the_barred: bool,
    /// What an error body says, sentence by sentence; `None` for a body that is not the product's.
    pub(crate) errors: fn(&[u8]) -> Option<Vec<String>>,
}

/// One site, with our credentials.
#[derive(Debug)]
pub(crate) struct Connection {
    dialect: &'static Dialect,
    client: HttpClient,
    base_url: Url,
    credentials: Credentials,
}

/// The most that is read of a list that the product does not page, in bytes: some 15,000 projects of Jira.
const MAX_LIST_BYTES: usize = 4 * MAX_ANSWER_BYTES;

/// Pages of one list that are read to have it whole. A site that never comes to an end must not fill our memory.
const MOST_PAGES: usize = 50;

/// Everything but RFC 3986's unreserved characters is escaped: servlet containers read `;` as the beginning of
/// a parameter, and so `ann;x` as `ann`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Connection {
    /// To the site at `base_url`, which has been checked.
    pub(crate) fn new(
        dialect: &'static Dialect,
        client: HttpClient,
        base_url: &Url,
        credentials: Credentials,
    ) -> Self {
        Self { dialect, client, base_url: base_url.clone(), credentials }
    }

    /// Begins a request to a path below the API's. A segment that comes from outside must be [`addressable`].
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base_url.clone();
        let mut whole = url.path().trim_end_matches('/').to_owned();
        if !self.dialect.api.is_empty() {
            whole.push('/');
            whole.push_str(self.dialect.api);
        }
        for segment in path {
            whole.push('/');
            whole.extend(utf8_percent_encode(segment, SEGMENT));
        }
        url.set_path(&whole);
        let writes = method != Method::GET;
        let request = self.client.request(method, url).header("Accept", "application/json");
        let request = self.credentials.authorize(request);
        if writes {
            // The products take writes for cross-site forgery unless told otherwise (unverified for REST; harmless).
            request.header("X-Atlassian-Token", "no-check")
        } else {
            request
        }
    }

    /// Begins a request that reads.
    pub(crate) fn get(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Sends a request; an answer that is no success is an error.
    pub(crate) async fn send(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, SiteError> {
        self.send_for(operation, request, MAX_ANSWER_BYTES).await
    }

    /// The same for an answer that is too long to be read for nothing: of a success, only the beginning is read.
    pub(crate) async fn send_unread(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<(), SiteError> {
        let product = self.dialect.product.as_str();
        let answer = self.client.send_for_status(product, operation, request).await?;
        answer::judge(self.dialect, answer).map(drop)
    }

    async fn send_for(
        &self,
        operation: &'static str,
        request: RequestBuilder,
        most_bytes: usize,
    ) -> Result<Answer, SiteError> {
        let product = self.dialect.product.as_str();
        let answer = self.client.send(product, operation, request, most_bytes).await?;
        answer::judge(self.dialect, answer)
    }

    /// Sends a request and reads the body of the answer.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<T, SiteError> {
        self.parse(&self.send(operation, request).await?)
    }

    /// The same for an answer that holds a list which the product does not page.
    pub(crate) async fn read_long<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<T, SiteError> {
        self.parse(&self.send_for(operation, request, MAX_LIST_BYTES).await?)
    }

    /// The same for a list that the product does not page.
    pub(crate) async fn read_whole_list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<Vec<T>, SiteError> {
        self.read_long(operation, request).await
    }

    /// Reads the body of a success.
    pub(crate) fn parse<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, SiteError> {
        answer::parse(self.dialect, answer)
    }
}

/// The name, if a path can carry it as one segment.
///
/// An empty one and the dots would address something else. A slash, even when escaped, is refused by the web server
/// that the products run on.
pub(crate) fn addressable(name: &str) -> Result<&str, SiteError> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\\']) || name.contains(char::is_control) {
        return Err(SiteError::NotPossible(format!(
            "the product's REST API cannot be asked about something that is called {name:?}"
        )));
    }
    Ok(name)
}

/// Everything in a list, page by page; `read` reads one.
pub(crate) async fn all_pages<T, C>(read: impl Fn(PageStart) -> C + Send) -> Result<Vec<T>, SiteError>
where
    C: Future<Output = Result<Page<T>, SiteError>> + Send,
    T: Send,
{
    let mut all = Vec::new();
    let mut start = PageStart::FIRST;
    for _ in 0..MOST_PAGES {
        let page = read(start).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => start = next,
            None => return Ok(all),
        }
    }
    Err(SiteError::NotPossible(format!("the list has more than {MOST_PAGES} pages")))
}

/// The one that was found, if any. [`SiteError::Ambiguous`] when several have the address: none of them may be taken.
pub(crate) fn only_one_with_address<T>(mut found: Vec<T>) -> Result<Option<T>, SiteError> {
    match found.len() {
        0 | 1 => Ok(found.pop()),
        n_found => {
            Err(SiteError::Ambiguous { detail: format!("{n_found} accounts have this e-mail address") })
        }
    }
}

/// A password that nobody is to know, for products that make no account without one: some 256 bits, and what a
/// password policy may demand besides.
pub(crate) fn random_password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 43) + "-aA1"
}

/// Whether two names are one to the products: they compare without case.
pub(crate) fn same_name(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_address_something_else_are_refused() {
        for name in ["", ".", "..", "a/b", "a\\b", "a\nb"] {
            let refused = addressable(name).unwrap_err();
            assert!(matches!(refused, SiteError::NotPossible(_)), "{name:?}: {refused:?}");
        }
        for name in ["ann", "a.b", "...", "a;b", "a b", "a%2Fb", "ann@example.com", "änne"] {
            assert_eq!(addressable(name), Ok(name));
        }
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_end_and_one_without_end_is_not() {
        let page = |start: &PageStart, last: usize| {
            let at = start.offset().unwrap();
            Page { items: vec![at], next: (at < last).then(|| PageStart::at_offset(at + 1)) }
        };
        let read = async |start: PageStart| Ok(page(&start, 2));
        assert_eq!(all_pages(read).await, Ok(vec![0, 1, 2]));
        let endless = async |start: PageStart| Ok(page(&start, usize::MAX));
        assert!(matches!(all_pages(endless).await, Err(SiteError::NotPossible(_))));
    }

    #[test]
    fn a_segment_stays_one_whatever_is_in_it() {
        let escaped: String = utf8_percent_encode("a;b=c?d#e%2F+ä", SEGMENT).collect();
        assert_eq!(escaped, "a%3Bb%3Dc%3Fd%23e%252F%2B%C3%A4");
    }
}
