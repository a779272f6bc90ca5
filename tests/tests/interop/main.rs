//! Independent peers: SIP.js, linphonec, baresip and sipp against patchcord, each on an address of its own with port 5060;
//! kamailio between two of ours, dnsmasq with a zone to find them in; and tshark and sngrep, which read what patchcord has
//! recorded.
//!
//! Runs only with `PATCHCORD_INTEROP=1`, which `cargo xtask interop` sets inside a private network namespace; then a peer
//! that is not installed is a failure. `docs/interop.md` lists what is expected of whom.

mod attended_ours;
mod attended_refused;
mod attended_theirs;
mod baresip;
mod blind;
mod busy;
mod calls;
mod capture;
mod carried;
mod cells;
mod challenged;
mod hostile;
mod kept;
mod keys;
mod kinds;
mod left;
mod linphonec;
mod music;
mod over;
mod overtaking;
mod played;
mod proxy;
mod reasons;
mod registered;
mod registrar;
mod seat;
mod secure;
mod sipp;
mod sipp_tcp;
mod table;
mod transports;
mod tshark;
mod unreferred;
mod websocket;
mod zone;

use std::net::Ipv4Addr;

use patchcord_tests::peer::PeerError;
use serde_json::Value;

type Outcome = Result<(), PeerError>;

/// Whether interoperability is tested; if not, it says so.
fn enabled(test: &str) -> bool {
    let enabled = std::env::var_os("PATCHCORD_INTEROP").is_some_and(|value| value == "1");
    if !enabled {
        println!("{test}: not run, because PATCHCORD_INTEROP is not 1; use `cargo xtask interop`");
    }
    enabled
}

/// The address of a peer in a test: every test has a block of its own, so that tests can run side by side.
fn address(test: u8, peer: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 10, test * 4 + peer)
}

/// The same for attended transfers, on a network of their own.
fn address_of_attended(test: u8, peer: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 11, test * 4 + peer)
}

/// The same for the cases over other transports than UDP alone, with up to seven peers each.
fn address_by_transport(test: u8, peer: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 12 + test / 32, test % 32 * 8 + peer)
}

/// The same for the cases of audio, on a network of their own.
fn address_of_media(test: u8, peer: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 20, test * 4 + peer)
}

/// The same for the newer kinds of transfer, on a network of their own.
fn address_of_kinds(test: u8, peer: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 21, test * 4 + peer)
}

fn listen(address: Ipv4Addr) -> String {
    format!("udp:{address}:5060")
}

fn uri(user: &str, address: Ipv4Addr) -> String {
    format!("sip:{user}@{address}")
}

/// All rows of the table in `docs/interop.md`.
fn rows() -> Vec<table::Row> {
    [
        calls::rows(),
        blind::rows(),
        busy::rows(),
        attended_ours::rows(),
        attended_theirs::rows(),
        attended_refused::rows(),
        hostile::rows(),
        baresip::rows(),
        sipp::rows(),
        sipp_tcp::rows(),
        linphonec::rows(),
        secure::rows(),
        carried::rows(),
        keys::rows(),
        music::rows(),
        played::rows(),
        websocket::rows(),
        proxy::rows(),
        registrar::rows(),
        registered::rows(),
        kept::rows(),
        transports::rows(),
        kinds::rows(),
        unreferred::rows(),
        challenged::rows(),
        overtaking::rows(),
        zone::rows(),
        left::rows(),
    ]
    .concat()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

fn last_outcome(events: &[Value]) -> (Option<&str>, Option<&str>, Option<u64>) {
    let last =
        events.iter().rev().find(|event| event.get("outcome").is_some_and(|outcome| !outcome.is_null()));
    let field = |name: &str| last.and_then(|event| event[name].as_str());
    (field("outcome"), field("learned_from"), last.and_then(|event| event["code"].as_u64()))
}
