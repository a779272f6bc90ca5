//! The state of one dialog: its ids, its sequence numbers and its path (RFC 3261 §12).

use std::{net::SocketAddr, sync::Arc};

use sip_message::{Draft, HeaderId, Host, Message, Method, NameAddr, NameAddrBuf, UriBuf};
use sip_transport::{FlowId, Inbound, Origin, Purpose, Token};

use crate::{
    boundary::{
        leg::{DialogIdentity, LegId, Peer},
        registration::RegistrationId,
    },
    contact::OurContact,
    digest::session::Place,
    path::Path,
    step::Step,
};

/// The highest sequence number (RFC 3261 §8.1.1.5, TR-207).
const LAST_CSEQ: u32 = (1 << 31) - 1;

/// Max-Forwards of every request of ours (RFC 3261 §8.1.1.6).
pub(crate) const MAX_FORWARDS: &str = "70";

/// What a dialog knows of itself and its peer.
#[derive(Debug, Clone)]
pub(crate) struct DialogState {
    pub(crate) call_id: Arc<str>,
    pub(crate) local_tag: Arc<str>,
    /// Empty until it is known, and for an RFC 2543 peer without one.
    pub(crate) remote_tag: Arc<str>,
    pub(crate) local: NameAddrBuf,
    pub(crate) remote: NameAddrBuf,
    pub(crate) contact: OurContact,
    /// The account that is called or calls.
    pub(crate) account: Option<RegistrationId>,
    pub(crate) path: Path,
    /// The flow of the dialog; `None` before its first message and after the flow has ended.
    pub(crate) flow: Option<FlowId>,
    /// The peer's network address; `None` before its first message.
    pub(crate) source: Option<SocketAddr>,
    /// Who the peer is, as far as TLS has verified it with the last message.
    pub(crate) verified_name: Option<Arc<str>>,
    /// Whether the peer's last message came over TLS.
    pub(crate) secured: bool,
    /// The last number that was sent; 0 before the first.
    pub(crate) local_cseq: u32,
    /// The last number that was received.
    pub(crate) remote_cseq: Option<u32>,
    /// Whether the Call-ID is ours.
    pub(crate) caller: bool,
    pub(crate) peer: Peer,
    /// The credentials of our last INVITE that was accepted, which its ACK repeats (RFC 3261 §22.1).
    pub(crate) proofs: Vec<(Place, String)>,
}

/// Adds an address with its tag, if it has one.
fn push_end(draft: &mut Draft, id: HeaderId, address: &NameAddrBuf, tag: &str) {
    let marked = if tag.is_empty() { "" } else { ";tag=" };
    match address.display {
        // Nothing of it has to be quoted.
        None => draft.push_parts(id, &["<", address.uri.as_str(), ">", marked, tag]),
        Some(_) => draft.push(id, format_args!("{address}{marked}{tag}")),
    }
}

/// Both ends of a request of ours that makes a dialog.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends<'a> {
    /// The Request-URI.
    pub(crate) target: &'a UriBuf,
    pub(crate) from: &'a NameAddrBuf,
    pub(crate) to: &'a NameAddrBuf,
    pub(crate) contact_user: Option<&'a Arc<str>>,
    /// A Route among them becomes the first route set.
    pub(crate) headers: &'a [(HeaderId, Box<str>)],
}

impl DialogState {
    /// The state behind a first request of ours, with a Call-ID and a tag of its own.
    pub(crate) fn ours(step: &mut Step<'_, '_, '_>, id: LegId, ends: Ends<'_>) -> Self {
        let tag = step.cx.guard.token(Purpose::Tag, id.number());
        let call_id = Token::random(step.cx.random);
        let routes = ends
            .headers
            .iter()
            .filter(|(id, _)| *id == HeaderId::Route)
            .filter_map(|(_, value)| NameAddr::parse(value).ok().map(|route| route.uri.to_owned()));
        Self {
            call_id: call_id.as_str().into(),
            local_tag: tag.as_str().into(),
            remote_tag: "".into(),
            local: ends.from.clone(),
            remote: ends.to.clone(),
            contact: OurContact::of_user(ends.contact_user.cloned()),
            account: None,
            path: Path::new(ends.target, routes),
            flow: None,
            source: None,
            verified_name: None,
            secured: false,
            local_cseq: 0,
            remote_cseq: None,
            caller: true,
            proofs: Vec::new(),
            peer: Peer::default(),
        }
    }

    /// The state behind a first request of theirs; `None` if a header that it needs is missing or broken, Contact among
    /// them (RFC 3261 §8.1.1.8, §12.1.1), or the route set is too long.
    pub(crate) fn theirs(step: &mut Step<'_, '_, '_>, id: LegId, inbound: &Inbound) -> Option<Self> {
        let message = &inbound.message;
        let request_uri = message.request_target().ok()?;
        let routes = step.recorded(message).ok()?;
        Some(Self {
            call_id: message.call_id().ok()?.into(),
            local_tag: step.cx.guard.token(Purpose::Tag, id.number()).as_str().into(),
            remote_tag: message.from_tag().unwrap_or_default().into(),
            local: message.to().ok()?.to_owned(),
            remote: message.from().ok()?.to_owned(),
            contact: OurContact::of_user(request_uri.user().map(Arc::from)),
            account: None,
            path: Path::new(&message.contact().ok()??.uri.to_owned(), routes),
            flow: Some(inbound.origin.flow),
            source: Some(inbound.origin.source),
            verified_name: inbound.origin.verified_name(),
            secured: inbound.origin.transport.is_secure(),
            local_cseq: 0,
            remote_cseq: Some(message.cseq().ok()?.number),
            caller: false,
            proofs: Vec::new(),
            peer: step.pending.peers.read(message),
        })
    }

    /// The dialog as its peer would name it in Replaces.
    pub(crate) fn identity(&self) -> DialogIdentity {
        DialogIdentity {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone(),
        }
    }

    /// Whether a request of the peer names this dialog; our tag was compared before (RFC 3261 §12.2.2,
    /// TR-125).
    pub(crate) fn matches(&self, request: &Message) -> bool {
        request.call_id().is_ok_and(|call_id| call_id == &*self.call_id)
            && request.from_tag().unwrap_or_default() == &*self.remote_tag
    }

    /// Starts the next request with a number of its own, stamped now because it is sent now (TR-190). `None`
    /// when the numbers have run out.
    pub(crate) fn next(&mut self, method: Method) -> Option<Draft> {
        self.next_number().map(|number| self.draft(method, number))
    }

    /// The number for a request that goes out again; `None` when the numbers have run out.
    pub(crate) fn next_number(&mut self) -> Option<u32> {
        if self.local_cseq >= LAST_CSEQ {
            return None;
        }
        self.local_cseq += 1;
        Some(self.local_cseq)
    }

    /// Starts a request with a given number: an ACK (RFC 3261 §13.2.2.4), which has the credentials of its INVITE.
    pub(crate) fn draft(&self, method: Method, cseq: u32) -> Draft {
        let mut draft = self.path.draft(method);
        draft.push_parts(HeaderId::MaxForwards, &[MAX_FORWARDS]);
        push_end(&mut draft, HeaderId::From, &self.local, &self.local_tag);
        push_end(&mut draft, HeaderId::To, &self.remote, &self.remote_tag);
        draft.push_parts(HeaderId::CallId, &[&self.call_id]);
        draft.push_cseq(cseq);
        for (place, value) in self.proofs.iter().filter(|_| method == Method::Ack) {
            draft.push(place.credentials(), value);
        }
        draft
    }

    /// Takes the number of a request of the peer; `false` if it is not higher than the last one (TR-191).
    pub(crate) fn take_cseq(&mut self, number: u32) -> bool {
        let rising = self.remote_cseq.is_none_or(|last| number > last);
        if rising {
            self.remote_cseq = Some(number);
        }
        rising
    }

    /// Takes the remote target from a message that refreshes it (TR-235, TR-236). A message without a usable
    /// Contact changes nothing, because RFC 3261 §12.2.1.2 replaces the target only "by the URI in that
    /// Contact"; nor does one that names its sender's own machine, which for us is another one (EC-51).
    pub(crate) fn refresh(&mut self, message: &Message) {
        if let Ok(Some(contact)) = message.contact()
            && !self.is_unreachable(contact.uri.host())
        {
            self.path.refresh(&contact.uri.to_owned());
        }
    }

    /// Whether a host means the machine of whoever looks it up, and the peer is heard from elsewhere.
    fn is_unreachable(&self, host: Host<'_>) -> bool {
        let own = match host {
            Host::Name(name) => name.eq_ignore_ascii_case("localhost"),
            Host::V4(address) => address.is_loopback() || address.is_unspecified(),
            Host::V6(address) => address.to_canonical().is_loopback() || address.is_unspecified(),
        };
        own && self.source.is_some_and(|source| !source.ip().to_canonical().is_loopback())
    }

    /// Takes the flow and the address that a message of the peer came on.
    pub(crate) fn heard(&mut self, origin: &Origin) {
        self.flow = Some(origin.flow);
        self.source = Some(origin.source);
        self.verified_name = origin.verified_name();
        self.secured = origin.transport.is_secure();
    }
}
