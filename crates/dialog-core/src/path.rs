//! Remote target and route set of a dialog, and what they make of a request (RFC 3261 §12.2.1.1).

use sip_message::{Draft, HeaderId, Message, Method, Scheme, UriBuf};

use crate::step::Step;

/// Longest route set. A path has a few proxies, each of which may stand in it twice (RFC 5658); every request of the dialog
/// carries all of them, and must fit a datagram.
const ROUTES: usize = 16;

/// Why the Record-Routes of a message make no route set; a dialog that they would make is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteSetFault {
    /// There are more than [`ROUTES`].
    TooLong,
    /// One of them cannot be read.
    Unreadable,
}

/// Where the requests of a dialog go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The peer's Contact, without headers and `method` (RFC 3261 §19.1.1).
    pub(crate) target: UriBuf,
    /// The route set, nearest first.
    pub(crate) routes: Box<[UriBuf]>,
}

impl Path {
    /// A path to a target by way of some routes.
    pub(crate) fn new(target: &UriBuf, routes: impl IntoIterator<Item = UriBuf>) -> Self {
        Self { target: target.without_headers_and_method(), routes: routes.into_iter().collect() }
    }

    /// The Record-Routes of a message in the order in which they stand: the route set of a callee (RFC 3261
    /// §12.1.1).
    fn recorded(message: &Message) -> Result<Vec<UriBuf>, RouteSetFault> {
        let routes = message.record_routes().map_err(|_| RouteSetFault::Unreadable)?;
        if routes.len() > ROUTES {
            return Err(RouteSetFault::TooLong);
        }
        Ok(routes.into_iter().map(|route| route.uri.to_owned()).collect())
    }

    /// Takes a new remote target (RFC 3261 §12.2.1.2, §12.2.2); the route set stays.
    pub(crate) fn refresh(&mut self, target: &UriBuf) {
        self.target = target.without_headers_and_method();
    }

    /// The URI that is to be routed: the topmost Route or the Request-URI (RFC 3261 §8.1.2).
    pub(crate) fn next_hop(&self) -> UriBuf {
        self.routes.first().unwrap_or(&self.target).clone()
    }

    /// Whether the remote target is a `sips` URI, so that requests go by TLS whatever the topmost Route says.
    pub(crate) fn is_secure(&self) -> bool {
        self.target.scheme() == Scheme::Sips
    }

    /// Starts a request: Request-URI and Route, rewritten for a strict router where the first route is one.
    pub(crate) fn draft(&self, method: Method) -> Draft {
        match self.routes.split_first() {
            None => Draft::request(method, self.target.as_str()),
            Some((first, _)) if first.as_uri().param("lr").is_some() => {
                with_routes(Draft::request(method, self.target.as_str()), &self.routes)
            }
            Some((first, rest)) => {
                let uri = first.without_headers_and_method();
                with_routes(Draft::request(method, uri.as_str()), rest)
                    .header(HeaderId::Route, format_args!("<{}>", self.target))
            }
        }
    }
}

impl Step<'_, '_, '_> {
    /// The Record-Routes of a message in the order in which they stand; too many of them are counted.
    pub(crate) fn recorded(&mut self, message: &Message) -> Result<Vec<UriBuf>, RouteSetFault> {
        let routes = Path::recorded(message);
        if routes == Err(RouteSetFault::TooLong) {
            self.pending.counters.long_route_sets += 1;
        }
        routes
    }
}

fn with_routes(draft: Draft, routes: &[UriBuf]) -> Draft {
    routes.iter().fold(draft, |mut draft, route| {
        draft.push_parts(HeaderId::Route, &["<", route.as_str(), ">"]);
        draft
    })
}
