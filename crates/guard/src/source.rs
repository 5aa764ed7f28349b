//! Whose address a request has, behind proxies.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use http::header::HeaderName;
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request comes from, as far as limits tell sources apart: an IPv4 address, or the /64 of an IPv6 address, which is
/// one customer's. An extension of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// The source of an address.
    pub fn new(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(formatter),
            IpAddr::V6(address) => write!(formatter, "{address}/64"),
        }
    }
}

/// Which proxies are believed when they say whom they forward.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Option<Vec<IpNet>>);

impl Proxies {
    /// Those of these ranges and no others.
    pub fn of(ranges: Vec<IpNet>) -> Self {
        Self(Some(ranges))
    }

    /// Where a request on a connection from `peer` comes from.
    ///
    /// Each proxy adds the address that it was called from to the end of `X-Forwarded-For`; what stands before that of the
    /// outermost trusted one was said by anybody. When nobody has said which are trusted, the nearest one is: an installation
    /// behind a proxy must not count all the world as one, and one without a proxy lets itself be told another address.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        let peer = peer.to_canonical();
        let said = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut hops = hops.into_iter().rev().map_while(|hop| hop.parse::<IpAddr>().ok());
        let Some(ranges) = &self.0 else {
            return Source::new(hops.next().unwrap_or(peer));
        };
        let trusted = |address: IpAddr| ranges.iter().any(|range| range.contains(&address.to_canonical()));
        let mut nearest = peer;
        while trusted(nearest) {
            match hops.next() {
                Some(hop) => nearest = hop,
                None => break,
            }
        }
        Source::new(nearest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(proxies: &Proxies, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        proxies.source(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = Proxies::of(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (peer, forwarded, expected) in [
            ("198.51.100.1", &[][..], "198.51.100.1"),
            ("198.51.100.1", &["8.8.8.8"], "198.51.100.1"),
            ("10.0.0.1", &["8.8.8.8"], "8.8.8.8"),
            ("::ffff:10.0.0.1", &["8.8.8.8"], "8.8.8.8"),
            ("10.0.0.1", &["1.1.1.1, 8.8.8.8, 10.0.0.2"], "8.8.8.8"),
            ("10.0.0.1", &["1.1.1.1", "8.8.8.8"], "8.8.8.8"),
            ("10.0.0.1", &["1.1.1.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("fd00::1", &["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ] {
            assert_eq!(source(&proxies, peer, forwarded), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(source(&Proxies::of(Vec::new()), "10.0.0.1", &["8.8.8.8"]), "10.0.0.1", "none at all");
    }

    #[test]
    fn where_nobody_has_said_which_are_trusted_the_nearest_one_is() {
        assert_eq!(source(&Proxies::default(), "10.0.0.1", &["1.1.1.1, 8.8.8.8"]), "8.8.8.8");
        assert_eq!(source(&Proxies::default(), "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(source(&Proxies::default(), "10.0.0.1", &["nonsense"]), "10.0.0.1");
    }
}
