//! Which addresses may be called.
//!
//! By default only what the internet at large can reach: the IANA registries of special-purpose IPv4 and
//! IPv6 addresses say what is not "globally reachable". IPv6 forms that carry an IPv4 address are judged by
//! the address that they carry.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

use crate::error::SiteError;

/// Not globally reachable, by the IANA registry of special-purpose IPv4 addresses; and multicast.
const REFUSED_V4: &[Ipv4Net] = &[
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// Global unicast (RFC 4291 section 2.4); nothing outside it is a site's address.
const GLOBAL_UNICAST_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Within global unicast, but not globally reachable: protocol assignments with Teredo, documentation.
const REFUSED_V6: &[Ipv6Net] = &[
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// An address that may not be called; found in the chain of a failed request's sources.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct RefusedTarget(String);

impl RefusedTarget {
    pub(super) fn resolved(name: &str, address: IpAddr) -> Self {
        Self(format!("{name} resolves to {address}, {NOT_ALLOWED}"))
    }
}

const NOT_ALLOWED: &str = "which is not a public address, nor in a range that the operator allows";

/// Whether an address may be called: it is public, or in one of the `allow`ed ranges.
///
/// An IPv6 address that carries an IPv4 address is allowed also when the carried one is.
pub fn target_allowed(address: IpAddr, allow: &[IpNet]) -> bool {
    if allow.iter().any(|net| net.contains(&address)) {
        return true;
    }
    match address {
        IpAddr::V4(address) => !REFUSED_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => match carried_v4(address) {
            Some(carried) => target_allowed(IpAddr::V4(carried), allow),
            None => {
                GLOBAL_UNICAST_V6.contains(&address) && !REFUSED_V6.iter().any(|net| net.contains(&address))
            }
        },
    }
}

/// The IPv4 address within an IPv4-mapped or IPv4-compatible (RFC 4291 section 2.5.5), NAT64 (RFC 6052
/// section 2.1) or 6to4 (RFC 3056 section 2) address.
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let join = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => join(high, low),
        _ => None,
    }
}

/// Refuses an address that no site can have, and one written as a number that may not be called.
///
/// Names are judged when they are resolved. The URL parser has already turned every spelling of an IPv4
/// address (octal, hexadecimal, one number) into the address.
pub fn check_url(url: &Url, allow: &[IpNet]) -> Result<(), SiteError> {
    if url.query().is_some() || url.fragment().is_some() {
        let detail = "the address ends in a query or fragment".to_owned();
        return Err(SiteError::TargetRefused { detail });
    }
    check_target(url, allow)
}

/// The same for an address that a provider gave, which may have a query.
pub fn check_target(url: &Url, allow: &[IpNet]) -> Result<(), SiteError> {
    let refuse = |detail: String| Err(SiteError::TargetRefused { detail });
    if !matches!(url.scheme(), "http" | "https") {
        return refuse(format!("{}: is neither http nor https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the address holds credentials".to_owned());
    }
    let literal = match url.host() {
        None => return refuse("the address names no host".to_owned()),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
    };
    if target_allowed(literal, allow) { Ok(()) } else { refuse(format!("{literal}, {NOT_ALLOWED}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(address: &str, allow: &[&str]) -> bool {
        let allow: Vec<IpNet> = allow.iter().map(|net| net.parse().unwrap()).collect();
        target_allowed(address.parse().unwrap(), &allow)
    }

    #[test]
    fn special_addresses_are_refused_in_every_form() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "64:ff9b::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:0a00:0001::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff:ffff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff00::1",
            "ff02::1",
            "ff05::1:3",
            "4000::1",
        ] {
            assert!(!allowed(address, &[]), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:0808:0808::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001:82b::200e",
        ] {
            assert!(allowed(address, &[]), "{address}");
        }
    }

    #[test]
    fn operator_allows_ranges_and_nothing_beside_them() {
        assert!(allowed("127.0.0.1", &["127.0.0.0/8"]));
        assert!(allowed("::ffff:127.0.0.1", &["127.0.0.0/8"]));
        assert!(allowed("64:ff9b::10.1.2.3", &["10.1.0.0/16"]));
        assert!(allowed("fd00::1", &["fd00::/8"]));
        assert!(!allowed("::1", &["127.0.0.0/8"]));
        assert!(!allowed("10.2.0.1", &["10.1.0.0/16"]));
        assert!(!allowed("169.254.169.254", &["10.0.0.0/8", "127.0.0.0/8"]));
    }

    fn refused(url: &str) -> bool {
        matches!(check_url(&Url::parse(url).unwrap(), &[]), Err(SiteError::TargetRefused { .. }))
    }

    #[test]
    fn every_spelling_of_a_numeric_host_is_judged() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0x7f.0.0.1:8080/",
            "http://127.0.0.1./",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
            "https://10.1/",
            "https://192.168.257/",
            "https://１２７.0.0.1/",
            "https://169。254。169。254/",
            "https://%31%32%37.0.0.1/",
            "http://[fe80::1]/jira",
            "http://[64:ff9b::7f00:1]/",
            "https://2852039166/latest",
        ] {
            assert!(refused(url), "{url}");
        }
        assert!(!refused("https://8.8.8.8/jira"));
        assert!(!refused("https://jira.example.com/jira"));
    }

    #[test]
    fn address_must_be_plain() {
        for url in [
            "ftp://jira.example.com/",
            "file:///etc/passwd",
            "https://user@jira.example.com/",
            "https://user:pw@jira.example.com/",
            "https://jira.example.com/?x=1",
            "https://jira.example.com/#x",
            "data:text/plain,x",
        ] {
            assert!(refused(url), "{url}");
        }
    }
}
