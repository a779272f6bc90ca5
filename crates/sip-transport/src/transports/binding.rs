//! Keep-alives by UDP: STUN Binding Requests to one remote of a socket, which in RFC 5626's words is a flow (§4.4.2, §8).

use std::{net::SocketAddr, time::Duration};

use super::{Transports, arm, disarm, keeping::shortened, tell};
use crate::{
    boundary::{TransportOutput, TransportTimer},
    flow::{FlowEvent, FlowId, Hop, Origin, Transport},
    step::{Cx, Out},
    stun::{self, TransactionId},
};

/// Most remotes that are kept at a time: as many as a gateway has accounts. The next one has no keep-alives.
pub const KEPT_REMOTES: usize = 1_000;

/// Longest time between two requests, of which a sixth is left to chance: 24 to 29 s, because many NATs forget after 30 s.
const LONGEST: Duration = Duration::from_secs(29);

/// First wait for an answer, doubled with each request (RFC 8489 §6.2.1).
const RTO: Duration = Duration::from_millis(500);

/// How often a request is sent, and for how many RTO the last is waited for (RFC 8489 §6.2.1).
const SENDS: u32 = 7;
const LAST_WAIT: u32 = 16;

/// What is known of a remote that is kept.
#[derive(Debug, Default)]
pub(super) struct Binding {
    /// Longest time between two requests, where the other side has asked for one.
    every: Option<Duration>,
    /// The request that waits for its answer, and how often it was sent.
    waiting: Option<(TransactionId, u32)>,
    /// It has answered one, so it will answer the next if it lives.
    answers: bool,
    /// The address that it sees us at.
    mapped: Option<SocketAddr>,
}

impl Transports {
    /// Begins keep-alives to that remote, or notes another interval.
    pub(super) fn bind(
        &mut self,
        cx: &mut Cx<'_>,
        (flow, remote): (FlowId, SocketAddr),
        every: Option<Duration>,
        out: &mut Out<'_, TransportOutput>,
    ) {
        if self.bindings.len() >= KEPT_REMOTES && !self.bindings.contains_key(&(flow, remote)) {
            self.counters.unkept_remotes += 1;
            return;
        }
        let mut fresh = false;
        let binding = self.bindings.entry((flow, remote)).or_insert_with(|| {
            fresh = true;
            Binding::default()
        });
        let changed = std::mem::replace(&mut binding.every, every) != every;
        // A request that waits for its answer goes on doing so; what follows it takes the new interval.
        if fresh || changed && binding.waiting.is_none() {
            self.arm_binding(cx, (flow, remote), out);
        }
    }

    pub(super) fn unbind(
        &mut self,
        (flow, remote): (FlowId, SocketAddr),
        out: &mut Out<'_, TransportOutput>,
    ) {
        if self.bindings.remove(&(flow, remote)).is_some() {
            disarm(TransportTimer::Binding(flow, remote), out);
        }
    }

    /// The socket is gone, and all that was kept over it.
    pub(super) fn unbind_all(&mut self, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        let kept: Vec<_> = self.bindings.keys().filter(|(socket, _)| *socket == flow).copied().collect();
        for pair in kept {
            self.unbind(pair, out);
        }
    }

    fn arm_binding(
        &mut self,
        cx: &mut Cx<'_>,
        (flow, remote): (FlowId, SocketAddr),
        out: &mut Out<'_, TransportOutput>,
    ) {
        let Some(binding) = self.bindings.get(&(flow, remote)) else { return };
        let after = match binding.every {
            Some(every) => shortened(every.max(super::SHORTEST_BEAT), 5, cx.random),
            None => shortened(LONGEST, 6, cx.random),
        };
        arm(TransportTimer::Binding(flow, remote), after, out);
    }

    /// Sends the next request, or the one that waits for its answer again; gives the remote up when that was often enough.
    pub(super) fn check_binding(
        &mut self,
        cx: &mut Cx<'_>,
        pair @ (flow, remote): (FlowId, SocketAddr),
        out: &mut Out<'_, TransportOutput>,
    ) {
        let (Some(binding), Some(socket)) = (self.bindings.get_mut(&pair), self.flows.socket(flow)) else {
            return;
        };
        let (id, sends) = match binding.waiting {
            None => (TransactionId::new(cx.random), 1),
            Some((id, sends)) if sends < SENDS => (id, sends + 1),
            Some(_) if binding.answers => return self.binding_failed(pair, out),
            // Who never answered does not know STUN, perhaps, and is no worse for it; the NAT is kept open all the same.
            Some(_) => {
                binding.waiting = None;
                return self.arm_binding(cx, pair, out);
            }
        };
        binding.waiting = Some((id, sends));
        let (transport, local) = (Transport::Udp, socket.local);
        let hop = Hop { flow, transport, remote, local, above: None, alias: false };
        out.push(TransportOutput::KeepAlive { hop, wire: id.request() });
        let wait = if sends < SENDS { RTO * (1 << (sends - 1)) } else { RTO * LAST_WAIT };
        arm(TransportTimer::Binding(flow, remote), wait, out);
    }

    /// A STUN datagram. Only answers that are waited for say anything; requests are a server's to answer.
    pub(super) fn stun(
        &mut self,
        cx: &mut Cx<'_>,
        origin: &Origin,
        datagram: &[u8],
        out: &mut Out<'_, TransportOutput>,
    ) {
        self.counters.keep_alive += 1;
        let pair = (origin.flow, origin.source);
        let Some(answer) = stun::answer(datagram) else { return };
        let Some(binding) = self.bindings.get_mut(&pair) else { return };
        if binding.waiting.take_if(|(id, _)| *id == answer.id).is_none() {
            return;
        }
        match answer.mapped {
            Ok(mapped) => {
                binding.answers = true;
                let before = binding.mapped;
                binding.mapped = mapped.or(before);
                if before.is_some() && binding.mapped != before {
                    return self.binding_failed(pair, out);
                }
            }
            Err(stun::Refused) if binding.answers => return self.binding_failed(pair, out),
            Err(stun::Refused) => {}
        }
        self.arm_binding(cx, pair, out);
    }

    fn binding_failed(&mut self, (flow, remote): (FlowId, SocketAddr), out: &mut Out<'_, TransportOutput>) {
        self.counters.failed_remotes += 1;
        self.unbind((flow, remote), out);
        tell(FlowEvent::Failed { flow, remote }, out);
    }
}
