//! Challenges of the peer, and keys that answer them.

use dialog_core::{Credential, DialogConfig, Keyring, LegCommand, LegId, Refer, Secret, SubscriptionId};
use sip_message::{Credentials, HeaderId, Message, Method};
use sip_transport::Origin;
use transaction_core::TxEvent;

use crate::bench::{Bench, Sent, code, origin, uri};

pub(crate) const REALM: &str = "example.com";

/// The value of a challenge.
pub(crate) fn challenge(realm: &str, nonce: &str) -> String {
    format!(
        "Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\", algorithm=SHA-256, opaque=\"o-{nonce}\""
    )
}

/// The same for a nonce that has aged.
pub(crate) fn stale(realm: &str, nonce: &str) -> String {
    challenge(realm, nonce) + ", stale=TRUE"
}

pub(crate) fn keys(credentials: impl IntoIterator<Item = Credential>) -> DialogConfig {
    let mut keys = Keyring::new();
    for credential in credentials {
        keys.add(credential).expect("room");
    }
    DialogConfig { keys, ..DialogConfig::default() }
}

/// One key, for [`REALM`].
pub(crate) fn keyed() -> DialogConfig {
    keys([Credential::of_realm(REALM, "alice", Secret::password("wonderland"))])
}

/// The password of an account, for whatever realm asks.
pub(crate) fn account() -> DialogConfig {
    keys([Credential::of_account(uri("sip:alice@example.com"), "alice", Secret::password("wonderland"))])
}

/// What stands in a digest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) nc: Option<u32>,
}

/// The credentials of a request, of a server or of proxies.
pub(crate) fn shown(message: &Message, id: HeaderId) -> Vec<Shown> {
    message
        .all(id)
        .map(|value| {
            let digest = Credentials::parse(value).expect("credentials").digest().expect("a digest");
            assert_eq!(Some(&*digest.uri()), message.request_uri());
            assert_eq!(digest.username(), "alice");
            Shown { realm: digest.realm().into(), nonce: digest.nonce().into(), nc: digest.nc() }
        })
        .collect()
}

pub(crate) fn used(realm: &str, nonce: &str, nc: u32) -> Shown {
    Shown { realm: realm.into(), nonce: nonce.into(), nc: Some(nc) }
}

pub(crate) fn number(sent: &Sent) -> u32 {
    sent.message.cseq().expect("a CSeq").number
}

impl Bench {
    /// Answers a request of ours by 401 or 407 with these challenges.
    pub(crate) fn challenge(&mut self, sent: &Sent, status: u16, values: &[String]) {
        let id = if status == 401 { HeaderId::WwwAuthenticate } else { HeaderId::ProxyAuthenticate };
        self.reply(sent, status, "challenger", |response| {
            values.iter().fold(response, |response, value| response.header(id, value))
        });
    }

    /// The same from a certain host.
    pub(crate) fn answer_from(&mut self, host: [u8; 4], sent: &Sent, status: u16, value: Option<&str>) {
        let id = if status == 401 { HeaderId::WwwAuthenticate } else { HeaderId::ProxyAuthenticate };
        let response = sip_message::Response::to(&sent.message, code(status)).to_tag("other");
        let response = value.into_iter().fold(response, |response, value| response.header(id, value));
        let message = Message::parse(response.encode().expect("a response")).expect("a message");
        let origin = Origin { source: (host, 5060).into(), ..origin() };
        self.receive(TxEvent::Response { tx: sent.tx, origin, message: message.into() });
    }

    pub(crate) fn refer(&mut self, leg: LegId) -> SubscriptionId {
        let subscription = self.ids.mint();
        let refer_to = uri("sip:carol@example.com");
        self.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(refer_to).into() });
        subscription
    }

    pub(crate) fn hang_up(&mut self, leg: LegId) -> Sent {
        self.leg(leg, LegCommand::HangUp { reason: None });
        self.last_of(Method::Bye)
    }
}
