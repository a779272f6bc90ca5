//! Listens on a UDP address (a wildcard becomes one socket per local address) and prints each SIP message that arrives
//! on the first of them: `cargo run -p patchcord-sip-transport --example listen -- 127.0.0.1:5060`. Without an address it
//! sends one message to itself and ends.

use std::{env, error::Error};

use sip_transport::{
    Config, Cx, FlowEvent, FlowId, Guard, IdMint, Outbox, Random, Tick, Transport, TransportInput,
    TransportOutput, Transports, UnixTime,
    io::{RECEIVE_BUDGET, UdpFlow},
};

/// A message that a listener might get.
const OPTIONS: &[u8] =
    b"OPTIONS sip:listen@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport\r\n\
    From: <sip:me@127.0.0.1>;tag=1\r\nTo: <sip:listen@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
    Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

/// A generator that is good enough for an example; an engine takes the operating system's.
struct Congruential(u64);

impl Random for Congruential {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = env::args().nth(1);
    let mut left = if given.is_some() { u64::MAX } else { 1 };
    let mut socket = UdpFlow::listen(given.as_deref().unwrap_or("127.0.0.1:0").parse()?)?.swap_remove(0);
    println!("listening on {}", socket.local());
    if given.is_none() {
        socket.try_send(socket.local(), OPTIONS)?;
    }

    let mut random = Congruential(1);
    let guard = Guard::new(&mut random);
    let mut ids = IdMint::default();
    let mut transports = Transports::new(Config::default());
    let flow: FlowId = ids.mint();
    let mut inputs = vec![TransportInput::Opened { flow, transport: Transport::Udp, local: socket.local() }];
    let mut outbox = Outbox::default();
    loop {
        for input in inputs.drain(..) {
            let now = Tick::default();
            let mut cx =
                Cx { now, unix: UnixTime::default(), random: &mut random, ids: &mut ids, guard: &guard };
            transports.receive(&mut cx, input, &mut outbox.out());
        }
        while let Some(output) = outbox.pop() {
            if let TransportOutput::Flow(FlowEvent::Inbound(inbound)) = output {
                println!("{}: {:?}", inbound.origin.source, inbound.message.start_line());
                left -= 1;
            }
        }
        if left == 0 {
            break;
        }
        socket.readable().await?;
        socket.try_receive(RECEIVE_BUDGET, |datagram| {
            inputs.push(TransportInput::Bytes { flow, source: datagram.source, bytes: datagram.bytes });
        })?;
    }
    Ok(())
}
