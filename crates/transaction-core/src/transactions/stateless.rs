//! Responses without a transaction (RFC 3261 §8.2.7).

use sip_message::{HeaderId, ParseError, Response, StatusCode};
use sip_transport::{Cx, Inbound, Out, Outbound};

use super::Transactions;
use crate::boundary::TxOutput;

impl Transactions {
    /// Refuses a request that breaks the rules; the phrase names the rule (RFC 3261 §21.4.1).
    pub(super) fn refuse(
        &mut self,
        cx: &Cx<'_>,
        inbound: &Inbound,
        key: u128,
        fault: ParseError,
        out: &mut Out<'_, TxOutput>,
    ) {
        self.counters.bad_requests += 1;
        let reason = fault.reason_phrase();
        let response = Response::to(&inbound.message, fault.status()).reason(&reason);
        self.send_answer(cx, inbound, key, response, None, out);
    }

    /// Answers a request; without a given To tag the tag follows from the request's key, so that it is the same each time.
    pub(super) fn answer(
        &mut self,
        cx: &Cx<'_>,
        inbound: &Inbound,
        key: u128,
        status: StatusCode,
        tag: Option<&str>,
        out: &mut Out<'_, TxOutput>,
    ) {
        self.send_answer(cx, inbound, key, Response::to(&inbound.message, status), tag, out);
    }

    /// Refuses a request because the table is full, and asks the client to come back when there is room again
    /// (RFC 3261 §21.5.4).
    pub(super) fn refuse_for_now(
        &mut self,
        cx: &mut Cx<'_>,
        inbound: &Inbound,
        key: u128,
        limit: usize,
        out: &mut Out<'_, TxOutput>,
    ) {
        let over = self.len().saturating_sub(limit);
        let seconds = self.drain.refused(cx.now, over, cx.random);
        let response = Response::to(&inbound.message, StatusCode::SERVICE_UNAVAILABLE)
            .header(HeaderId::RetryAfter, seconds);
        self.send_answer(cx, inbound, key, response, None, out);
    }

    fn send_answer(
        &mut self,
        cx: &Cx<'_>,
        inbound: &Inbound,
        key: u128,
        response: Response<'_>,
        tag: Option<&str>,
        out: &mut Out<'_, TxOutput>,
    ) {
        let own = if tag.is_none() { Some(tag_of(cx, key)) } else { None };
        let mut response = response;
        if let Some(tag) = tag.or(own.as_deref()) {
            response = response.to_tag(tag);
        }
        if let Some(via) = &inbound.via {
            response = response.top_via(via);
        }
        if let Some(name) = &self.config.server_name {
            response = response.header(HeaderId::Server, name);
        }
        match response.encode() {
            Ok(wire) => out.push(TxOutput::Send(Outbound { hop: inbound.reply, wire })),
            Err(_) => self.counters.unanswerable += 1,
        }
    }
}

/// The To tag of responses that are made here.
pub(super) fn tag_of(cx: &Cx<'_>, key: u128) -> Box<str> {
    format!("{:016x}", cx.guard.digest(&[b"tag", &key.to_be_bytes()]) as u64).into()
}
