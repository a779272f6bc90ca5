//! Which transports we can send by.

use std::net::IpAddr;

use crate::flow::Transport;

/// The transports that we can send by, for IPv4 and IPv6 apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offered {
    v4: u8,
    v6: u8,
}

impl Offered {
    /// Adds a transport for the family of this address of ours.
    pub fn insert(&mut self, transport: Transport, local: IpAddr) {
        match local.to_canonical() {
            IpAddr::V4(_) => self.v4 |= bit(transport),
            IpAddr::V6(_) => self.v6 |= bit(transport),
        }
    }

    /// Whether the transport can be used to this address.
    pub fn reaches(self, transport: Transport, remote: IpAddr) -> bool {
        let family = match remote.to_canonical() {
            IpAddr::V4(_) => self.v4,
            IpAddr::V6(_) => self.v6,
        };
        family & bit(transport) != 0
    }

    /// Whether the transport can be used at all.
    pub const fn has(self, transport: Transport) -> bool {
        (self.v4 | self.v6) & bit(transport) != 0
    }
}

impl FromIterator<(Transport, IpAddr)> for Offered {
    fn from_iter<I: IntoIterator<Item = (Transport, IpAddr)>>(locals: I) -> Self {
        let mut offered = Self::default();
        for (transport, local) in locals {
            offered.insert(transport, local);
        }
        offered
    }
}

const fn bit(transport: Transport) -> u8 {
    1 << transport as u8
}
