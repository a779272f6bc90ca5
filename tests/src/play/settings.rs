//! How the engine of a party is set up.

use media_core::Source;
use session_core::engine::{EngineConfig, MediaMode};
use sip_message::{NameAddrBuf, UriBuf};
use sip_transport::Transport;

use crate::{
    node::Node,
    scenario::{Party, Scenario},
};

/// The SIP URI of a party: its name at its address, by the first of the transports that it listens by.
///
/// # Panics
///
/// If the name cannot stand in a URI; the scenario's reader takes only words that can.
pub fn uri_of(number: usize, party: &Party) -> UriBuf {
    uri_by(number, party, party.listens.first().copied())
}

/// The same as `caller` would write it: by the first of those transports that the caller has, too.
///
/// # Panics
///
/// As [`uri_of`].
pub fn uri_for(caller: &Party, number: usize, party: &Party) -> UriBuf {
    uri_by(number, party, Some(transport_for(caller, party)))
}

/// By what `caller` reaches a party: the first of its transports that the caller has, too.
pub(super) fn transport_for(caller: &Party, party: &Party) -> Transport {
    let shared = party.listens.iter().find(|transport| caller.listens.contains(transport));
    shared.or(party.listens.first()).copied().unwrap_or(Transport::Udp)
}

fn uri_by(number: usize, party: &Party, transport: Option<Transport>) -> UriBuf {
    let first = transport.unwrap_or(Transport::Udp);
    let parameter = match first {
        Transport::Udp => String::new(),
        stream => format!(";transport={}", stream.via_name().to_ascii_lowercase()),
    };
    let uri = format!("sip:{}@{}{parameter}", party.name, Node::listens_at(number, first));
    // invariant: names of parties are single words that were read by the scenario's reader.
    uri.parse().expect("invariant: a URI of a name and an address")
}

/// The tone that a party sends, in Hz.
pub fn tone_of(party: usize) -> u16 {
    [440, 600, 800, 1000][party % 4]
}

pub(super) fn config(scenario: &Scenario, number: usize, party: &Party) -> EngineConfig {
    let mut policy = party.policy.clone();
    // invariant: a block of documentation addresses (RFC 5737), written correctly.
    policy.targets.networks.push("192.0.2.0/24".parse().expect("invariant: a network"));
    let mut config = EngineConfig::new(NameAddrBuf::from(uri_of(number, party)));
    config.ring_limit = policy.ring_limit;
    config.policy = policy;
    config.media = if scenario.rtp { MediaMode::On } else { MediaMode::Off };
    config.source = Source::Tone { hz: tone_of(number) };
    config.hold_before_transfer = party.hold;
    config.refer = party.refer.clone();
    config.audio.srtp = party.srtp;
    config.keys = party.keys.clone();
    config.authentication.clone_from(&party.authentication);
    config.reliability = party.reliability;
    config.session_timers = party.session_timers;
    if let Some(length) = party.user_agent {
        config.user_agent = Some("x".repeat(length).into());
    }
    config
}
