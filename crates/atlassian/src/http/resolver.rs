//! Name resolution that hides addresses that may not be called.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::target::{RefusedTarget, target_allowed};

/// Resolves by the system, and passes on only addresses that may be called. The connection is made to what
/// was judged here, so a name that changes its address between two look-ups gains nothing.
#[derive(Clone, Debug)]
pub(super) struct GuardedResolver {
    allow: Arc<[IpNet]>,
}

impl GuardedResolver {
    pub(super) fn new(allow: &[IpNet]) -> Self {
        Self { allow: allow.into() }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = Arc::clone(&self.allow);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            judge(name.as_str(), found, &allow)
        })
    }
}

fn judge(name: &str, found: Vec<SocketAddr>, allow: &[IpNet]) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
    let first = found.first().map(SocketAddr::ip);
    let allowed: Vec<SocketAddr> =
        found.into_iter().filter(|address| target_allowed(address.ip(), allow)).collect();
    match first {
        Some(address) if allowed.is_empty() => Err(Box::new(RefusedTarget::resolved(name, address))),
        _ => Ok(Box::new(allowed.into_iter())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(found: &[&str], allow: &[&str]) -> Result<Vec<String>, String> {
        let found = found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        let allow: Vec<IpNet> = allow.iter().map(|net| net.parse().unwrap()).collect();
        judge("jira.example.com", found, &allow)
            .map(|addresses| addresses.map(|address| address.ip().to_string()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_allowed_addresses_of_a_name_are_passed_on() {
        assert_eq!(judged(&["10.0.0.1", "93.184.215.14"], &[]).unwrap(), ["93.184.215.14"]);
        assert_eq!(judged(&["10.0.0.1"], &["10.0.0.0/8"]).unwrap(), ["10.0.0.1"]);
    }

    #[test]
    fn name_with_no_allowed_address_is_refused_by_name() {
        let refused = judged(&["169.254.169.254", "::1"], &[]).unwrap_err();
        assert!(refused.starts_with("jira.example.com resolves to 169.254.169.254"), "{refused}");
    }
}
