//! A registrar that both ends can use: it answers what it is told to, repeats itself, and keeps bindings (RFC 3261 §10.3).

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use bytes::Bytes;
use dialog_core::RegistrationEvent;
use sip_message::{HeaderId, Message, Response, StatusCode, Via};
use sip_transport::Tick;

/// The realm that it speaks for.
pub(crate) const REALM: &str = "example.com";

/// What it grants where it was not told otherwise, in seconds.
pub(crate) const USUAL: u32 = 3_600;

/// Where it is.
pub(crate) fn address() -> SocketAddr {
    ([192, 0, 2, 40], 5060).into()
}

/// How it answers a REGISTER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// 200, for so many seconds at most.
    Grant(u32),
    /// 200, with the binding of somebody else only.
    Forget,
    /// 401 with a nonce that is new; the one before is stale.
    Challenge,
    /// 423 with Min-Expires.
    TooBrief(u32),
    /// 503 with Retry-After.
    Busy(u32),
    /// Another status.
    Refuse(u16),
    /// Not at all.
    Silence,
}

/// What passes between an end and the registrar, and what the end is told of its registrations.
#[derive(Debug, Clone)]
pub(crate) enum Passed {
    /// A REGISTER left, lost or not.
    Sent(Message),
    /// A response came.
    Got(Message),
    /// The flow to the registrar ended.
    Broken,
    /// The end's layer above was told.
    Told(RegistrationEvent),
}

/// The registrar.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    /// What it answers next; then [`Verdict::Grant`].
    pub(crate) verdicts: VecDeque<Verdict>,
    /// By Call-ID, until when a binding stands, and the number of the REGISTER that made it.
    bindings: BTreeMap<String, (Tick, u32)>,
    /// By branch, what was answered.
    answered: BTreeMap<String, Option<Bytes>>,
    nonces: u32,
}

impl Registrar {
    /// Whether it holds a binding of this Call-ID.
    pub(crate) fn holds(&self, call_id: &str, now: Tick) -> bool {
        self.bindings.get(call_id).is_some_and(|(until, _)| *until > now)
    }

    /// Takes a REGISTER; the response.
    pub(crate) fn receive(&mut self, now: Tick, wire: &Bytes) -> Option<Bytes> {
        let register = Message::parse(wire.clone()).expect("what we send can be read");
        let via = register.vias().next().expect("a Via");
        let branch = Via::parse(via).expect("a Via").branch().expect("a branch").to_owned();
        if let Some(answered) = self.answered.get(&branch) {
            return answered.clone();
        }
        let verdict = self.verdicts.pop_front().unwrap_or(Verdict::Grant(USUAL));
        let answered = self.answer(now, &register, verdict);
        self.answered.insert(branch, answered.clone());
        answered
    }

    fn answer(&mut self, now: Tick, register: &Message, verdict: Verdict) -> Option<Bytes> {
        let call_id = register.call_id().expect("a Call-ID");
        let number = register.cseq().expect("a CSeq").number;
        let contact = register.first(HeaderId::Contact).expect("a Contact");
        let contact = contact.split(";expires=").next().unwrap_or_default();
        let asked = register.expires().expect("a duration");
        let respond = |status: u16| {
            Response::to(register, StatusCode::new(status).expect("a status")).to_tag("registrar")
        };
        // A REGISTER that was overtaken fails (RFC 3261 §10.3, step 7).
        let overtaken = self.bindings.get(call_id).is_some_and(|(_, last)| *last >= number);
        let response = match verdict {
            Verdict::Silence => return None,
            _ if overtaken => respond(500),
            Verdict::Grant(_) | Verdict::Forget if asked == 0 => {
                self.bindings.insert(call_id.to_owned(), (now, number));
                respond(200)
            }
            Verdict::Grant(most) => {
                let granted = asked.min(most);
                let until = now.after(Duration::from_secs(granted.into()));
                self.bindings.insert(call_id.to_owned(), (until, number));
                respond(200).contact(&format!("{contact};expires={granted}"))
            }
            Verdict::Forget => respond(200).contact("<sip:somebody@192.0.2.99>;expires=600"),
            Verdict::Challenge => {
                self.nonces += 1;
                let nonce = self.nonces;
                respond(401).header(
                    HeaderId::WwwAuthenticate,
                    format_args!(
                        "Digest realm=\"{REALM}\", nonce=\"n{nonce}\", qop=\"auth\", algorithm=SHA-256, stale=TRUE"
                    ),
                )
            }
            Verdict::TooBrief(least) => respond(423).header(HeaderId::MinExpires, least),
            Verdict::Busy(after) => respond(503).header(HeaderId::RetryAfter, after),
            Verdict::Refuse(status) => respond(status),
        };
        Some(response.encode().expect("a response"))
    }
}
