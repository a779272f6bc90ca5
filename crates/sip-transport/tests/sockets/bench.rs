//! Two sides of a connection, each a `Sockets` with a task that carries out orders and hands on inputs.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use sip_transport::{
    CloseCause, Connect, FlowId, Hop, Outbound, PeerIdentity, Transport, TransportInput,
    io::{SocketConfig, Sockets, Written},
};
use tokio::{sync::mpsc, time::timeout};

/// Longest wait of a test for something that is bound to come; only a failing test gets there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const LOOPBACK: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("test address")
}

/// Waits for something that is bound to come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it comes")
}

pub(crate) fn outbound(
    flow: FlowId,
    transport: Transport,
    remote: SocketAddr,
    wire: impl Into<Bytes>,
) -> Outbound {
    let hop = Hop { flow, transport, remote, local: remote, above: None, alias: false };
    Outbound { hop, wire: wire.into() }
}

enum Order {
    Write(Outbound),
    Connect(Connect),
    Close(FlowId),
    Shutdown(Duration),
}

/// One side.
pub(crate) struct Side {
    orders: mpsc::UnboundedSender<Order>,
    inputs: mpsc::UnboundedReceiver<TransportInput>,
    flows: u64,
}

impl Side {
    /// A side that listens on these addresses.
    pub(crate) fn listening(config: SocketConfig, on: &[(Transport, &str)]) -> (Self, Vec<SocketAddr>) {
        let mut sockets = Sockets::new(config);
        let mut locals = Vec::new();
        for (transport, at) in on {
            locals.extend(sockets.listen(*transport, address(at)).expect("loopback is there"));
        }
        let (orders, taken) = mpsc::unbounded_channel();
        let (sender, inputs) = mpsc::unbounded_channel();
        tokio::spawn(run(sockets, taken, sender));
        (Self { orders, inputs, flows: 0 }, locals)
    }

    /// A side that only connects.
    pub(crate) fn new(config: SocketConfig) -> Self {
        Self::listening(config, &[]).0
    }

    fn order(&self, order: Order) {
        assert!(self.orders.send(order).is_ok(), "the side is there");
    }

    pub(crate) fn connect(&mut self, transport: Transport, remote: SocketAddr, name: &str) -> FlowId {
        self.connect_from(transport, remote, name, None)
    }

    pub(crate) fn connect_from(
        &mut self,
        transport: Transport,
        remote: SocketAddr,
        name: &str,
        local: Option<IpAddr>,
    ) -> FlowId {
        self.flows += 1;
        let flow = FlowId::from(self.flows);
        self.order(Order::Connect(Connect { flow, transport, remote, local, name: name.into() }));
        flow
    }

    pub(crate) fn write(&self, flow: FlowId, wire: impl Into<Bytes>) {
        self.order(Order::Write(outbound(flow, Transport::Tcp, address("127.0.0.1:9"), wire)));
    }

    pub(crate) fn close(&self, flow: FlowId) {
        self.order(Order::Close(flow));
    }

    pub(crate) fn shutdown(&self, limit: Duration) {
        self.order(Order::Shutdown(limit));
    }

    /// The next input.
    pub(crate) async fn next(&mut self) -> TransportInput {
        soon(self.inputs.recv()).await.expect("the side is there")
    }

    /// The inputs until the side is gone.
    pub(crate) async fn rest(mut self) -> Vec<TransportInput> {
        drop(self.orders);
        let mut rest = Vec::new();
        while let Some(input) = soon(self.inputs.recv()).await {
            rest.push(input);
        }
        rest
    }

    /// The next input but the opening of sockets.
    pub(crate) async fn told(&mut self) -> TransportInput {
        loop {
            let input = self.next().await;
            if !matches!(input, TransportInput::Opened { .. }) {
                return input;
            }
        }
    }

    /// The connection that comes in.
    pub(crate) async fn accepted(&mut self) -> FlowId {
        match self.told().await {
            TransportInput::Accepted { flow, .. } => flow,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// The verified names of a connection that gets ready.
    pub(crate) async fn connected(&mut self, expected: FlowId) -> Option<PeerIdentity> {
        match self.told().await {
            TransportInput::Connected { flow, peer, .. } if flow == expected => peer,
            other => panic!("not connected: {other:?}"),
        }
    }

    /// Why a flow ends.
    pub(crate) async fn closed(&mut self, expected: FlowId) -> CloseCause {
        match self.told().await {
            TransportInput::Closed { flow, cause } if flow == expected => cause,
            other => panic!("not closed: {other:?}"),
        }
    }

    /// So many bytes of a flow, and the number of pieces they came in.
    pub(crate) async fn bytes(&mut self, expected: FlowId, count: usize) -> (Vec<u8>, usize) {
        let (mut all, mut pieces) = (Vec::new(), 0);
        while all.len() < count {
            match self.told().await {
                TransportInput::Bytes { flow, bytes, .. } if flow == expected => all.extend(bytes),
                other => panic!("not bytes: {other:?}"),
            }
            pieces += 1;
        }
        (all, pieces)
    }

    /// The next piece of a flow.
    pub(crate) async fn piece(&mut self, flow: FlowId) -> Vec<u8> {
        self.bytes(flow, 1).await.0
    }
}

async fn run(
    mut sockets: Sockets,
    mut orders: mpsc::UnboundedReceiver<Order>,
    sender: mpsc::UnboundedSender<TransportInput>,
) {
    let mut inputs = Vec::new();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Write(outbound)) => {
                    if let Written::Failed(input) = sockets.write(&outbound) {
                        inputs.push(input);
                    }
                }
                Some(Order::Connect(connect)) => sockets.connect(connect),
                Some(Order::Close(flow)) => sockets.close(flow),
                Some(Order::Shutdown(limit)) => return sockets.shutdown(limit).await,
                None => return,
            },
            () = sockets.next(&mut inputs) => {}
        }
        for input in inputs.drain(..) {
            if sender.send(input).is_err() {
                return;
            }
        }
    }
}

/// Both ends of one new connection, ready for messages.
pub(crate) struct Pair {
    pub(crate) server: Side,
    pub(crate) client: Side,
    /// The flow's name at the server, and at the client.
    pub(crate) flows: (FlowId, FlowId),
    /// Whom the server and the client see.
    pub(crate) peers: (Option<PeerIdentity>, Option<PeerIdentity>),
}

impl Pair {
    pub(crate) async fn new(
        transport: Transport,
        at: &str,
        name: &str,
        (server, client): (SocketConfig, SocketConfig),
    ) -> Self {
        let (mut server, locals) = Side::listening(server, &[(transport, at)]);
        let mut client = Side::new(client);
        let flow = client.connect(transport, locals[0], name);
        let accepted = server.accepted().await;
        let peers = (server.connected(accepted).await, client.connected(flow).await);
        Self { server, client, flows: (accepted, flow), peers }
    }

    /// A message there and one back.
    pub(crate) async fn talk(&mut self) {
        let (there, back) = self.flows;
        self.client.write(back, "there");
        assert_eq!(self.server.bytes(there, 5).await.0, b"there");
        self.server.write(there, "and back");
        assert_eq!(self.client.bytes(back, 8).await.0, b"and back");
    }
}

/// A message of some length, with its number in it.
pub(crate) fn message(number: usize) -> String {
    format!("OPTIONS sip:{number}@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n")
}
