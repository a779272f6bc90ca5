//! What a scripted party knows of one of its dialogs.

use std::net::SocketAddr;

use sip_message::{HeaderId, Message, Method};

use super::Way;

#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    /// Our From as a caller, or To as who was called, with our tag.
    pub(super) local: String,
    /// The other side's, with its tag once it is known.
    remote: String,
    /// The other side's Contact.
    pub(super) target: String,
    pub(super) peer: Way,
    cseq: u32,
    /// The last INVITE that we sent.
    pub(super) invite: Option<Message>,
}

impl Dialog {
    pub(super) fn new(call_id: String, local: String, remote: String, target: String, peer: Way) -> Self {
        Self { call_id, local, remote, target, peer, cseq: 0, invite: None }
    }

    /// Takes the other side's tag and Contact from a message of its.
    pub(super) fn learn(&mut self, message: &Message) {
        if message.is_response() && message.to_tag().is_some() && self.remote_tag().is_empty() {
            message.first(HeaderId::To).unwrap_or_default().clone_into(&mut self.remote);
        }
        if let Ok(Some(contact)) = message.contact() {
            self.target = contact.uri.to_string();
        }
    }

    pub(super) fn local_tag(&self) -> &str {
        tag(&self.local)
    }

    pub(super) fn remote_tag(&self) -> &str {
        tag(&self.remote)
    }

    /// A request up to its own headers, with another From line if one is given. A CANCEL names the last INVITE.
    pub(super) fn request(
        &mut self,
        method: &str,
        address: SocketAddr,
        branch: &str,
        from: Option<&str>,
    ) -> String {
        let cancelled = self.invite.as_ref().filter(|_| method == "CANCEL");
        let branch = cancelled
            .and_then(|invite| invite.top_via().ok()?.branch().map(str::to_owned))
            .unwrap_or_else(|| branch.to_owned());
        let cseq = cancelled.and_then(|invite| Some(invite.cseq().ok()?.number));
        let cseq = cseq.unwrap_or_else(|| {
            self.cseq += 1;
            self.cseq
        });
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/{} {address};branch={branch}\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n",
            self.target,
            self.peer.transport.via_name(),
            from.unwrap_or(&self.local),
            self.remote,
            self.call_id
        )
    }

    /// ACK for a final response to an INVITE of ours: with the branch of the INVITE if that failed.
    pub(super) fn ack(&self, response: &Message, address: SocketAddr, branch: &str) -> Option<String> {
        let succeeded = response.status()?.is_success();
        let via = response.top_via().ok()?;
        let branch = if succeeded { branch } else { via.branch()? };
        let cseq = response.cseq().ok().filter(|cseq| cseq.method == Method::Invite)?.number;
        let uri = match &self.invite {
            Some(invite) if !succeeded => invite.request_uri()?,
            _ => &self.target,
        };
        Some(format!(
            "ACK {uri} SIP/2.0\r\nVia: SIP/2.0/{} {address};branch={branch}\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: {cseq} ACK\r\nMax-Forwards: 70\r\n",
            self.peer.transport.via_name(),
            self.local,
            response.first(HeaderId::To)?,
            self.call_id
        ))
    }
}

fn tag(value: &str) -> &str {
    value.split_once(";tag=").map_or("", |(_, tag)| tag.split(';').next().unwrap_or_default())
}
