//! Where REGISTER goes: proxies and registrars in turn, and where a registrar sends us instead.

use sip_message::{Scheme, UriBuf};

use crate::{boundary::registration::Account, path::Path};

/// Most Contacts of redirections that are tried before a registrar is asked again (RFC 3261 §8.1.3.4).
pub(super) const REDIRECTIONS: usize = 4;

/// The ways of one account. A round ends when one has worked, or all were tried.
#[derive(Debug)]
pub(super) struct Ways {
    /// The one that has worked last: by it the binding was made.
    home: Option<Path>,
    /// The configured ones, then those of redirections.
    paths: Vec<Path>,
    configured: usize,
    at: usize,
    tried: usize,
}

impl Ways {
    /// Every registrar by every proxy.
    pub(super) fn of(account: &Account) -> Self {
        let by = |proxy: Option<&UriBuf>| {
            account.registrars.iter().map(|registrar| Path::new(registrar, proxy.map(loose))).collect()
        };
        let paths: Vec<Path> = match &*account.proxies {
            [] => by(None),
            proxies => proxies.iter().flat_map(|proxy| -> Vec<Path> { by(Some(proxy)) }).collect(),
        };
        Self { home: None, configured: paths.len(), paths, at: 0, tried: 0 }
    }

    /// The one to be used now.
    pub(super) fn current(&self) -> &Path {
        // invariant: an account has a registrar, and `at` never passes the end.
        self.paths.get(self.at).expect("a way")
    }

    /// The one by which the binding was made, or else the one to be used now.
    pub(super) fn home(&self) -> &Path {
        self.home.as_ref().unwrap_or_else(|| self.current())
    }

    /// Whether the one to be used now is that by which the binding was made.
    pub(super) fn is_home(&self) -> bool {
        self.home.as_ref() == Some(self.current())
    }

    /// The outbound proxies of the account other than that of a way, each once.
    pub(super) fn proxies_besides(&self, way: &Path) -> Vec<&UriBuf> {
        let mut proxies: Vec<&UriBuf> = Vec::new();
        for proxy in self.paths.iter().filter_map(|path| path.routes.first()) {
            if way.routes.first() != Some(proxy) && !proxies.contains(&proxy) {
                proxies.push(proxy);
            }
        }
        proxies
    }

    /// Goes back to the one by which the binding was made.
    pub(super) fn go_home(&mut self) {
        let Some(home) = self.home.clone() else { return };
        self.tried = 0;
        self.at = self.paths.iter().position(|path| *path == home).unwrap_or_else(|| {
            // That of a redirection, which a new round forgets.
            self.paths.truncate(self.configured);
            self.paths.push(home);
            self.configured
        });
    }

    /// Goes to the next one; `false` if this round has tried them all.
    pub(super) fn next(&mut self) -> bool {
        self.tried += 1;
        if self.tried >= self.paths.len() {
            return false;
        }
        self.at = (self.at + 1) % self.paths.len();
        true
    }

    /// Goes where a redirection points, best first; `false` if there is nothing new that is as secure.
    pub(super) fn redirect(&mut self, contacts: &[UriBuf]) -> bool {
        let current = self.current();
        let secure = current.is_secure();
        let routes = current.routes.clone();
        let new: Vec<Path> = contacts
            .iter()
            .filter(|uri| match uri.as_uri().scheme() {
                Scheme::Sips => true,
                Scheme::Sip => !secure,
                _ => false,
            })
            .map(|uri| Path::new(uri, routes.iter().cloned()))
            .filter(|path| !self.paths.iter().any(|known| known.target.equivalent(&path.target)))
            .take((self.configured + REDIRECTIONS).saturating_sub(self.paths.len()))
            .collect();
        let found = !new.is_empty();
        if found {
            self.at = self.paths.len();
            self.tried += 1;
            self.paths.extend(new);
        }
        found
    }

    /// This one has worked: it is used until it fails.
    pub(super) fn worked(&mut self) {
        self.tried = 0;
        self.home = Some(self.current().clone());
        if self.at >= self.configured {
            self.paths.swap(self.at, self.configured);
            self.at = self.configured;
            self.paths.truncate(self.configured + 1);
        } else {
            self.paths.truncate(self.configured);
        }
    }

    /// Starts with the first one again.
    pub(super) fn anew(&mut self) {
        self.paths.truncate(self.configured);
        self.at = 0;
        self.tried = 0;
    }
}

/// A proxy as a loose router (RFC 3261 §19.1.1), which every outbound proxy is today.
fn loose(proxy: &UriBuf) -> UriBuf {
    let plain = proxy.without_headers_and_method();
    if plain.as_uri().param("lr").is_some() {
        return plain;
    }
    UriBuf::parse(&format!("{plain};lr")).unwrap_or(plain)
}

/// The route set of a request that uses the account outside its registration: Service-Route behind the proxy, which stands
/// in front of it unless it is there already (RFC 3608 §5).
pub(super) fn preloaded(current: &Path, service_route: &[UriBuf]) -> Vec<UriBuf> {
    let there = |proxy: &&UriBuf| service_route.first().is_none_or(|first| !same_host(first, proxy));
    current.routes.iter().filter(there).chain(service_route).cloned().collect()
}

/// The same by another proxy, which stands in for the one that cannot be used wherever Service-Route names that.
pub(super) fn diverted(current: &Path, proxy: &UriBuf, service_route: &[UriBuf]) -> Vec<UriBuf> {
    let named = current.routes.first().zip(service_route.first());
    let rest = match named {
        Some((unusable, first)) if same_host(first, unusable) => &service_route[1..],
        Some(_) | None => service_route,
    };
    preloaded(&Path::new(&current.target, [proxy.clone()]), rest)
}

fn same_host(one: &UriBuf, other: &UriBuf) -> bool {
    let (one, other) = (one.as_uri(), other.as_uri());
    one.host().same_as(&other.host()) && one.port() == other.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> UriBuf {
        UriBuf::parse(text).expect("a URI")
    }

    fn account(registrars: &[&str], proxies: &[&str]) -> Account {
        let mut account =
            Account::new("<sip:alice@example.com>".parse().expect("an address")).expect("an account");
        account.registrars = registrars.iter().copied().map(uri).collect();
        account.proxies = proxies.iter().copied().map(uri).collect();
        account
    }

    fn targets(ways: &mut Ways) -> Vec<String> {
        let mut targets = vec![ways.current().target.to_string()];
        while ways.next() {
            targets.push(ways.current().target.to_string());
        }
        targets
    }

    #[test]
    fn every_registrar_is_tried_once_by_every_proxy() {
        let mut ways = Ways::of(&account(&["sip:a", "sip:b"], &[]));
        assert_eq!(targets(&mut ways), ["sip:a", "sip:b"]);
        ways.anew();
        assert_eq!(targets(&mut ways), ["sip:a", "sip:b"]);

        let mut ways = Ways::of(&account(&["sip:a", "sip:b"], &["sip:p", "sip:q;lr"]));
        assert_eq!(ways.current().routes[0], uri("sip:p;lr"));
        assert_eq!(targets(&mut ways), ["sip:a", "sip:b", "sip:a", "sip:b"]);
        assert_eq!(ways.current().routes[0], uri("sip:q;lr"));
    }

    #[test]
    fn redirections_are_followed_up_to_the_limit_and_not_twice() {
        let mut ways = Ways::of(&account(&["sip:a"], &[]));
        let many: Vec<UriBuf> = (0..=REDIRECTIONS).map(|number| uri(&format!("sip:r{number}"))).collect();
        assert!(!ways.redirect(&[uri("sip:a"), uri("tel:+1")]));
        assert!(ways.redirect(&many));
        assert_eq!(ways.paths.len(), 1 + REDIRECTIONS);
        assert_eq!(ways.current().target, uri("sip:r0"));
        assert!(!ways.redirect(&many));
        assert!(ways.next());
        ways.worked();
        assert_eq!((ways.paths.len(), ways.current().target.as_str()), (2, "sip:r1"));
        ways.anew();
        assert_eq!((ways.paths.len(), ways.current().target.as_str()), (1, "sip:a"));
    }

    #[test]
    fn a_redirection_does_not_lead_out_of_tls() {
        let mut ways = Ways::of(&account(&["sips:a"], &[]));
        assert!(!ways.redirect(&[uri("sip:b")]));
        assert!(ways.redirect(&[uri("sips:b")]));
    }

    #[test]
    fn the_service_route_stands_behind_a_proxy_that_it_does_not_name() {
        let path = Path::new(&uri("sip:a"), [uri("sip:p;lr")]);
        assert_eq!(preloaded(&path, &[]), [uri("sip:p;lr")]);
        assert_eq!(preloaded(&path, &[uri("sip:s;lr")]), [uri("sip:p;lr"), uri("sip:s;lr")]);
        assert_eq!(preloaded(&path, &[uri("sip:p;lr;x=1")]), [uri("sip:p;lr;x=1")]);
    }

    #[test]
    fn another_proxy_takes_the_place_of_the_one_that_cannot_be_used() {
        let ways = Ways::of(&account(&["sip:a", "sip:b"], &["sip:p", "sip:q", "sip:p"]));
        let (path, q) = (ways.current(), uri("sip:q;lr"));
        assert_eq!(ways.proxies_besides(path), [&q]);
        assert_eq!(diverted(path, &q, &[]), [uri("sip:q;lr")]);
        assert_eq!(diverted(path, &q, &[uri("sip:s;lr")]), [uri("sip:q;lr"), uri("sip:s;lr")]);
        let named = [uri("sip:p;lr;x=1"), uri("sip:s;lr")];
        assert_eq!(diverted(path, &q, &named), [uri("sip:q;lr"), uri("sip:s;lr")]);
        assert!(Ways::of(&account(&["sip:a", "sip:b"], &[])).proxies_besides(path).is_empty());
    }
}
