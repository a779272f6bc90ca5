//! Any datagrams on any flows, any routes and any resolver answers: each datagram is counted once, each route is
//! answered once, and what is passed up can be answered.

#![no_main]

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip_message::{Response, StatusCode, UriBuf};
use sip_transport::{
    Config, Cx, FlowEvent, FlowId, Guard, IdMint, LookupError, Outbox, Random, Route, RouteId, Tick, TimerOp,
    Transport, TransportCommand, TransportInput, TransportOutput, TransportTimer, Transports, UnixTime,
};

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// Pieces of the input are divided by this byte; the first byte of each piece says what it is.
const DIVIDER: u8 = 0xff;

fuzz_target!(|data: &[u8]| {
    let mut random = Counting(0);
    let guard = Guard::new(&mut random);
    let mut ids = IdMint::default();
    let mut transports = Transports::new(Config::default());
    let mut outbox = Outbox::default();
    let source: SocketAddr = "192.0.2.20:40000".parse().expect("an address");
    let (mut datagrams, mut asked, mut answered) = (0_u64, 0_u64, 0_u64);
    let mut waiting: Vec<RouteId> = Vec::new();
    let locals = ["192.0.2.10:5060", "127.0.0.1:5060", "[2001:db8::a]:5060"];
    for (number, local) in (1..).zip(locals) {
        let mut cx = cx(&mut random, &mut ids, &guard);
        let local = local.parse().expect("an address");
        let opened = TransportInput::Opened { flow: FlowId::from(number), transport: Transport::Udp, local };
        transports.receive(&mut cx, opened, &mut outbox.out());
    }
    for piece in data.split(|byte| *byte == DIVIDER) {
        let Some((kind, rest)) = piece.split_first() else { continue };
        let flow = FlowId::from(u64::from(kind >> 4));
        let mut cx = cx(&mut random, &mut ids, &guard);
        let mut out = outbox.out();
        match kind & 7 {
            0 => {
                let uri = String::from_utf8_lossy(rest);
                if let Ok(uri) = UriBuf::parse(&uri) {
                    asked += 1;
                    let route = Route { route: RouteId::from(asked), uri, flow: Some(flow) };
                    transports.command(&mut cx, TransportCommand::Route(route), &mut out);
                }
            }
            1 => {
                if let Some(route) = waiting.pop() {
                    let addresses =
                        rest.chunks_exact(4).map(|ip| IpAddr::from([ip[0], ip[1], ip[2], ip[3]])).collect();
                    let result = if rest.is_empty() { Err(LookupError::NotFound) } else { Ok(addresses) };
                    transports.receive(&mut cx, TransportInput::Resolved { route, result }, &mut out);
                }
            }
            2 => {
                if let Some(route) = waiting.pop() {
                    transports.expire(&mut cx, TransportTimer::Resolve(route), &mut out);
                }
            }
            3 => transports.receive(&mut cx, TransportInput::SendFailed { flow, remote: source }, &mut out),
            4 if flow != FlowId::from(1) => {
                transports.receive(&mut cx, TransportInput::Closed { flow }, &mut out);
            }
            _ => {
                datagrams += 1;
                let bytes = Bytes::copy_from_slice(rest);
                let flow = if transports.local(flow).is_some() { flow } else { FlowId::from(1) };
                transports.receive(&mut cx, TransportInput::Bytes { flow, source, bytes }, &mut out);
            }
        }
        while let Some(output) = outbox.pop() {
            match output {
                TransportOutput::Flow(FlowEvent::Inbound(inbound)) => {
                    assert_eq!(inbound.via.is_some(), inbound.message.is_request());
                    assert_eq!(inbound.reply.remote.ip(), source.ip());
                    if let Some(via) = &inbound.via {
                        let response = Response::to(&inbound.message, StatusCode::BAD_REQUEST).top_via(via);
                        let _encoded_or_refused = response.to_tag("t").encode();
                    }
                }
                TransportOutput::Flow(FlowEvent::Routed { result, .. }) => {
                    answered += 1;
                    assert!(result.is_err() || result.is_ok_and(|hops| !hops.is_empty()));
                }
                TransportOutput::Resolve { route, .. } => waiting.push(route),
                TransportOutput::Timer(TimerOp::Arm(..) | TimerOp::Disarm(_)) => {}
                TransportOutput::Flow(FlowEvent::Unreachable { .. } | FlowEvent::Ended(_)) => {}
                TransportOutput::Write(_) => unreachable!("nothing was sent"),
            }
        }
    }
    for route in waiting {
        let mut cx = cx(&mut random, &mut ids, &guard);
        transports.expire(&mut cx, TransportTimer::Resolve(route), &mut outbox.out());
        answered += u64::from(outbox.pop().is_some());
    }
    assert!(transports.is_idle());
    assert_eq!(asked, answered);
    let c = transports.counters();
    assert_eq!(datagrams, c.passed + c.malformed + c.keep_alive + c.too_large + c.foreign_response);
});

fn cx<'a>(random: &'a mut Counting, ids: &'a mut IdMint, guard: &'a Guard) -> Cx<'a> {
    Cx { now: Tick::default(), unix: UnixTime::default(), random, ids, guard }
}
