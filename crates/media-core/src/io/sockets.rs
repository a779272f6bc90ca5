//! The sockets of all streams, and which poll event belongs to which.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use slab::Slab;

use super::ports::{Lease, PortPair};
use crate::streams::{PacketKind, StreamId};

/// A stream's sockets.
pub(super) struct Bound {
    pub(super) stream: StreamId,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    lease: Lease,
}

impl Bound {
    pub(super) fn socket(&self, kind: PacketKind) -> &UdpSocket {
        match kind {
            PacketKind::Rtp => &self.rtp,
            PacketKind::Rtcp => &self.rtcp,
        }
    }

    pub(super) fn local(&self, kind: PacketKind) -> SocketAddr {
        match kind {
            PacketKind::Rtp => self.lease.rtp(),
            PacketKind::Rtcp => self.lease.rtcp(),
        }
    }
}

/// Holds the sockets by stream and by token.
pub(super) struct Sockets {
    registry: Registry,
    bound: Slab<Bound>,
    keys: BTreeMap<StreamId, usize>,
}

impl Sockets {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry, bound: Slab::new(), keys: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.bound.len()
    }

    /// Takes the sockets of a pair for a stream; on error its pair goes to rest.
    pub(super) fn bind(&mut self, stream: StreamId, pair: PortPair) -> io::Result<()> {
        let PortPair { sockets, lease, .. } = pair;
        let place = self.bound.vacant_entry();
        let key = place.key();
        let mut bound = Bound {
            stream,
            rtp: UdpSocket::from_std(sockets.rtp),
            rtcp: UdpSocket::from_std(sockets.rtcp),
            lease,
        };
        self.registry.register(&mut bound.rtp, token(key, PacketKind::Rtp), Interest::READABLE)?;
        self.registry.register(&mut bound.rtcp, token(key, PacketKind::Rtcp), Interest::READABLE)?;
        place.insert(bound);
        if let Some(before) = self.keys.insert(stream, key) {
            self.bound.remove(before);
        }
        Ok(())
    }

    /// Closes a stream's sockets.
    pub(super) fn close(&mut self, stream: StreamId) {
        if let Some(key) = self.keys.remove(&stream) {
            self.bound.remove(key);
        }
    }

    pub(super) fn of(&self, stream: StreamId) -> Option<&Bound> {
        self.keys.get(&stream).and_then(|key| self.bound.get(*key))
    }

    /// The sockets an event is about; they may be closed by now, and others in their place, which does no harm.
    pub(super) fn at(&self, token: Token) -> Option<(&Bound, PacketKind)> {
        let kind = if token.0.is_multiple_of(2) { PacketKind::Rtp } else { PacketKind::Rtcp };
        self.bound.get(token.0 / 2).map(|bound| (bound, kind))
    }
}

fn token(key: usize, kind: PacketKind) -> Token {
    Token(key * 2 + usize::from(kind == PacketKind::Rtcp))
}
