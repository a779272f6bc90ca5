//! Responses and the headers that say what we can do.

use bytes::Bytes;
use sip_message::{Block, Draft, HeaderId, Method, Response, StatusCode};
use sip_transport::{Inbound, Purpose, Token};
use transaction_core::{TxCommand, TxId};

use crate::{boundary::leg::LegId, config::DialogConfig, step::Step};

/// The body type of a session description.
pub(crate) const SDP: &str = "application/sdp";

/// The event package of a REFER's subscription (RFC 3515 §3).
pub(crate) const REFER_PACKAGE: &str = "refer";

/// Seconds for Retry-After when a table is full: long enough for calls to end, short enough for a caller to
/// wait.
pub(crate) const OVERLOAD_RETRY: u32 = 10;

/// What we can do, printed once.
#[derive(Debug)]
pub(crate) struct Capabilities {
    /// Allow, Supported, Allow-Events and Recv-Info.
    all: Block,
    allow: Box<str>,
    allow_events: Option<Box<str>>,
    recv_info: Option<Box<str>>,
}

/// Names in a header; `None` without any.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Option<Box<str>> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| names.join(", ").into())
}

fn names(list: &[Box<str>]) -> impl Iterator<Item = &str> {
    list.iter().map(|name| &**name)
}

impl Capabilities {
    pub(crate) fn of(config: &DialogConfig) -> Self {
        let allow: Vec<String> = config.allow().map(|method| method.to_string()).collect();
        let allow = allow.join(", ");
        let supported = listed(config.option_tags());
        let allow_events =
            listed(config.refer.then_some(REFER_PACKAGE).into_iter().chain(names(&config.packages)));
        let recv_info = listed(names(&config.info_packages));
        let lists = [
            (HeaderId::Supported, &supported),
            (HeaderId::AllowEvents, &allow_events),
            (HeaderId::RecvInfo, &recv_info),
        ];
        let all = lists
            .into_iter()
            .filter_map(|(id, list)| Some((id, list.as_deref()?)))
            .fold(Block::default().header(HeaderId::Allow, &allow), |block, (id, list)| {
                block.header(id, list)
            });
        Self { all, allow: allow.into(), allow_events, recv_info }
    }

    /// Adds Allow, Supported, Allow-Events and Recv-Info to a request (TR-034, TR-055).
    pub(crate) fn on_request(&self, draft: Draft) -> Draft {
        draft.block(&self.all)
    }

    /// Adds Allow, Supported, Allow-Events and Recv-Info to a response.
    pub(crate) fn on_response<'m>(&self, response: Response<'m>) -> Response<'m> {
        response.block(&self.all)
    }

    /// Adds Allow (RFC 3261 §8.2.1).
    pub(crate) fn allow<'m>(&self, mut response: Response<'m>) -> Response<'m> {
        response.push_parts(HeaderId::Allow, &[&self.allow]);
        response
    }

    /// Adds Recv-Info, empty if there are none (RFC 6086 §4.2.2, §5.2.3).
    pub(crate) fn recv_info<'m>(&self, response: Response<'m>) -> Response<'m> {
        response.header(HeaderId::RecvInfo, self.recv_info.as_deref().unwrap_or_default())
    }

    /// Adds Allow-Events, if there are any (RFC 6665 §4.1.3, TR-044).
    pub(crate) fn allow_events<'m>(&self, response: Response<'m>) -> Response<'m> {
        match &self.allow_events {
            Some(packages) => response.header(HeaderId::AllowEvents, packages),
            None => response,
        }
    }
}

impl Step<'_, '_, '_> {
    /// Answers a request with a tag of ours and whatever `dress` adds.
    ///
    /// Gives the bytes that were sent. If a value given from above cannot stand in a header, a bare 500 is
    /// sent instead and `None` comes back: the peer must not wait for the mistake of a caller.
    pub(crate) fn respond<'m>(
        &mut self,
        tx: TxId,
        inbound: &'m Inbound,
        status: StatusCode,
        local_tag: &'m str,
        dress: impl FnOnce(Response<'m>) -> Response<'m>,
    ) -> Option<Bytes> {
        let plain = |status| {
            let response = Response::to(&inbound.message, status).to_tag(local_tag);
            match &inbound.via {
                Some(via) => response.top_via(via),
                None => response,
            }
        };
        let mut signed = plain(status);
        if let Some(name) = &self.config.user_agent {
            signed.push_parts(HeaderId::Server, &[name]);
        }
        let info = if status.is_final() { self.pending.proved.remove(&tx) } else { None };
        if let Some(info) = info.filter(|_| status.is_success()) {
            signed = signed.header(HeaderId::AuthenticationInfo, info);
        }
        if let Ok(wire) = dress(signed).encode() {
            self.transaction(TxCommand::Respond { tx, status, wire: wire.clone() });
            return Some(wire);
        }
        // A bare response holds only what was parsed; should even that fail, the transaction ends by its own
        // timer.
        if let Ok(wire) = plain(StatusCode::SERVER_INTERNAL_ERROR).encode() {
            self.transaction(TxCommand::Respond { tx, status: StatusCode::SERVER_INTERNAL_ERROR, wire });
        }
        None
    }

    /// Answers a request outside any dialog: with a tag that belongs to nothing (RFC 3261 §8.2.6.2).
    pub(crate) fn respond_outside(
        &mut self,
        tx: TxId,
        inbound: &Inbound,
        status: StatusCode,
        dress: impl FnOnce(Response<'_>) -> Response<'_>,
    ) {
        let tag = self.tag_of_nobody();
        self.respond(tx, inbound, status, tag.as_str(), dress);
    }

    fn tag_of_nobody(&mut self) -> Token {
        let nobody: LegId = self.cx.ids.mint();
        self.cx.guard.token(Purpose::Tag, nobody.number())
    }

    /// Answers 200 to OPTIONS (RFC 3261 §11.2).
    pub(crate) fn answer_options(&mut self, tx: TxId, inbound: &Inbound, local_tag: Option<&str>) {
        let capabilities = self.capabilities;
        let own = if local_tag.is_none() { Some(self.tag_of_nobody()) } else { None };
        let tag = local_tag.or(own.as_ref().map(Token::as_str)).unwrap_or_default();
        self.respond(tx, inbound, StatusCode::OK, tag, |response| {
            capabilities.on_response(response).header(HeaderId::Accept, SDP)
        });
    }

    /// Adds what an INVITE or REFER of ours says about us.
    pub(crate) fn capable(&self, draft: Draft) -> Draft {
        self.capabilities.on_request(draft)
    }
}

/// Whether a method is known to us without being taken (405 instead of 501, RFC 3261 §21.5.2).
pub(crate) fn is_known(method: Method) -> bool {
    !matches!(method, Method::Other(_))
}
