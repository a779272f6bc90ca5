//! Listen addresses: one socket for each address of ours that they stand for.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use thiserror::Error;

use super::interfaces::local_addresses;
use crate::flow::Transport;

/// How often a port is drawn that has to be free on every address; eight taken ones in a row mean a full host.
const FREE_PORT_TRIES: usize = 8;

/// Why a listen address cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// [`UdpFlow::bind`](super::UdpFlow::bind) was given a wildcard address; use
    /// [`UdpFlow::listen`](super::UdpFlow::listen).
    #[error("{0} is a wildcard; a flow needs one address")]
    Wildcard(SocketAddr),
    /// The addresses of this host cannot be found out; name one.
    #[error("the addresses of this host cannot be listed")]
    Interfaces(#[source] io::Error),
    /// This host has no address of the wildcard's family; name an address or use the other family.
    #[error("this host has no address for {0}")]
    NoAddress(SocketAddr),
    /// The system refuses the address: in use, not ours, or not permitted.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The transport was left out of this build; the crate's features `tls` and `ws` bring it.
    #[error("{0} is not in this build")]
    NotBuilt(Transport),
    /// The transport needs a certificate of ours: [`SocketConfig::tls`](super::SocketConfig) has none.
    #[error("{0} needs a certificate and its key")]
    NoIdentity(Transport),
}

/// Opens one socket for each address that the listen address stands for, so that Via, Contact and `c=` always have one
/// address that is true.
///
/// With port 0 the first socket's free port is used for the others too; where it is taken, another is tried. An address
/// that vanishes meanwhile, or on which a given port is taken, fails the whole call.
pub(super) fn on_each_address<T>(
    address: SocketAddr,
    open: impl Fn(SocketAddr) -> io::Result<T>,
    local: impl Fn(&T) -> SocketAddr,
) -> Result<Vec<T>, ListenError> {
    let ips = local_addresses(address.ip()).map_err(ListenError::Interfaces)?;
    if ips.is_empty() {
        return Err(ListenError::NoAddress(address));
    }
    let mut tries = if address.port() == 0 { FREE_PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match open_all(address, &ips, &open, &local) {
            Err(ListenError::Bind { source, .. })
                if tries > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
            result => return result,
        }
    }
}

fn open_all<T>(
    address: SocketAddr,
    ips: &[IpAddr],
    open: impl Fn(SocketAddr) -> io::Result<T>,
    local: impl Fn(&T) -> SocketAddr,
) -> Result<Vec<T>, ListenError> {
    let mut address = address;
    let mut opened = Vec::with_capacity(ips.len());
    for ip in ips {
        // Where it is the given address itself, its zone stays.
        if address.ip() != *ip {
            address = SocketAddr::new(*ip, address.port());
        }
        let socket = open(address).map_err(|source| ListenError::Bind { address, source })?;
        address.set_port(local(&socket).port());
        opened.push(socket);
    }
    Ok(opened)
}
