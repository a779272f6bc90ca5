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
    /// Of bytes: the connection's turn. It brings nothing more until this is dropped.
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

/// The end of the channel that one connection has.
///
/// It brings one piece of bytes in each turn of who asks for inputs: so a connection cannot take the place of others, and
/// the answers to one piece are on their way before it brings the next. Who does not ask pushes back into the connections.
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

    /// Waits until the turn in which the last piece was taken is over.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Gone> {
        Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Gone)
    }

    /// Brings a piece of a stream, or a message.
    pub(super) async fn bring(&self, turn: OwnedSemaphorePermit, bytes: Bytes) -> Result<(), Gone> {
        let input = TransportInput::Bytes { flow: self.flow, source: self.source, bytes };
        self.channel.send(Arrival { input, turn: Some(turn) }).await.map_err(|_| Gone)
    }

    /// Tells that the connection is ready.
    pub(super) async fn tell(&self, input: TransportInput) -> Result<(), Gone> {
        self.channel.send(Arrival { input, turn: None }).await.map_err(|_| Gone)
    }

    /// Tells the end of the connection.
    pub(super) async fn closed(&self, cause: CloseCause) {
        if self.tell(TransportInput::Closed { flow: self.flow, cause }).await.is_err() {
            tracing::trace!(flow = %self.flow, %cause, "nobody is told of the end");
        }
    }
}
