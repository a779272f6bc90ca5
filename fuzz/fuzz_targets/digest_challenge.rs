//! Any text as a challenge to a call of ours and as the credentials of a call of theirs: nothing panics, no request goes out
//! more than three times, no password stands on the wire, and nobody is verified by chance.

#![no_main]

use bytes::Bytes;
use dialog_core::{
    Authentication, Credential, DialogCommand, DialogConfig, DialogEvent, DialogOutput, Dialogs, Invite,
    Keyring, LegCommand, LegEvent, Secret, Users,
};
use libfuzzer_sys::fuzz_target;
use sip_message::{Challenge, Credentials, HeaderId, Message, Method};
use sip_transport::{
    Cx, FlowId, Guard, Hop, Hops, IdMint, Inbound, Origin, Outbox, Random, Tick, Transport, UnixTime,
};
use transaction_core::{TxCommand, TxEvent, TxId};

const PASSWORD: &str = "squeamish-ossifrage";
const REALM: &str = "example.com";

struct Seeded(u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

fn hop() -> Hop {
    Hop {
        flow: FlowId::from(1),
        transport: Transport::Udp,
        remote: ([192, 0, 2, 20], 5060).into(),
        local: ([192, 0, 2, 1], 5060).into(),
        above: None,
        alias: false,
    }
}

fn origin() -> Origin {
    Origin {
        flow: FlowId::from(1),
        transport: Transport::Udp,
        source: hop().remote,
        local: hop().local,
        peer: None,
    }
}

struct World {
    dialogs: Dialogs,
    guard: Guard,
    ids: IdMint,
    random: Seeded,
    outbox: Outbox<DialogOutput>,
    sent: Vec<(TxId, Message)>,
    answered: Vec<Message>,
}

impl World {
    fn new() -> Self {
        let mut random = Seeded(1);
        let mut keys = Keyring::new();
        keys.add(Credential::of_realm(REALM, "alice", Secret::password(PASSWORD))).expect("room");
        let account = "sip:alice@example.com".parse().expect("a URI");
        keys.add(Credential::of_account(account, "alice", Secret::password(PASSWORD))).expect("room");
        let mut users = Users::new();
        users.add("alice", Secret::password(PASSWORD)).expect("room");
        let authentication = Some(Authentication::new(REALM, users).with_hashed_names());
        Self {
            dialogs: Dialogs::new(DialogConfig { keys, authentication, ..DialogConfig::default() }),
            guard: Guard::new(&mut random),
            ids: IdMint::default(),
            random,
            outbox: Outbox::default(),
            sent: Vec::new(),
            answered: Vec::new(),
        }
    }

    fn step(
        &mut self,
        act: impl FnOnce(&mut Dialogs, &mut Cx<'_>, &mut sip_transport::Out<'_, DialogOutput>),
    ) {
        let mut cx = Cx {
            now: Tick::default(),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        act(&mut self.dialogs, &mut cx, &mut self.outbox.out());
        while let Some(output) = self.outbox.pop() {
            self.take(output);
        }
    }

    fn take(&mut self, output: DialogOutput) {
        match output {
            DialogOutput::Transaction(TxCommand::Route(route)) => {
                let event = TxEvent::Routed { route: route.route, result: Ok(Hops::from_elem(hop(), 1)) };
                self.step(|dialogs, cx, out| dialogs.receive(cx, event, out));
            }
            DialogOutput::Transaction(TxCommand::Request { tx, draft, .. }) => {
                let contact = draft.contact_user_wanted().map(|user| hop().contact(user, false));
                let wire = draft.encode(&hop().via("z9hG4bKf"), contact.as_deref()).expect("a request");
                self.sent.push((tx, Message::parse(wire).expect("a message")));
            }
            DialogOutput::Transaction(TxCommand::Respond { wire, .. }) => {
                self.answered.push(Message::parse(wire).expect("a message"));
            }
            DialogOutput::Event(DialogEvent::Leg(leg, LegEvent::NeedDescription { .. })) => {
                let body = Ok(Bytes::from_static(b"v=0"));
                let command = DialogCommand::Leg(leg, LegCommand::Describe { body });
                self.step(|dialogs, cx, out| dialogs.command(cx, command, out));
            }
            DialogOutput::Event(DialogEvent::Leg(_, LegEvent::Incoming(call))) => {
                assert!(call.verified_user.is_none(), "nobody knows the key of this nonce");
                panic!("a call without proof");
            }
            _ => {}
        }
    }

    /// Places a call and challenges each of its tries.
    fn challenged(&mut self, lines: &[&str]) {
        let leg = self.ids.mint();
        let invite = Invite {
            offerless: false,
            registration: None,
            target: "sip:bob@192.0.2.20".parse().expect("a URI"),
            to: "<sip:bob@example.com>".parse().expect("an address"),
            from: "<sip:alice@example.com>".parse().expect("an address"),
            contact_user: None,
            headers: Vec::new(),
            extensions: Vec::new(),
            ring_limit: std::time::Duration::from_secs(9),
            redirects: 0,
        };
        self.step(|dialogs, cx, out| {
            dialogs.command(cx, DialogCommand::Place { leg, invite: Box::new(invite) }, out)
        });
        for line in lines.iter().cycle().take(5) {
            let Some((tx, sent)) = self.sent.last().cloned() else { return };
            let Some(response) = response(&sent, line) else { return };
            self.step(|dialogs, cx, out| {
                dialogs.receive(
                    cx,
                    TxEvent::Response { tx, origin: origin(), message: response.into() },
                    out,
                );
            });
        }
        assert!(self.sent.len() <= 3, "{} tries", self.sent.len());
        for (_, message) in &self.sent {
            let wire = message.bytes();
            assert!(!wire.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()));
            for value in [HeaderId::Authorization, HeaderId::ProxyAuthorization]
                .into_iter()
                .flat_map(|id| message.all(id))
            {
                let digest = Credentials::parse(value).expect("credentials").digest().expect("a digest");
                assert_eq!(Some(&*digest.uri()), message.request_uri());
            }
        }
    }

    /// A call of theirs that shows these credentials.
    fn shown(&mut self, line: &str) {
        let text = format!(
            "INVITE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKp\r\n\
             From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>\r\nCall-ID: theirs\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:bob@192.0.2.20>\r\nAuthorization: {line}\r\nContent-Length: 0\r\n\r\n"
        );
        let Ok(message) = Message::parse(Bytes::from(text)) else { return };
        if message.method() != Some(Method::Invite) || message.all(HeaderId::Authorization).count() != 1 {
            return;
        }
        let via = message.vias().next().map(Into::into);
        let tx = self.ids.mint();
        let inbound = Inbound { origin: origin(), via, message: message.into(), reply: hop() };
        self.step(|dialogs, cx, out| dialogs.receive(cx, TxEvent::Request { tx, inbound }, out));
        let answer = self.answered.pop().expect("an answer");
        let challenges = answer.all(HeaderId::WwwAuthenticate);
        assert!(
            challenges.clone().all(|value| Challenge::parse(value).expect("a challenge").digest().is_some())
        );
    }
}

/// A 401 with the line as a challenge, written as it is.
fn response(sent: &Message, line: &str) -> Option<Message> {
    let (via, from, to) = (sent.vias().next()?, sent.first(HeaderId::From)?, sent.first(HeaderId::To)?);
    let (call_id, cseq) = (sent.first(HeaderId::CallId)?, sent.first(HeaderId::CSeq)?);
    let text = format!(
        "SIP/2.0 401 Unauthorized\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=x\r\nCall-ID: {call_id}\r\n\
         CSeq: {cseq}\r\nWWW-Authenticate: {line}\r\nProxy-Authenticate: {line}\r\nContent-Length: 0\r\n\r\n"
    );
    Message::parse(Bytes::from(text)).ok()
}

fuzz_target!(|text: &str| {
    if text.contains(['\r', '\0']) {
        return;
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut world = World::new();
    world.challenged(&lines);
    for line in lines.iter().take(8) {
        world.shown(line);
    }
});
