//! A site that never answers, answers garbage, sends elsewhere, or has a certificate that has expired: its status says
//! so, the tenant's other site is unharmed, and once it is itself again nobody has to do anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use atlassian::http::Authorities;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sandbox::SimulatedSite as _;
use sandbox::jira_data_center::{JiraDataCenter, Options};
use serde_json::json;
use store::entity::words::{SiteStatus, TaskKind};
use store::sites::SiteEdit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::simulated::Simulated;
use crate::world::{World, add_link, add_site, bearer, eventually};

/// What is wrong with the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Oddity {
    /// It takes the request and says nothing.
    Silent,
    /// It says 200, and something that is no JSON.
    Garbage,
    /// What it says is no HTTP.
    NoHttp,
    /// It sends to an address that may not be called.
    Elsewhere,
    /// Its certificate has expired.
    ExpiredCertificate,
}

impl Oddity {
    /// What the site's status says.
    fn told(self) -> &'static str {
        match self {
            Self::Silent => "did not answer in time",
            Self::Garbage => "200 with no JSON",
            Self::NoHttp => "unavailable",
            Self::Elsewhere => "302 points to http://169.254.169.254/latest, and redirects are not followed",
            Self::ExpiredCertificate => "expired",
        }
    }

    async fn serve(self, authority: &CertifiedIssuer<'_, KeyPair>) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = (self == Self::ExpiredCertificate).then(|| certified(authority, 2021));
        let serving = tokio::spawn(async move {
            // Dropped with this task, so that nothing holds the port.
            let mut answering = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let acceptor = acceptor.clone();
                answering.spawn(async move {
                    match acceptor {
                        Some(acceptor) => drop(acceptor.accept(stream).await),
                        None => self.answer(stream).await,
                    }
                });
            }
        });
        (address, serving)
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut buffer = [0; 4096];
        let answer: &[u8] = match self {
            Self::Silent | Self::ExpiredCertificate => std::future::pending().await,
            Self::Garbage => b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\ngarbage",
            Self::NoHttp => b"220 mail.example.com ESMTP\r\n",
            Self::Elsewhere => {
                b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest?x=1\r\ncontent-length: 0\r\n\r\n"
            }
        };
        while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

/// A certificate authority of a company's own.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(vec![]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate of that authority, which ends in that year.
fn certified(authority: &CertifiedIssuer<'_, KeyPair>, year: i32) -> TlsAcceptor {
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(year, 2, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Speaks TLS at that address for a site that does not.
async fn serve_with_tls(address: SocketAddr, acceptor: TlsAcceptor, site: SocketAddr) -> JoinHandle<()> {
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        let mut serving = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let acceptor = acceptor.clone();
            serving.spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut site = TcpStream::connect(site).await.unwrap();
                let _ended = tokio::io::copy_bidirectional(&mut stream, &mut site).await;
            });
        }
    })
}

async fn is_told_and_harms_nobody(oddity: Oddity) {
    let mut world = World::at(store::testing::sqlite_store().await, Simulated::Jira).await;
    world.options.http.request_timeout = Duration::from_millis(400);
    let authority = authority();
    world.options.http.authorities = Authorities::from_pem(authority.pem().as_bytes()).unwrap();
    let (address, serving) = oddity.serve(&authority).await;
    let scheme = if oddity == Oddity::ExpiredCertificate { "https" } else { "http" };
    let odd =
        add_site(&world.tenant, "jira-data-center", &format!("{scheme}://{address}"), &bearer()).await.id;
    add_link(&world.tenant, world.connection, odd, 0, json!({})).await;
    world.user("ada").await;
    world.start();
    eventually("the other site follows", async || world.is_active("ada")).await;
    eventually("the odd site's status says why", async || {
        let row = world.tenant.sites().get(odd).await.unwrap();
        row.failures > 0 && row.status_reason.is_some_and(|reason| reason.contains(oddity.told()))
    })
    .await;
    let grace = world.user("grace").await;
    eventually("it still does", async || world.is_active("grace")).await;

    // It is itself again.
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    let itself = JiraDataCenter::new(Options::default());
    let encrypted = oddity == Oddity::ExpiredCertificate;
    let own = if encrypted { SocketAddr::from(([127, 0, 0, 1], 0)) } else { address };
    let served = sandbox::serve(&itself, TcpListener::bind(own).await.unwrap()).unwrap();
    if encrypted {
        serve_with_tls(address, certified(&authority, 2100), served.address).await;
    }
    eventually("it has followed", async || {
        let names: Vec<String> = itself.state().users.into_iter().map(|user| user.name).collect();
        names == ["ada", "grace", "rollcall"]
    })
    .await;
    let tasks = world.tenant.tasks(odd);
    eventually("nothing is left", async || tasks.find(TaskKind::User, grace.0).await.unwrap().is_none())
        .await;
    let row = world.tenant.sites().get(odd).await.unwrap();
    assert_eq!((row.failures, row.status_reason), (0, None));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_never_answers() {
    is_told_and_harms_nobody(Oddity::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_answers_garbage() {
    is_told_and_harms_nobody(Oddity::Garbage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_speaks_no_http() {
    is_told_and_harms_nobody(Oddity::NoHttp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_redirects_elsewhere() {
    is_told_and_harms_nobody(Oddity::Elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_with_an_expired_certificate() {
    is_told_and_harms_nobody(Oddity::ExpiredCertificate).await;
}

/// Two sites behind one company's authority: who has said so of one is believed there, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_is_trusted_at_the_site_that_it_was_given_for_and_at_no_other() {
    let mut world = World::at(store::testing::sqlite_store().await, Simulated::Jira).await;
    let authority = authority();
    let mut sites = Vec::new();
    for _ in 0..2 {
        let jira = JiraDataCenter::new(Options::default());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let served = sandbox::serve(&jira, TcpListener::bind(any).await.unwrap()).unwrap();
        let address = TcpListener::bind(any).await.unwrap().local_addr().unwrap();
        serve_with_tls(address, certified(&authority, 2100), served.address).await;
        let base_url = format!("https://{address}");
        let site = add_site(&world.tenant, "jira-data-center", &base_url, &bearer()).await.id;
        add_link(&world.tenant, world.connection, site, 0, json!({})).await;
        sites.push((site, jira, served));
    }
    world.user("ada").await;
    world.start();
    let refused = async |site| {
        let row = world.tenant.sites().get(site).await.unwrap();
        row.status_reason.is_some_and(|reason| reason.contains("certificate"))
    };
    for (site, ..) in &sites {
        eventually("it is not believed", async || refused(*site).await).await;
    }
    let edit = SiteEdit {
        certificate_authorities: Some(authority.pem()),
        status: Some(SiteStatus::Active),
        ..SiteEdit::default()
    };
    let (own, jira, _) = &sites[0];
    world.tenant.sites().update(*own, None, edit).await.unwrap();
    eventually("it is believed", async || jira.state().users.iter().any(|user| user.name == "ada")).await;
    let (other, jira, _) = &sites[1];
    assert!(refused(*other).await && jira.state().users.iter().all(|user| user.name != "ada"));
    world.stop().await;
}

/// Somebody whom the installation trusts may not vouch for a site that has an authority of its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_authority_vouches_for_a_site_that_has_its_own() {
    let mut world = World::at(store::testing::sqlite_store().await, Simulated::Jira).await;
    let (installations, own) = (authority(), authority());
    world.options.http.authorities = Authorities::from_pem(installations.pem().as_bytes()).unwrap();
    let jira = JiraDataCenter::new(Options::default());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let served = sandbox::serve(&jira, TcpListener::bind(any).await.unwrap()).unwrap();
    let address = TcpListener::bind(any).await.unwrap().local_addr().unwrap();
    serve_with_tls(address, certified(&installations, 2100), served.address).await;
    let site = add_site(&world.tenant, "jira-data-center", &format!("https://{address}"), &bearer()).await.id;
    let tenant = world.tenant.clone();
    let trust = async |pem: String| {
        let edit = SiteEdit {
            certificate_authorities: Some(pem),
            status: Some(SiteStatus::Active),
            ..SiteEdit::default()
        };
        tenant.sites().update(site, None, edit).await.unwrap();
    };
    trust(own.pem()).await;
    add_link(&world.tenant, world.connection, site, 0, json!({})).await;
    world.user("ada").await;
    world.start();
    eventually("it is not believed", async || {
        let row = world.tenant.sites().get(site).await.unwrap();
        row.status_reason.is_some_and(|reason| reason.contains("certificate"))
    })
    .await;
    trust(String::new()).await;
    eventually("it is believed", async || jira.state().users.iter().any(|user| user.name == "ada")).await;
    world.stop().await;
}
