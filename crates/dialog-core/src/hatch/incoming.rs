//! Requests of theirs that go up.

use std::sync::Arc;

use sip_message::{HeaderId, InfoPackage, Message, Method, StatusCode};
use sip_transport::{Inbound, Purpose, TimerOp};
use transaction_core::TxId;

use crate::{
    boundary::{
        DialogOutput,
        leg::{LegId, Misuse},
        package::Body,
        request::{IncomingRequest, RequestEvent, RequestFailure, RequestId},
    },
    pending::Server,
    state::DialogState,
    step::Step,
    timer::DialogTimer,
};

/// A request of theirs that waits for its answer.
#[derive(Debug)]
pub(super) struct Incoming {
    tx: TxId,
    inbound: Inbound,
    local_tag: Box<str>,
}

/// What becomes of an INFO by its package (RFC 6086 §4.2.2).
enum Info<'a> {
    /// No package, as before RFC 6086: digits, pictures.
    Plain,
    /// One that is taken.
    Package(&'a str),
    /// Another one: 469.
    Unknown,
}

impl Step<'_, '_, '_> {
    /// Passes up a request, in a dialog (with its leg, if that lives) or outside.
    pub(crate) fn passed_up(
        &mut self,
        tx: TxId,
        inbound: Inbound,
        method: Method,
        dialog: Option<(Option<LegId>, &DialogState)>,
        user: Option<Arc<str>>,
    ) {
        let id: RequestId = self.cx.ids.mint();
        let local_tag: Box<str> = if let Some((_, state)) = dialog {
            (*state.local_tag).into()
        } else {
            // A tag that belongs to nothing (RFC 3261 §8.2.6.2).
            let nobody: LegId = self.cx.ids.mint();
            self.cx.guard.token(Purpose::Tag, nobody.number()).as_str().into()
        };
        let message = inbound.message.clone();
        let leg = dialog.and_then(|(leg, _)| leg);
        // INFO belongs to a call (RFC 6086 §4.1).
        if method == Method::Info && leg.is_none() {
            self.respond(tx, &inbound, StatusCode::CALL_DOES_NOT_EXIST, &local_tag, |response| response);
            return;
        }
        let info_package = match self.info(method, &message) {
            Info::Plain => None,
            Info::Package(name) => Some(name.into()),
            Info::Unknown => {
                let capabilities = self.capabilities;
                self.respond(tx, &inbound, StatusCode::BAD_INFO_PACKAGE, &local_tag, |response| {
                    capabilities.recv_info(response)
                });
                return;
            }
        };
        let Ok(from) = message.from().map(|from| from.to_owned()) else {
            self.respond(tx, &inbound, StatusCode::BAD_REQUEST, &local_tag, |response| response);
            return;
        };
        if self.pending.hatch.theirs.len() >= self.config.open_requests {
            return self.respond_overloaded(tx, &inbound, &local_tag);
        }
        let incoming = IncomingRequest {
            leg,
            method,
            from,
            source: inbound.origin.source,
            verified_name: inbound.origin.verified_name(),
            verified_user: user,
            info_package,
            message,
        };
        self.pending.servers.insert(tx, Server::Request(id));
        self.pending.hatch.theirs.insert(id, Incoming { tx, inbound, local_tag });
        let limit = self.config.answer_limit;
        self.out.push(DialogOutput::Timer(TimerOp::Arm(DialogTimer::Request(id), limit)));
        self.told(id, RequestEvent::Incoming(Box::new(incoming)));
    }

    fn info<'m>(&self, method: Method, message: &'m Message) -> Info<'m> {
        let Some(value) = message.first(HeaderId::InfoPackage).filter(|_| method == Method::Info) else {
            return Info::Plain;
        };
        match InfoPackage::parse(value) {
            Ok(package) if self.config.info_packages.iter().any(|ours| package.is(ours)) => {
                Info::Package(package.name)
            }
            Ok(_) | Err(_) => Info::Unknown,
        }
    }

    /// Answers a request of theirs.
    pub(super) fn answer_request(
        &mut self,
        id: RequestId,
        status: StatusCode,
        headers: &[(HeaderId, Box<str>)],
        body: Option<&Body>,
    ) {
        if !status.is_final() {
            return self.request_misused(id, Misuse::State);
        }
        let Some(incoming) = self.take_incoming(id) else {
            return self.request_misused(id, Misuse::Unknown);
        };
        let Incoming { tx, inbound, local_tag } = incoming;
        let capabilities = self.capabilities;
        self.respond(tx, &inbound, status, &local_tag, |response| {
            let response = match status {
                StatusCode::METHOD_NOT_ALLOWED => capabilities.allow(response),
                StatusCode::BAD_INFO_PACKAGE => capabilities.recv_info(response),
                _ => response,
            };
            let response = headers.iter().fold(response, |response, (id, value)| response.header(*id, value));
            match body {
                Some(body) => response.body(&body.content_type, &body.content),
                None => response,
            }
        });
    }

    /// Nobody has answered in time.
    pub(crate) fn request_unanswered(&mut self, id: RequestId) {
        let Some(Incoming { tx, inbound, local_tag }) = self.take_incoming(id) else { return };
        self.respond(tx, &inbound, StatusCode::SERVER_INTERNAL_ERROR, &local_tag, |response| response);
        self.request_over(id, RequestFailure::TimedOut);
    }

    /// The transaction is over without an answer.
    pub(crate) fn request_lost(&mut self, id: RequestId) {
        if self.take_incoming(id).is_some() {
            self.request_over(id, RequestFailure::Unreachable);
        }
    }

    fn take_incoming(&mut self, id: RequestId) -> Option<Incoming> {
        let incoming = self.pending.hatch.theirs.remove(&id)?;
        self.pending.servers.remove(&incoming.tx);
        self.out.push(DialogOutput::Timer(TimerOp::Disarm(DialogTimer::Request(id))));
        Some(incoming)
    }
}
