//! Listens on a UDP address (a wildcard becomes one socket per local address) and prints each SIP message that arrives
//! on the first of them: `cargo run -p patchcord-sip-transport --example listen -- 127.0.0.1:5060`.

use std::{env, error::Error};

use sip_transport::{
    Config, Cx, FlowEvent, FlowId, Guard, IdMint, Outbox, Random, Tick, Transport, TransportInput,
    TransportOutput, Transports, UnixTime,
    io::{RECEIVE_BUDGET, UdpFlow},
};

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
    let listen = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5060".to_owned()).parse()?;
    let mut socket = UdpFlow::listen(listen)?.swap_remove(0);
    println!("listening on {}", socket.local());

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
            }
        }
        socket.readable().await?;
        socket.try_receive(RECEIVE_BUDGET, |datagram| {
            inputs.push(TransportInput::Bytes { flow, source: datagram.source, bytes: datagram.bytes });
        })?;
    }
}
