//! Everything that is open: UDP sockets, sockets that listen, and connections.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use super::{
    acceptor::Acceptor,
    config::SocketConfig,
    connection::{self, Wires},
    fault::SendError,
    inlet::{Arrival, Inlet},
    lingering::Lingering,
    listen::ListenError,
    queue::{Entrance, NotTaken, queue},
    udp::UdpFlow,
};
use crate::{
    boundary::{CloseCause, Connect, TransportInput, TransportOutput},
    flow::{FlowId, Outbound, Transport},
};

/// Most inputs that one turn gives, so that timers and commands get theirs in between.
pub const INPUTS_PER_TURN: usize = 64;

/// The first identifier of a flow that is made here. The engine's own count upwards from 1 and do not get here in any
/// engine's life; the top 8 bits are a shard's.
const FIRST_FLOW: u64 = 1 << 48;

/// Most inputs of connections that wait to be taken, one of each connection. They are at most 64 KiB each (a WebSocket
/// message), so 4 MiB in all; more than one turn takes would only wait longer here instead of in the system.
const WAITING_INPUTS: usize = INPUTS_PER_TURN;

/// The SIP sockets: UDP, TCP, TLS, WS and WSS.
///
/// What they bring comes from [`Sockets::next`] as [`TransportInput`] values for [`Transports`](crate::Transports); what
/// that wants done is done by [`Sockets::write`], [`Sockets::connect`] and [`Sockets::close`].
/// Nothing here knows SIP: bytes, handshakes and bounded queues only.
///
/// Sockets and accepted connections get their [`FlowId`] here, from 2^48 upwards, so that they do not meet those that
/// [`Connect`] brings. Each connection is a task of the tokio runtime in which it begins. Each flow that was told of, or
/// asked for by [`Sockets::connect`], ends with exactly one [`TransportInput::Closed`], unless it is closed by
/// [`Sockets::close`]; none follows then.
///
/// Dropping it closes everything at once; [`Sockets::shutdown`] does it in order.
///
/// ```
/// use std::time::Duration;
/// use sip_transport::{Connect, FlowId, Transport, TransportInput, io::{SocketConfig, Sockets}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut sockets = Sockets::new(SocketConfig::default());
/// let remote = sockets.listen(Transport::Tcp, "127.0.0.1:0".parse()?)?[0];
/// let flow = FlowId::from(1);
/// sockets.connect(Connect { flow, transport: Transport::Tcp, remote, local: None, name: "localhost".into() });
/// let mut inputs = Vec::new();
/// while !inputs.iter().any(|input| matches!(input, TransportInput::Accepted { .. })) {
///     sockets.next(&mut inputs).await;
/// }
/// sockets.shutdown(Duration::from_secs(1)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sockets {
    config: Arc<SocketConfig>,
    last_flow: u64,
    /// What is to be told before anything else.
    pending: VecDeque<TransportInput>,
    udp: Vec<(FlowId, UdpFlow)>,
    acceptors: Vec<Acceptor>,
    connections: BTreeMap<FlowId, Connection>,
    /// Accepted connections whose handshakes are under way.
    handshakes: usize,
    arrivals: (mpsc::Sender<Arrival>, mpsc::Receiver<Arrival>),
    /// The turns of the connections whose bytes were given last.
    turns: Vec<(FlowId, OwnedSemaphorePermit)>,
    /// Connections that are closed, and not over.
    lingering: Lingering,
    tasks: JoinSet<()>,
    /// The source that was served last.
    served: usize,
}

/// What is held of a connection beside its task.
#[derive(Debug)]
struct Connection {
    queue: Entrance,
    /// Dropped with the rest, which tells the task to close.
    _open: oneshot::Sender<()>,
    task: AbortHandle,
    handshaking: bool,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// The system has it, or it waits for its connection.
    Sent,
    /// It is lost as it might be in the network: the system has no room for the datagram, a packet filter took it, or the
    /// flow is gone.
    Lost,
    /// It is not sent, and this is to be fed back: [`TransportInput::SendFailed`] of a datagram,
    /// [`TransportInput::Closed`] of a connection whose write queue is full.
    Failed(TransportInput),
}

impl Sockets {
    /// Makes it without any socket.
    pub fn new(config: SocketConfig) -> Self {
        Self {
            config: Arc::new(config),
            last_flow: FIRST_FLOW,
            pending: VecDeque::new(),
            udp: Vec::new(),
            acceptors: Vec::new(),
            connections: BTreeMap::new(),
            handshakes: 0,
            arrivals: mpsc::channel(WAITING_INPUTS),
            turns: Vec::new(),
            lingering: Lingering::default(),
            tasks: JoinSet::new(),
            served: 0,
        }
    }

    /// Listens on an address; a wildcard becomes one socket for each address of this host, all on one port. Returns the
    /// addresses. Has to be called inside a tokio runtime.
    ///
    /// [`TransportInput::Opened`] of each is the first that [`Sockets::next`] gives, at once.
    pub fn listen(
        &mut self,
        transport: Transport,
        address: SocketAddr,
    ) -> Result<Vec<SocketAddr>, ListenError> {
        if !is_built(transport) {
            return Err(ListenError::NotBuilt(transport));
        }
        #[cfg(feature = "tls")]
        if transport.is_secure() && !self.config.tls.as_ref().is_some_and(super::tls::TlsConfig::can_serve) {
            return Err(ListenError::NoIdentity(transport));
        }
        let mut locals = Vec::new();
        let config = Arc::clone(&self.config);
        if transport == Transport::Udp {
            for socket in UdpFlow::listen_with(address, &config)? {
                let flow = self.name();
                locals.push(socket.local());
                self.opened(flow, transport, socket.local());
                self.udp.push((flow, socket));
            }
        } else {
            for acceptor in Acceptor::listen(address, transport, &config, || self.name())? {
                locals.push(acceptor.local);
                self.opened(acceptor.flow, transport, acceptor.local);
                self.acceptors.push(acceptor);
            }
        }
        Ok(locals)
    }

    /// Tells that connections by this transport can be made from an address of ours, where nothing listens for any that
    /// come in: [`TransportInput::Opened`] with port 0.
    ///
    /// Nothing is told of a transport that no connection can be made by: UDP, TLS without its settings, or what is not
    /// built in.
    pub fn offer(&mut self, transport: Transport, address: IpAddr) {
        #[cfg(feature = "tls")]
        let has_keys = !transport.is_secure() || self.config.tls.is_some();
        #[cfg(not(feature = "tls"))]
        let has_keys = true;
        if is_built(transport) && transport.is_reliable() && has_keys {
            let flow = self.name();
            self.opened(flow, transport, SocketAddr::new(address, 0));
        }
    }

    /// Our address on a UDP socket, or on one that listens.
    pub fn local(&self, flow: FlowId) -> Option<SocketAddr> {
        let udp = self.udp.iter().find(|(udp, _)| *udp == flow).map(|(_, socket)| socket.local());
        udp.or_else(|| self.acceptors.iter().find(|acceptor| acceptor.flow == flow).map(|found| found.local))
    }

    /// Waits for inputs and adds them to the list, at most [`INPUTS_PER_TURN`]. Nothing is lost when it is cancelled.
    pub async fn next(&mut self, inputs: &mut Vec<TransportInput>) {
        poll_fn(|cx| self.poll_next(cx, inputs)).await;
    }

    /// As [`Sockets::next`], for who waits for more than that.
    pub fn poll_next(&mut self, cx: &mut Context<'_>, inputs: &mut Vec<TransportInput>) -> Poll<()> {
        while self.tasks.try_join_next().is_some() {}
        let pending = &self.pending;
        self.turns.retain(|(flow, _)| pending.contains(&TransportInput::Again(*flow)));
        let start = inputs.len();
        let full = start + INPUTS_PER_TURN;
        let pending = self.pending.len().min(INPUTS_PER_TURN);
        inputs.extend(self.pending.drain(..pending));
        // Behind the one that was served last, so that a flood on one leaves the others their turn.
        let sources = self.udp.len() + self.acceptors.len() + 1;
        let first = self.served + 1;
        for source in (first..first + sources).map(|source| source % sources) {
            let before = inputs.len();
            if before >= full {
                break;
            }
            if source == 0 {
                self.take_arrivals(cx, full, inputs);
            } else if source <= self.acceptors.len() {
                self.accept(source - 1, cx, full, inputs);
            } else {
                self.receive(source - 1 - self.acceptors.len(), cx, full, inputs);
            }
            if inputs.len() > before {
                self.served = source;
            }
        }
        if inputs.len() > start { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Does what [`Transports`](crate::Transports) want of the sockets, and returns what is to be fed back to them. What is for
    /// others is left undone: their events, names to be resolved and timers.
    pub fn perform(&mut self, output: TransportOutput) -> Option<TransportInput> {
        let written = match output {
            TransportOutput::Write(outbound) => self.write(&outbound),
            TransportOutput::KeepAlive { hop, wire } => self.write(&Outbound { hop, wire }),
            TransportOutput::Connect(connect) => {
                self.connect(connect);
                return None;
            }
            TransportOutput::Close(flow) => {
                self.close(flow);
                return None;
            }
            TransportOutput::Again(flow) => {
                self.again(flow);
                return None;
            }
            TransportOutput::Flow(_) | TransportOutput::Resolve { .. } | TransportOutput::Timer(_) => {
                return None;
            }
        };
        match written {
            Written::Failed(input) => Some(input),
            Written::Sent | Written::Lost => None,
        }
    }

    /// Writes a message or a keep-alive to a flow.
    pub fn write(&mut self, outbound: &Outbound) -> Written {
        let (flow, remote) = (outbound.hop.flow, outbound.hop.remote);
        let Some((_, socket)) = self.udp.iter().find(|(udp, _)| *udp == flow) else {
            return self.enqueue(flow, &outbound.wire);
        };
        match socket.try_send(remote, &outbound.wire) {
            Ok(()) => Written::Sent,
            // The datagram is lost as it might be in the network; its transaction's timer sends it again.
            Err(error @ (SendError::Full | SendError::Refused(_))) => {
                tracing::debug!(%error, %remote, "a datagram is lost");
                Written::Lost
            }
            Err(error @ SendError::Unreachable(_)) => {
                tracing::debug!(%error, %remote, "sending failed");
                Written::Failed(TransportInput::SendFailed { flow, remote })
            }
        }
    }

    /// Gives a connection another turn without anything new from it: [`TransportInput::Again`] is among the next inputs, and
    /// what it brings then waits for the turn after that.
    pub fn again(&mut self, flow: FlowId) {
        self.pending.push_back(TransportInput::Again(flow));
    }

    /// Makes a connection; [`TransportInput::Connected`] or [`TransportInput::Closed`] answers it.
    ///
    /// Its handshakes have their time limit; that of connecting is the system's, or whoever closes it before.
    pub fn connect(&mut self, connect: Connect) {
        let flow = connect.flow;
        if self.connections.contains_key(&flow) {
            tracing::error!(%flow, "a connection is asked for twice");
            return;
        }
        if !is_built(connect.transport) || connect.transport == Transport::Udp {
            tracing::error!(transport = %connect.transport, remote = %connect.remote, "there are no such connections");
            self.pending.push_back(TransportInput::Closed { flow, cause: CloseCause::NoRoute });
            return;
        }
        let config = Arc::clone(&self.config);
        self.run(flow, connect.remote, false, |wires| connection::connected(connect, config, wires));
    }

    /// Closes a connection once what was written to it before is on its way, after two seconds, or when too many linger
    /// ([`SocketConfig::lingering`]). A UDP socket or one that listens is closed at once.
    pub fn close(&mut self, flow: FlowId) {
        if self.forget(flow).is_none() {
            self.udp.retain(|(udp, _)| *udp != flow);
            self.acceptors.retain(|acceptor| acceptor.flow != flow);
        }
    }

    /// Closes everything in order: listens no more, writes what waits, says farewell as TLS and WebSocket have it, and
    /// waits for the other sides to do the same. What is not done after this time is closed at once.
    pub async fn shutdown(mut self, limit: Duration) {
        self.udp.clear();
        self.acceptors.clear();
        self.connections.clear();
        let ending = async {
            loop {
                tokio::select! {
                    ended = self.tasks.join_next() => if ended.is_none() { return },
                    // Who waits to bring something goes on to its end. It is never closed, as this holds a sender.
                    _ = self.arrivals.1.recv() => {}
                }
            }
        };
        if timeout(limit, ending).await.is_err() {
            tracing::debug!("some connections were closed before they were over");
        }
    }

    fn name(&mut self) -> FlowId {
        self.last_flow += 1;
        FlowId::from(self.last_flow)
    }

    fn opened(&mut self, flow: FlowId, transport: Transport, local: SocketAddr) {
        self.pending.push_back(TransportInput::Opened { flow, transport, local });
    }

    fn take_arrivals(&mut self, cx: &mut Context<'_>, full: usize, inputs: &mut Vec<TransportInput>) {
        while inputs.len() < full
            && let Poll::Ready(Some(arrival)) = self.arrivals.1.poll_recv(cx)
        {
            if let (TransportInput::Bytes { flow, .. }, Some(turn)) = (&arrival.input, arrival.turn) {
                self.turns.push((*flow, turn));
            }
            inputs.extend(self.arrived(arrival.input));
        }
    }

    /// Takes what a connection brings; nothing of one that is closed here meanwhile.
    fn arrived(&mut self, input: TransportInput) -> Option<TransportInput> {
        match &input {
            TransportInput::Connected { flow, .. } => {
                let connection = self.connections.get_mut(flow)?;
                self.handshakes -= usize::from(std::mem::take(&mut connection.handshaking));
            }
            TransportInput::Closed { flow, .. } => {
                self.forget(*flow)?;
            }
            _ => {
                let TransportInput::Bytes { flow, .. } = &input else { return None };
                self.connections.get(flow)?;
            }
        }
        Some(input)
    }

    fn accept(&mut self, index: usize, cx: &mut Context<'_>, full: usize, inputs: &mut Vec<TransportInput>) {
        let Acceptor { flow: listener, transport, .. } = self.acceptors[index];
        let handshakes = transport != Transport::Tcp;
        // The end of a handshake is an arrival, or a close, after which this is polled again.
        while inputs.len() < full
            && !(handshakes && self.handshakes >= self.config.handshakes)
            && let Poll::Ready((stream, remote)) = self.acceptors[index].poll_accept(cx)
        {
            let flow = self.name();
            inputs.push(TransportInput::Accepted { flow, listener, remote });
            self.accepted(flow, stream, transport, remote, handshakes);
        }
    }

    fn accepted(
        &mut self,
        flow: FlowId,
        stream: TcpStream,
        transport: Transport,
        remote: SocketAddr,
        handshaking: bool,
    ) {
        let config = Arc::clone(&self.config);
        self.handshakes += usize::from(handshaking);
        self.run(flow, remote, handshaking, |wires| connection::accepted(stream, transport, config, wires));
    }

    fn run<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        flow: FlowId,
        remote: SocketAddr,
        handshaking: bool,
        task: impl FnOnce(Wires) -> F,
    ) {
        let (queue, exit) = queue(self.config.write_queue, self.config.write_queue_messages);
        let (open, closing) = oneshot::channel();
        let inlet = Inlet::new(flow, remote, self.arrivals.0.clone());
        let task = self.tasks.spawn(task(Wires { inlet, exit, closing }));
        self.connections.insert(flow, Connection { queue, _open: open, task, handshaking });
    }

    fn receive(&mut self, index: usize, cx: &mut Context<'_>, full: usize, inputs: &mut Vec<TransportInput>) {
        // One less than there were, if another is gone in this turn.
        let Some((flow, socket)) = self.udp.get_mut(index) else { return };
        let flow = *flow;
        while inputs.len() < full {
            let Poll::Ready(ready) = socket.poll_readable(cx) else { return };
            let failures = socket.receive_failures();
            let taken = ready.and_then(|()| {
                socket.try_receive(full - inputs.len(), |datagram| {
                    inputs.push(TransportInput::Bytes {
                        flow,
                        source: datagram.source,
                        bytes: datagram.bytes,
                    });
                })
            });
            if let Err(error) = taken {
                tracing::error!(%error, local = %socket.local(), "a SIP socket is gone");
                self.udp.remove(index);
                inputs.push(TransportInput::Closed { flow, cause: CloseCause::Lost });
                return;
            }
            if socket.receive_failures() > failures {
                // Tried again in the next turn.
                cx.waker().wake_by_ref();
                return;
            }
        }
    }

    fn enqueue(&mut self, flow: FlowId, wire: &Bytes) -> Written {
        let Some(connection) = self.connections.get(&flow) else { return Written::Lost };
        match connection.queue.push(wire.clone()) {
            Ok(()) => Written::Sent,
            // Its end is among the arrivals.
            Err(NotTaken::Over) => Written::Lost,
            Err(NotTaken::Full) => {
                connection.task.abort();
                self.forget(flow);
                Written::Failed(TransportInput::Closed { flow, cause: CloseCause::WriteQueue })
            }
        }
    }

    fn forget(&mut self, flow: FlowId) -> Option<()> {
        let connection = self.connections.remove(&flow)?;
        self.handshakes -= usize::from(connection.handshaking);
        self.lingering.push(connection.task, self.config.lingering);
        Some(())
    }
}

/// Whether the features for a transport are there.
fn is_built(transport: Transport) -> bool {
    (cfg!(feature = "tls") || !transport.is_secure()) && (cfg!(feature = "ws") || !transport.is_websocket())
}
