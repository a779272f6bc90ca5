//! The private network of the interoperability tests.

use std::{
    net::Ipv4Addr,
    ops::RangeInclusive,
    process::{Command, Stdio},
    sync::Mutex,
};

use super::PeerError;

/// Serialises changes to the rules within one test process.
static RULES: Mutex<()> = Mutex::new(());

/// Whether the tests run in a network of their own, so that its rules may be changed. The runner says so.
pub fn is_private() -> bool {
    std::env::var_os("PATCHCORD_NETWORK").is_some_and(|value| value == "private")
}

/// Lets datagrams from these UDP ports leave with this source address.
///
/// A peer that binds its RTP sockets to the wildcard address sends from 127.0.0.1 to every loopback address, not from the
/// address in its own SDP; no RTP receiver that takes packets from the negotiated address only would hear it (SEC-40).
/// On a real network each host has its own address and this does not arise.
pub fn pin_source(own: Ipv4Addr, ports: &RangeInclusive<u16>) -> Result<(), PeerError> {
    let _guard = RULES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // The rule for local addresses comes first by default and would hide any other.
    let before = ip(&["rule", "show"])?;
    if before.lines().any(|rule| rule.starts_with("0:")) {
        ip(&["rule", "add", "pref", "10", "lookup", "local"])?;
        ip(&["rule", "del", "pref", "0"])?;
    }
    let [_, _, net, host] = own.octets();
    // 1000 and more, as the system has tables of its own below.
    let table = (1000 + u32::from(net) * 256 + u32::from(host)).to_string();
    let (own, network) = (own.to_string(), format!("127.0.{net}.0/24"));
    let ports = format!("{}-{}", ports.start(), ports.end());
    ip(&["route", "replace", "local", &network, "dev", "lo", "src", &own, "table", &table])?;
    ip(&["rule", "add", "pref", "1", "ipproto", "udp", "sport", &ports, "lookup", &table])?;
    Ok(())
}

/// Makes it seem that this address can be reached, always from the same one, which is not 127.0.0.1; what is sent there is lost.
/// Only in a private network.
pub fn route_to(there: Ipv4Addr) -> Result<(), PeerError> {
    ip(&["route", "replace", &format!("{there}/32"), "dev", "lo", "src", "127.0.0.2"]).map(drop)
}

fn ip(arguments: &[&str]) -> Result<String, PeerError> {
    let what = || format!("ip {}", arguments.join(" "));
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|source| PeerError::Environment { what: what(), source })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(PeerError::Environment { what: what(), source: std::io::Error::other(said) })
    }
}
