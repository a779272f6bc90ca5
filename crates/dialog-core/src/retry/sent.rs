//! A request in flight, as far as it takes to send it again.

use std::net::{IpAddr, SocketAddr};

use sip_message::{CSeq, Draft, HeaderId, Message, Method, NameAddr, UriBuf};
use sip_transport::Hops;
use smallvec::SmallVec;

use crate::{config::DialogConfig, digest::session::Place};

use super::tags;

/// Option tags that a request of ours can do without (RFC 3261 §8.1.3.5): what they ask for makes a call better, not
/// another one. A call without the `replaces` that it requires would ring beside the one that it is to replace.
/// A REFER without `tdialog` still has its Target-Dialog, and without `nosub` or `explicitsub` it is a REFER as any other.
const OPTIONAL: [&str; 10] = [
    "100rel",
    "timer",
    "norefersub",
    "tdialog",
    "nosub",
    "explicitsub",
    "histinfo",
    "gruu",
    "outbound",
    "path",
];

/// The option tag of Refer-Sub (RFC 4488 §5), which is not required for it.
const NO_REFER_SUB: &str = "norefersub";

/// Most extensions that a 421 may ask for.
const EXTENSIONS: usize = 8;

/// A request that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Without credentials.
    pub(crate) draft: Draft,
    pub(crate) hops: Hops,
    /// How often it has gone out.
    pub(crate) tries: u8,
    /// The credentials that it went with last.
    pub(crate) used: SmallVec<[Used; 1]>,
    /// Those of an INVITE as they were written, for its ACK.
    pub(crate) proofs: Vec<(Place, String)>,
    relieved: bool,
    extended: bool,
}

/// Credentials that a request went with.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) place: Place,
    pub(crate) realm: Box<str>,
    pub(crate) nonce: Box<str>,
    /// Whether they answer a challenge to this very request.
    pub(crate) asked: bool,
}

impl Sent {
    pub(crate) fn new(hops: Hops, draft: Draft) -> Self {
        Self {
            draft,
            hops,
            tries: 0,
            used: SmallVec::new(),
            proofs: Vec::new(),
            relieved: false,
            extended: false,
        }
    }

    pub(crate) fn is_for_invite(&self) -> bool {
        *self.draft.method() == Method::Invite
    }

    /// Whether it asks for something that a peer may not support.
    pub(crate) fn requires(&self) -> bool {
        [HeaderId::Require, HeaderId::ProxyRequire, HeaderId::ReferSub]
            .into_iter()
            .any(|id| self.draft.header_values(id).next().is_some())
    }

    pub(crate) fn call_id(&self) -> &str {
        self.draft.header_values(HeaderId::CallId).next().unwrap_or_default()
    }

    /// Our address of record: From.
    pub(crate) fn account(&self) -> Option<UriBuf> {
        let from = self.draft.header_values(HeaderId::From).next()?;
        Some(NameAddr::parse(from).ok()?.uri.to_owned())
    }

    /// Whether it goes within a dialog: To has a tag.
    pub(crate) fn is_in_dialog(&self) -> bool {
        self.to_tag().is_some()
    }

    pub(crate) fn to_tag(&self) -> Option<&str> {
        let to = self.draft.header_values(HeaderId::To).next()?;
        NameAddr::parse(to).ok()?.params.value("tag")
    }

    /// Whether a host is the other end of the dialog, and no proxy on the way to it: there is no Route, and the Request-URI
    /// names its address. A name may lead anywhere, and a connection to a proxy carries requests for whoever is behind it.
    pub(crate) fn ends_at(&self, host: IpAddr) -> bool {
        let direct = self.draft.header_values(HeaderId::Route).next().is_none();
        let named = UriBuf::parse(self.draft.uri()).ok().and_then(|uri| uri.as_uri().host().ip());
        direct && named.is_some_and(|named| named.to_canonical() == host.to_canonical())
    }

    pub(crate) fn number(&self) -> Option<u32> {
        let cseq = self.draft.header_values(HeaderId::CSeq).next()?;
        CSeq::parse(cseq).ok().map(|cseq| cseq.number)
    }

    pub(crate) fn renumber(&mut self, number: u32) {
        let method = *self.draft.method();
        self.draft.set(HeaderId::CSeq, format_args!("{number} {method}"));
    }

    /// Puts the hop first that has answered: another one may not know the nonce (RFC 3263 §4.3).
    pub(crate) fn prefer(&mut self, source: SocketAddr) {
        if let Some(at) = self.hops.iter().position(|hop| hop.remote == source) {
            self.hops[..=at].rotate_right(1);
        }
    }

    /// Takes away what the peer does not support, once; `false` if the request means nothing without it.
    pub(crate) fn relieve(&mut self, message: &Message) -> bool {
        let unsupported = |tag: &str| message.unsupported().any(|other| other.eq_ignore_ascii_case(tag));
        let optional = |tag: &str| OPTIONAL.iter().any(|known| known.eq_ignore_ascii_case(tag));
        let ids = [HeaderId::Require, HeaderId::ProxyRequire];
        let refused: Vec<&str> =
            ids.into_iter().flat_map(|id| tags(&self.draft, id)).filter(|tag| unsupported(tag)).collect();
        let reports =
            self.draft.header_values(HeaderId::ReferSub).next().is_some() && unsupported(NO_REFER_SUB);
        let nothing = refused.is_empty() && !reports;
        if self.relieved || nothing || !refused.into_iter().all(optional) {
            return false;
        }
        if reports {
            self.draft.remove(HeaderId::ReferSub);
        }
        for id in ids {
            let kept: Vec<&str> = tags(&self.draft, id).filter(|tag| !unsupported(tag)).collect();
            let value = kept.join(", ");
            self.draft.remove(id);
            if !value.is_empty() {
                self.draft.push(id, value);
            }
        }
        self.relieved = true;
        true
    }

    /// Requires what the peer wants to be required, once (RFC 3261 §21.4.16); `false` if we do not know all of it.
    pub(crate) fn extend(&mut self, config: &DialogConfig, message: &Message) -> bool {
        let had: Vec<&str> = tags(&self.draft, HeaderId::Require).collect();
        let wanted: Vec<&str> =
            message.require().filter(|tag| !had.iter().any(|had| had.eq_ignore_ascii_case(tag))).collect();
        let known = wanted.iter().all(|tag| config.supports(tag));
        if self.extended || wanted.is_empty() || wanted.len() > EXTENSIONS || !known {
            return false;
        }
        let value = had.into_iter().chain(wanted).collect::<Vec<_>>().join(", ");
        self.draft.set(HeaderId::Require, value);
        self.extended = true;
        true
    }
}
