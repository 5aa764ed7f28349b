//! Who is signed in. A sealed cookie holds the secret of a session of the API, which every call shows anew: signing out,
//! revoking the key that it was begun with, or its time being over ends it everywhere at once. The secret is exchanged
//! while the session is used, so that a copied cookie is found out. Whoever has a set-up link shows that.

use std::time::Duration;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, OriginalUri, Path};
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::cookie::{Cookie, PrivateCookieJar, SameSite};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use time::Duration as Lifetime;

use crate::api::{Api, Page, Problem};
use crate::failure::Failure;
use crate::{Console, words};

/// How long a session lasts without being used.
const IDLE: Duration = Duration::from_hours(1);
/// How long a session lasts at the most.
const LIFETIME: Duration = Duration::from_hours(12);
/// How often its last use is noted.
const NOTED_EVERY: Duration = Duration::from_mins(2);
/// How often its secret is exchanged.
const EXCHANGED_EVERY: Duration = Duration::from_mins(10);
/// How long somebody may take at the tenant's identity provider.
const PENDING: Duration = Duration::from_mins(10);

/// Whom a credential stands for, as `GET /me` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// What the credential is.
    pub kind: Kind,
    /// The tenant that it opens; all, for an operator.
    pub tenant: Option<Tenant>,
    /// What a key or a person may do.
    pub role: Option<Role>,
    /// The one connection that a set-up link opens.
    pub connection_id: Option<String>,
}

/// Kinds of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The operator's key.
    Operator,
    /// A key of a tenant.
    Key,
    /// A person whom the tenant's identity provider vouches for.
    Person,
    /// A link to the set-up of one connection.
    SetupLink,
}

/// Roles of keys and people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything.
    Auditor,
    /// Changes everything but keys.
    Admin,
    /// Changes keys, too.
    Owner,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// What stands for it in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Whether it is served.
    pub status: String,
    /// When it was registered.
    pub created_at: String,
}

/// What the cookie holds.
#[derive(Serialize, Deserialize)]
struct Sealed {
    credential: String,
    who: Who,
    /// Seconds since 1970.
    began: u64,
    seen: u64,
    /// Absent from cookies of before there were sessions, which hold the key itself until they end.
    #[serde(default)]
    exchanged: u64,
}

/// A session as the API hands it out.
#[derive(Debug, Deserialize)]
pub struct Begun {
    /// Its secret.
    pub session: SecretString,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The API, for whoever is signed in.
    pub api: Api,
    /// Who that is.
    pub who: Who,
}

/// The cookies of this console.
pub struct Cookies {
    jar: PrivateCookieJar,
    /// The same cookies as they are under keys of before.
    older: Vec<PrivateCookieJar>,
    name: &'static str,
    secure: bool,
    now: u64,
}

/// The address as the browser has it: routers within routers see a part of it.
fn address(parts: &Parts) -> &Uri {
    parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0)
}

#[expect(clippy::disallowed_methods, reason = "sessions are for people and end by the clock on the wall")]
fn seconds_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Cookies {
    /// The cookies of a request. Whoever opens a set-up link stays signed in elsewhere.
    pub fn of(console: &Console, parts: &Parts) -> Self {
        let jar = PrivateCookieJar::from_headers(&parts.headers, console.key.clone());
        let secure = console.public_url.scheme() == "https";
        // Browsers let no other host set a cookie whose name begins so, and take it through HTTPS alone.
        let name = match (address(parts).path().starts_with("/setup"), secure) {
            (false, true) => "__Host-rollcall",
            (false, false) => "rollcall",
            (true, true) => "__Host-rollcall-setup",
            (true, false) => "rollcall-setup",
        };
        let older = console.older_keys.iter();
        let older = older.map(|key| PrivateCookieJar::from_headers(&parts.headers, key.clone())).collect();
        Self { jar, older, name, secure, now: seconds_now() }
    }

    fn get(&self, name: &str) -> Option<Cookie<'static>> {
        std::iter::once(&self.jar).chain(&self.older).find_map(|jar| jar.get(name))
    }

    fn read(&self) -> Option<Sealed> {
        let cookie = self.get(self.name)?;
        let sealed: Sealed = serde_json::from_str(cookie.value()).ok()?;
        let within = |since: u64, limit: Duration| self.now.saturating_sub(since) < limit.as_secs();
        (within(sealed.began, LIFETIME) && within(sealed.seen, IDLE)).then_some(sealed)
    }

    fn write(self, sealed: &Sealed) -> PrivateCookieJar {
        let value = serde_json::to_string(sealed).unwrap_or_default();
        let cookie = Cookie::build((self.name, value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax);
        self.jar.add(cookie)
    }

    /// Begins a session.
    pub fn begin(self, credential: &SecretString, who: Who) -> PrivateCookieJar {
        let sealed = Sealed {
            credential: credential.expose_secret().to_owned(),
            who,
            began: self.now,
            seen: self.now,
            exchanged: self.now,
        };
        self.write(&sealed)
    }

    /// The name of the cookie of whoever is at the tenant's identity provider just now.
    fn pending_name(&self) -> &'static str {
        if self.secure { "__Host-rollcall-sign-in" } else { "rollcall-sign-in" }
    }

    /// Keeps what the beginning of a sign-in gave, until its end.
    pub fn keep_pending(self, pending: String) -> PrivateCookieJar {
        let seconds = i64::try_from(PENDING.as_secs()).unwrap_or(0);
        let cookie = Cookie::build((self.pending_name(), pending))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .max_age(Lifetime::seconds(seconds));
        self.jar.add(cookie)
    }

    /// Takes what was kept: it is good for one try.
    pub fn take_pending(&mut self) -> Option<String> {
        let name = self.pending_name();
        let pending = self.get(name).map(|cookie| cookie.value().to_owned());
        self.jar = self.jar.clone().remove(Cookie::build(name).path("/").secure(self.secure));
        pending
    }

    /// What is to be said of cookies, when nothing else is.
    pub fn as_they_are(self) -> PrivateCookieJar {
        self.jar
    }

    /// The API for whoever is signed in, to end the session there.
    pub fn api(&self, console: &Console) -> Option<Api> {
        let sealed = self.read()?;
        Some(Api::new(console.api.clone(), SecretString::from(sealed.credential)))
    }

    /// Ends the session.
    pub fn end(self) -> PrivateCookieJar {
        self.jar.remove(Cookie::build(self.name).path("/").secure(self.secure))
    }
}

impl FromRequestParts<Console> for Cookies {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Self::Rejection> {
        Ok(Self::of(console, parts))
    }
}

impl FromRequestParts<Console> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Self::Rejection> {
        let back = if parts.method == Method::GET {
            address(parts).path_and_query().map_or("", |path| path.as_str())
        } else {
            ""
        };
        let sealed = Cookies::of(console, parts).read().ok_or_else(|| Failure::SignIn(back.to_owned()))?;
        let api = Api::new(console.api.clone(), SecretString::from(sealed.credential));
        Ok(Self { api, who: sealed.who })
    }
}

impl OptionalFromRequestParts<Console> for Session {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Console,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(<Self as FromRequestParts<Console>>::from_request_parts(parts, console).await.ok())
    }
}

/// Notes now and then that a session is in use, and exchanges its secret.
pub async fn keep(State(console): State<Console>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let cookies = Cookies::of(&console, &parts);
    // A page that follows what happens asks by itself, and nobody may be looking.
    let by_itself = address(&parts).path().ends_with("/live");
    let sealed = cookies.read().filter(|_| !by_itself);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let now = cookies.now;
    let due = sealed.filter(|sealed| now.saturating_sub(sealed.seen) >= NOTED_EVERY.as_secs());
    if let Some(mut sealed) = due
        // Signing in and out say themselves what is kept.
        && !response.headers().contains_key(SET_COOKIE)
        && exchange(&console, &mut sealed, now).await
    {
        sealed.seen = now;
        let kept = axum::response::IntoResponse::into_response((cookies.write(&sealed), ()));
        response.headers_mut().extend(kept.headers().clone());
    }
    response
}

/// Exchanges the session's secret when it is time to. `false` when another request has done it just now, and has given the
/// browser the new one.
async fn exchange(console: &Console, sealed: &mut Sealed, now: u64) -> bool {
    let is_old = now.saturating_sub(sealed.exchanged) >= EXCHANGED_EVERY.as_secs();
    if sealed.who.kind == Kind::SetupLink || !is_old {
        return true;
    }
    let api = Api::new(console.api.clone(), SecretString::from(sealed.credential.clone()));
    match api.call(Method::POST, "/sessions/rotate").send::<Begun>().await {
        Ok(begun) => {
            begun.session.expose_secret().clone_into(&mut sealed.credential);
            sealed.exchanged = now;
            true
        }
        Err(problem) if problem.status == StatusCode::CONFLICT => false,
        // It is tried again with the next page.
        Err(_) => true,
    }
}

impl Session {
    /// Whether they may do what asks for `role`.
    pub fn may(&self, role: Role) -> bool {
        self.who.kind == Kind::Operator || self.who.role.is_some_and(|own| own >= role)
    }

    /// Where they begin.
    pub fn home(&self) -> String {
        match (&self.who.kind, &self.who.tenant) {
            (Kind::SetupLink, _) => "/setup".to_owned(),
            (_, Some(tenant)) => format!("/console/t/{}", tenant.slug),
            (_, None) => "/console/tenants".to_owned(),
        }
    }
}

/// A session, at work in the tenant of the address.
#[derive(Clone, Debug)]
pub struct InTenant {
    /// Who is signed in.
    pub session: Session,
    /// The API.
    pub api: Api,
    /// The tenant.
    pub tenant: Tenant,
    /// The start of the tenant's paths in the API.
    pub path: String,
    /// The start of the tenant's pages.
    pub base: String,
    /// What was just done, in words.
    pub done: Option<&'static str>,
}

#[derive(Deserialize)]
struct TenantInPath {
    tenant: String,
}

impl FromRequestParts<Console> for InTenant {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Self::Rejection> {
        let session = <Session as FromRequestParts<Console>>::from_request_parts(parts, console).await?;
        let Path(TenantInPath { tenant }) =
            <Path<TenantInPath> as FromRequestParts<Console>>::from_request_parts(parts, console)
                .await
                .map_err(|_| Failure::NotFound)?;
        if session.who.kind == Kind::SetupLink || !is_plain(&tenant) {
            return Err(Failure::NotFound);
        }
        let tenant = match &session.who.tenant {
            // A key opens one tenant, whose name was asked when it signed in.
            Some(own) if own.slug == tenant || own.id == tenant => own.clone(),
            Some(_) => return Err(Failure::NotFound),
            None => session.api.get::<Tenant>(format!("/tenants/{tenant}")).await?,
        };
        let (path, base) = (format!("/tenants/{}", tenant.id), format!("/console/t/{}", tenant.slug));
        let done = parts.uri.query().and_then(words::done);
        Ok(Self { api: session.api.clone(), session, tenant, path, base, done })
    }
}

impl InTenant {
    /// Whether they may change things.
    pub fn may_edit(&self) -> bool {
        self.session.may(Role::Admin)
    }

    /// An address of the tenant's pages.
    pub fn page(&self, rest: impl AsRef<str>) -> String {
        format!("{}{}", self.base, rest.as_ref())
    }

    /// A path of the tenant in the API.
    pub fn of(&self, rest: impl AsRef<str>) -> String {
        format!("{}{}", self.path, rest.as_ref())
    }

    /// Reads something of the tenant.
    pub async fn get<T: serde::de::DeserializeOwned>(&self, rest: impl AsRef<str>) -> Result<T, Problem> {
        self.api.get(self.of(rest)).await
    }

    /// Reads a list that is a small part of its page: the operator, who sees it behind broken glass only, is told that it is hidden.
    pub async fn glimpse<T: serde::de::DeserializeOwned>(
        &self,
        rest: impl AsRef<str>,
    ) -> Result<Page<T>, Problem> {
        match self.get(rest).await {
            Err(problem) if problem.is_behind_glass() => Ok(Page::hidden()),
            read => read,
        }
    }
}

/// Whether text is a slug or an id: nothing else is put into paths.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(jar: PrivateCookieJar, now: u64) -> Cookies {
        Cookies { jar, older: Vec::new(), name: "rollcall", secure: false, now }
    }

    #[test]
    fn a_session_ends_by_itself_when_it_is_idle_or_old() {
        let jar = PrivateCookieJar::new(axum_extra::extract::cookie::Key::generate());
        let who = Who { kind: Kind::Operator, tenant: None, role: None, connection_id: None };
        let jar = cookies(jar, 1_000).begin(&SecretString::from("key"), who);
        let mut exchanged =
            cookies(PrivateCookieJar::new(axum_extra::extract::cookie::Key::generate()), 1_001);
        assert!(exchanged.read().is_none());
        exchanged.older.push(jar.clone());
        assert!(exchanged.read().is_some(), "sealed by the key of before");
        let (idle, lifetime) = (IDLE.as_secs(), LIFETIME.as_secs());
        assert!(cookies(jar.clone(), 1_000 + idle - 1).read().is_some());
        assert!(cookies(jar.clone(), 1_000 + idle).read().is_none(), "an hour of doing nothing");
        let mut jar = jar;
        let mut now = 1_000;
        while now + idle / 2 < 1_000 + lifetime {
            now += idle / 2;
            let used = cookies(jar.clone(), now);
            let mut sealed = used.read().unwrap();
            sealed.seen = now;
            jar = used.write(&sealed);
        }
        assert!(
            cookies(jar, 1_000 + lifetime).read().is_none(),
            "twelve hours are over, although it was in use"
        );
    }

    #[test]
    fn roles_open_what_they_should() {
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Auditor);
        for path in ["", "Acme", "a/b", "a?b", "..", "a%2fb"] {
            assert!(!is_plain(path), "{path}");
        }
        assert!(is_plain("acme-2") && is_plain("01940000-7000-7000-8000-000000000000"));
    }
}
