//! The way of what a connection brings to whoever asks [`Sockets`](super::Sockets) for it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    boundary::{CloseCause, TransportInput},
    flow::FlowId,
};

/// What comes through the channel of all connections.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) input: TransportInput,
    /// Of bytes: the connection's turn, which is over when they are taken.
    _turn: Option<OwnedSemaphorePermit>,
}

/// The end of the channel that one connection has.
///
/// One piece of bytes at a time is in the channel: so a connection cannot take the place of others, and its answers to one
/// piece are on their way before it brings the next. Who does not ask for inputs pushes back into the connections.
#[derive(Debug)]
pub(super) struct Inlet {
    pub(super) flow: FlowId,
    pub(super) source: SocketAddr,
    channel: mpsc::Sender<Arrival>,
    turns: Arc<Semaphore>,
}

/// Nobody asks for inputs any more.
#[derive(Debug)]
pub(super) struct Gone;

impl Inlet {
    pub(super) fn new(flow: FlowId, source: SocketAddr, channel: mpsc::Sender<Arrival>) -> Self {
        Self { flow, source, channel, turns: Arc::new(Semaphore::new(1)) }
    }

    /// Waits until the last piece was taken.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Gone> {
        Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Gone)
    }

    /// Brings a piece of a stream, or a message.
    pub(super) async fn bring(&self, turn: OwnedSemaphorePermit, bytes: Bytes) -> Result<(), Gone> {
        let input = TransportInput::Bytes { flow: self.flow, source: self.source, bytes };
        self.channel.send(Arrival { input, _turn: Some(turn) }).await.map_err(|_| Gone)
    }

    /// Tells that the connection is ready.
    pub(super) async fn tell(&self, input: TransportInput) -> Result<(), Gone> {
        self.channel.send(Arrival { input, _turn: None }).await.map_err(|_| Gone)
    }

    /// Tells the end of the connection.
    pub(super) async fn closed(&self, cause: CloseCause) {
        if self.tell(TransportInput::Closed { flow: self.flow, cause }).await.is_err() {
            tracing::trace!(flow = %self.flow, %cause, "nobody is told of the end");
        }
    }
}
