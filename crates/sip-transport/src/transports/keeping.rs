//! Keep-alives and kept connections (RFC 5626 §4.4.1, §4.5).

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;

use super::{Transports, arm, disarm};
use crate::{
    boundary::{CloseCause, TransportOutput, TransportTimer},
    flow::{FlowId, Transport},
    flows::{Connection, Kept},
    step::{Cx, Out, Random},
};

/// What the client sends to keep a connection alive.
const PING: Bytes = Bytes::from_static(b"\r\n\r\n");

/// What the server answers.
const PONG: Bytes = Bytes::from_static(b"\r\n");

/// Shortest interval between pings that the other side can ask for: 5 s, so that it cannot make us flood it.
pub const SHORTEST_BEAT: Duration = Duration::from_secs(5);

/// A kept connection that is gone.
#[derive(Debug)]
pub(super) struct Lost {
    transport: Transport,
    remote: SocketAddr,
    name: Box<str>,
    kept: Kept,
}

impl Lost {
    pub(super) fn of(connection: &Connection, kept: Kept) -> Self {
        Self {
            transport: connection.transport,
            remote: connection.remote,
            name: connection.name.clone(),
            kept,
        }
    }
}

impl Transports {
    /// Answers the pings of one piece, with one answer: who sends several at once has not waited for the first.
    pub(super) fn pinged(&mut self, flow: FlowId, pings: u64, out: &mut Out<'_, TransportOutput>) {
        if pings > 0 {
            self.counters.keep_alive += pings;
            if let Some(connection) = self.flows.connection(flow) {
                out.push(TransportOutput::KeepAlive { hop: connection.hop(flow), wire: PONG });
            }
        }
    }

    pub(super) fn ponged(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        self.counters.keep_alive += 1;
        let Some(connection) = self.flows.connection_mut(flow) else { return };
        // Line ends that nobody asked for are none of an answer.
        if connection.beat.waiting.take().is_some() {
            connection.beat.answers = true;
            self.arm_beat(cx, flow, out);
        }
    }

    pub(super) fn arm_beat(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        let asked = self.flows.connection(flow).and_then(|connection| connection.kept?.every);
        if let Some(longest) = asked.or(self.config.keep_alive) {
            arm(TransportTimer::KeepAlive(flow), shortened(longest, 5, cx.random), out);
        }
    }

    /// Sends a ping; or, where one was not answered by somebody who answers them, gives the connection up.
    pub(super) fn beat(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        let Some(connection) = self.flows.connection_mut(flow).filter(|connection| connection.is_open())
        else {
            return;
        };
        match connection.beat.waiting.take() {
            None => {
                connection.beat.waiting = Some(cx.now);
                out.push(TransportOutput::KeepAlive { hop: connection.hop(flow), wire: PING });
                arm(TransportTimer::KeepAlive(flow), self.config.pong_timeout, out);
            }
            Some(sent) if connection.beat.answers && connection.heard <= sent => {
                self.counters.silent_connections += 1;
                self.close(cx, flow, CloseCause::TimedOut, out);
            }
            // Not everybody answers pings, and those who do not are no worse for it; a message is as good.
            Some(_) => self.arm_beat(cx, flow, out),
        }
    }

    /// Notes that a connection of ours is to be opened again when it ends, and pinged how often; of a UDP socket, that the
    /// remote is.
    pub(super) fn keep(
        &mut self,
        cx: &mut Cx<'_>,
        (flow, remote): (FlowId, SocketAddr),
        every: Option<Duration>,
        out: &mut Out<'_, TransportOutput>,
    ) {
        if self.flows.socket(flow).is_some_and(|socket| socket.transport == Transport::Udp) {
            return self.bind(cx, (flow, remote), every, out);
        }
        let Some(connection) = self.flows.connection_mut(flow).filter(|connection| connection.is_ours())
        else {
            return;
        };
        let every = every.map(|every| every.max(SHORTEST_BEAT));
        let kept = connection.kept.get_or_insert(Kept { was: flow, failures: 0, every: None });
        let changed = kept.every != every;
        kept.every = every;
        // A ping that waits for its answer goes on doing so; what follows it takes the new interval.
        if changed && connection.is_open() && connection.beat.waiting.is_none() {
            self.arm_beat(cx, flow, out);
        }
    }

    pub(super) fn let_go(
        &mut self,
        (flow, remote): (FlowId, SocketAddr),
        out: &mut Out<'_, TransportOutput>,
    ) {
        self.unbind((flow, remote), out);
        if let Some(connection) = self.flows.kept_as(flow) {
            connection.kept = None;
        }
        if self.lost.remove(&flow).is_some() {
            disarm(TransportTimer::Reconnect(flow), out);
        }
    }

    /// A kept connection is gone: it is opened again after a wait that grows with each failure.
    pub(super) fn lose(&mut self, cx: &mut Cx<'_>, mut lost: Lost, out: &mut Out<'_, TransportOutput>) {
        let was = lost.kept.was;
        let doublings = lost.kept.failures.min(16);
        let longest =
            self.config.reconnect_base.saturating_mul(1 << doublings).min(self.config.reconnect_max);
        lost.kept.failures = lost.kept.failures.saturating_add(1);
        arm(TransportTimer::Reconnect(was), shortened(longest, 2, cx.random), out);
        self.lost.insert(was, lost);
    }

    pub(super) fn reconnect(&mut self, cx: &mut Cx<'_>, was: FlowId, out: &mut Out<'_, TransportOutput>) {
        let Some(lost) = self.lost.remove(&was) else { return };
        let Lost { transport, remote, name, kept } = &lost;
        let socket = self.flows.best_socket(*transport, remote.ip());
        let flow = socket.map(|(_, local)| self.plan(cx, *transport, *remote, local, name));
        if let Some(flow) = flow {
            self.open(flow, out);
            match self.flows.connection_mut(flow) {
                Some(connection) if connection.exists() => {
                    connection.kept = Some(*kept);
                    return;
                }
                Some(_) | None => drop(self.flows.remove(flow)),
            }
        }
        self.lose(cx, lost, out);
    }
}

/// The time less a random part of it, up to one `share`th.
pub(super) fn shortened(longest: Duration, share: u32, random: &mut dyn Random) -> Duration {
    let most = longest / share;
    longest.saturating_sub(most.mul_f64(f64::from(random.up_to(1 << 16)) / f64::from(1 << 16)))
}
