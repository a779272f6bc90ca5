//! What the fuzz target of the dialog layer asks of it and tells it beyond calls and transfers: other requests, registrations,
//! reliable responses, challenges.

use std::time::Duration;

use dialog_core::{
    Account, Body, Credential, DialogCommand, DialogConfig, Keyring, LegCommand, Place, RegistrationCommand,
    Reliability, Request, RequestCommand, RequestId, Secret,
};
use sip_message::{HeaderId, Message, Method, Response, StatusCode};
use transaction_core::TxEvent;

use super::{World, origin, pick};

/// A layer that knows everything, and holds little of it.
pub(super) fn config() -> DialogConfig {
    let mut keys = Keyring::new();
    let key = Credential::of_realm("r", "us", Secret::password("p"));
    keys.add(key).expect("there is room for one");
    DialogConfig {
        legs: 8,
        subscriptions: 16,
        open_requests: 8,
        requests: vec![Method::Info, Method::Message, Method::Options],
        info_packages: vec!["p".into()],
        reliability: Reliability::WhenSupported,
        keys,
        ..DialogConfig::default()
    }
}

impl World {
    /// Sends INFO, MESSAGE, OPTIONS or anything else, in a call or outside.
    pub(super) fn send(&mut self, text: &[u8], a: u8, b: u8) {
        let text = String::from_utf8_lossy(text).into_owned();
        // Those with an owner are refused; the last ones are those of the escape hatch.
        let name = ["INFO", "MESSAGE", "OPTIONS", "PUBLISH", "REGISTER", "BYE", "WHAT", "ELSE"][usize::from(b) % 8];
        let method = Method::parse(name).expect("a token");
        let place = match pick(&self.legs, a).filter(|_| a % 2 == 0) {
            Some(leg) => Place::Leg(leg),
            None => Place::Outside {
                target: "sip:bob@192.0.2.20".parse().expect("a URI"),
                to: "<sip:bob@example.com>".parse().expect("an address"),
                from: "<sip:alice@example.com>".parse().expect("an address"),
                registration: None,
            },
        };
        let id: RequestId = self.ids.mint();
        let request = Request {
            place,
            method,
            headers: vec![(HeaderId::InfoPackage, text.as_str().into())],
            extensions: vec![("X-Fuzzed".into(), text.as_str().into())],
            body: (b > 100).then(|| Body { content_type: "text/plain".into(), content: text.into_bytes().into() }),
        };
        self.command(DialogCommand::Request(id, RequestCommand::Send(Box::new(request))));
    }

    pub(super) fn register(&mut self, a: u8, b: u8) {
        let command = match b % 3 {
            0 if self.registrations.len() < 4 => {
                let address = "<sip:alice@example.com>".parse().expect("an address");
                let Ok(mut account) = Account::new(address) else { return };
                account.expires = Duration::from_secs(u64::from(a) * 40);
                if b > 100 {
                    account.instance = Some("urn:uuid:1".into());
                    account.reg_id = Some(u32::from(a));
                }
                self.registrations.push(self.ids.mint());
                RegistrationCommand::Register(Box::new(account))
            }
            1 => RegistrationCommand::Refresh,
            _ => RegistrationCommand::Unregister,
        };
        let which = match &command {
            RegistrationCommand::Register(_) => self.registrations.last().copied(),
            RegistrationCommand::Refresh | RegistrationCommand::Unregister => pick(&self.registrations, a),
        };
        if let Some(id) = which {
            self.command(DialogCommand::Registration(id, command));
        }
    }

    /// Answers a request of ours with what a registrar, a challenger or a reliable callee says.
    pub(super) fn respond_with(&mut self, text: &[u8], a: u8, b: u8) {
        let Some((tx, sent)) = pick(&self.sent, a) else { return };
        let code = [183, 200, 401, 407, 420, 421, 422, 423, 439, 503, 183, 200][usize::from(b) % 12];
        let Some(status) = StatusCode::new(code) else { return };
        let contact = sent.first(HeaderId::Contact).unwrap_or("<sip:bob@192.0.2.20>").to_owned();
        let challenge = format!("Digest realm=\"r\", nonce=\"n{}\", qop=\"auth\", algorithm=SHA-256, stale=TRUE", self.sent.len());
        let text = String::from_utf8_lossy(text);
        let response = Response::to(&sent, status).to_tag("peer").contact(&contact);
        let response = response.header(HeaderId::Allow, "INVITE, UPDATE, PRACK, INFO, REFER");
        let response = match code {
            183 => response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 1 + u32::from(b / 12)),
            401 => response.header(HeaderId::WwwAuthenticate, challenge),
            407 => response.header(HeaderId::ProxyAuthenticate, challenge),
            420 => response.header(HeaderId::Unsupported, "100rel, explicitsub, nosub"),
            421 => response.header(HeaderId::Require, "timer"),
            422 => response.header(HeaderId::MinSe, u32::from(b) * 100),
            423 => response.header(HeaderId::MinExpires, u32::from(b) * 100),
            503 => response.header(HeaderId::RetryAfter, u32::from(b) * 10),
            _ => response.header(HeaderId::ServiceRoute, "<sip:edge.example.com;lr>"),
        };
        let Ok(wire) = response.body("application/sdp", text.as_bytes()).encode() else { return };
        let Ok(message) = Message::parse(wire) else { return };
        if code >= 200 && sent.method() != Some(Method::Invite) {
            self.sent.retain(|(open, _)| *open != tx);
        }
        self.receive(TxEvent::Response { tx, origin: origin(), message: message.into() });
    }

    /// A request of theirs in a call that is up, or rings with a reliable response.
    pub(super) fn their_request(&mut self, text: &[u8], a: u8, b: u8) {
        let methods =
            ["INFO", "UPDATE", "PRACK", "MESSAGE", "OPTIONS", "INVITE", "REFER", "NOTIFY", "SUBSCRIBE", "WHAT", "BYE"];
        let method = methods[usize::from(b) % methods.len()];
        let Some((call_id, from, to)) = pick(&self.tags, a) else { return };
        let (number, text) = (u32::from(a) + u32::from(b), String::from_utf8_lossy(text));
        let request = format!(
            "{method} sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKt{a}{b}\r\n\
             From: <sip:bob@example.com>;tag={from}\r\nTo: <sip:us@example.com>;tag={to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {number} {method}\r\nContact: <sip:bob@192.0.2.21>\r\nRAck: 1 {b} INVITE\r\nEvent: refer\r\n\
             Info-Package: p\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        self.message(request.as_bytes(), a);
    }

    pub(super) fn further_leg_command(&mut self, b: u8) -> LegCommand {
        match b % 4 {
            0 | 1 => LegCommand::Progress,
            2 => LegCommand::Unacceptable { status: StatusCode::NOT_ACCEPTABLE_HERE },
            _ => {
                let subscription = self.ids.mint();
                self.subscriptions.push(subscription);
                let at = "sip:state@192.0.2.20".parse().expect("a URI");
                LegCommand::FollowRefer { subscription, at }
            }
        }
    }
}
