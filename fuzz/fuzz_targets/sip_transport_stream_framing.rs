//! A stream in pieces of any size gives the same messages through the flow state as in large ones, and the connection ends
//! or stays alike. The first byte says who opened the connection and how large the pieces are.

#![no_main]

use std::{collections::VecDeque, net::SocketAddr};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip_message::Limits;
use sip_transport::{
    Config, Cx, FlowEvent, FlowId, Guard, IdMint, Out, Outbox, Random, Route, RouteId, Tick, Transport,
    TransportCommand, TransportInput, TransportOutput, Transports, UnixTime,
};

/// Small, so that inputs reach it.
const MESSAGE: usize = 1024;

/// The largest piece that sockets bring.
const PIECE: usize = 16 * 1024;

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// What came of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    messages: Vec<Bytes>,
    closed: bool,
    /// Pings of one piece are answered with one answer, so only whether there was one can be compared.
    answered: bool,
}

fuzz_target!(|data: &[u8]| {
    let Some((first, stream)) = data.split_first() else { return };
    let came_in = first & 1 == 0;
    let whole = read(came_in, stream, PIECE);
    assert_eq!(read(came_in, stream, usize::from(first >> 1) + 1), whole);
    assert_eq!(read(came_in, stream, 1), whole);
});

fn read(came_in: bool, stream: &[u8], size: usize) -> Read {
    let mut random = Counting(0);
    let guard = Guard::new(&mut random);
    let mut ids = IdMint::default();
    let limits = Limits { message: MESSAGE, ..Limits::default() };
    let mut transports = Transports::new(Config { limits, ..Config::default() });
    let mut outbox = Outbox::default();
    let mut step = |run: &mut dyn FnMut(&mut Transports, &mut Cx<'_>, &mut Out<'_, TransportOutput>)| {
        let (now, unix) = (Tick::default(), UnixTime::default());
        let mut cx = Cx { now, unix, random: &mut random, ids: &mut ids, guard: &guard };
        run(&mut transports, &mut cx, &mut outbox.out());
        std::iter::from_fn(|| outbox.pop()).collect::<Vec<_>>()
    };
    let local: SocketAddr = "192.0.2.10:0".parse().expect("an address");
    let remote: SocketAddr = "192.0.2.20:5060".parse().expect("an address");
    let listener = FlowId::from(1 << 48);
    let opened = TransportInput::Opened { flow: listener, transport: Transport::Tcp, local };
    step(&mut |transports, cx, out| transports.receive(cx, opened.clone(), out));
    let flow = if came_in {
        let flow = FlowId::from((1 << 48) + 1);
        let accepted = TransportInput::Accepted { flow, listener, remote };
        step(&mut |transports, cx, out| transports.receive(cx, accepted.clone(), out));
        flow
    } else {
        let uri: sip_message::UriBuf = format!("sip:{remote};transport=tcp").parse().expect("a URI");
        let route = Route { route: RouteId::from(1), uri, secure: false, flow: None };
        let outputs = step(&mut |transports, cx, out| {
            transports.command(cx, TransportCommand::Route(route.clone()), out)
        });
        let connect = outputs.into_iter().find_map(|output| match output {
            TransportOutput::Connect(connect) => Some(connect.flow),
            _ => None,
        });
        connect.expect("our address is known only by the connection")
    };
    let local = "192.0.2.10:50000".parse().expect("an address");
    let connected = TransportInput::Connected { flow, local, peer: None };
    step(&mut |transports, cx, out| transports.receive(cx, connected.clone(), out));
    let mut read = Read { messages: Vec::new(), closed: false, answered: false };
    for piece in stream.chunks(size) {
        let bytes = Bytes::copy_from_slice(piece);
        let mut inputs = VecDeque::from([TransportInput::Bytes { flow, source: remote, bytes }]);
        while let Some(input) = inputs.pop_front() {
            for output in step(&mut |transports, cx, out| transports.receive(cx, input.clone(), out)) {
                match output {
                    TransportOutput::Again(flow) => inputs.push_back(TransportInput::Again(flow)),
                    TransportOutput::Flow(FlowEvent::Inbound(inbound)) => {
                        read.messages.push(inbound.message.bytes().clone());
                    }
                    TransportOutput::Close(closed) => {
                        assert_eq!(closed, flow);
                        read.closed = true;
                    }
                    TransportOutput::KeepAlive { .. } => read.answered = true,
                    _ => {}
                }
            }
        }
    }
    if read.closed {
        // Whether a ping in front of what ends a connection is answered depends on the pieces.
        read.answered = false;
    }
    read
}
