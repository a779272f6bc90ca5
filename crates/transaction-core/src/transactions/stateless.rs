//! Responses without a transaction (RFC 3261 §8.2.7).

use sip_message::{HeaderId, ParseError, Response, StatusCode};
use sip_transport::{Cx, Inbound, Out, Outbound};

use super::Transactions;
use crate::boundary::TxOutput;

/// What a client is asked to wait after a 503 for a full table, in seconds: long enough for a share of the 32 s
/// transactions to end, short enough not to be taken for an outage (RFC 3261 §21.5.4).
const RETRY_AFTER: u32 = 5;

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
        let response = Response::to(&inbound.message, fault.status()).reason(&fault.reason_phrase());
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

    fn send_answer(
        &mut self,
        cx: &Cx<'_>,
        inbound: &Inbound,
        key: u128,
        response: Response,
        tag: Option<&str>,
        out: &mut Out<'_, TxOutput>,
    ) {
        let made = format!("{:016x}", cx.guard.digest(&[b"tag", &key.to_be_bytes()]) as u64);
        let mut response = response.to_tag(tag.unwrap_or(&made));
        if let Some(via) = &inbound.via {
            response = response.top_via(via);
        }
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            response = response.header(HeaderId::RetryAfter, RETRY_AFTER);
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
