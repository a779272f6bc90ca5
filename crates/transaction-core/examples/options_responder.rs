//! Answers OPTIONS over UDP with 200 and anything else with 405, by the transaction layer alone:
//! `cargo run -p patchcord-transaction-core --example options_responder -- 192.0.2.10:5060`. Without an address it sends one
//! OPTIONS to itself, prints the answer and ends.

use std::{env, error::Error, time::Duration};

use sip_message::{Draft, HeaderId, Method, Response, StatusCode};
use sip_transport::{
    Cx, Guard, Hop, IdMint, Inbound, Outbox, Random, Tick, TimerOp, Transport, TransportCommand,
    TransportInput, TransportOutput, Transports, UnixTime,
    io::{RECEIVE_BUDGET, UdpFlow},
    wheel::Wheel,
};
use tokio::time::{Instant, sleep_until};
use transaction_core::{Config, Transactions, TxCommand, TxEvent, TxId, TxOutput};

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
    let mut socket = UdpFlow::listen(given.as_deref().unwrap_or("127.0.0.1:0").parse()?)?.swap_remove(0);
    let (local, start) = (socket.local(), Instant::now());
    let mut random = Congruential(1);
    let (guard, mut ids) = (Guard::new(&mut random), IdMint::default());
    let mut transports = Transports::new(sip_transport::Config::default());
    let mut transactions = Transactions::new(Config::default());
    let (mut below, mut above, mut timers) = (Outbox::default(), Outbox::default(), Wheel::new());
    let (flow, transport) = (ids.mint(), Transport::Udp);
    let mut inputs = vec![TransportInput::Opened { flow, transport, local }];
    let hop = Hop { flow, transport, remote: local, local, above: None };
    let mut question = given.is_none().then(|| ask(ids.mint(), hop));
    loop {
        let (now, unix) = (Tick::from_micros(start.elapsed().as_micros() as u64), UnixTime::default());
        let cx = &mut Cx { now, unix, random: &mut random, ids: &mut ids, guard: &guard };
        inputs.drain(..).for_each(|input| transports.receive(cx, input, &mut below.out()));
        question.take().into_iter().for_each(|ask| transactions.command(cx, ask, &mut above.out()));
        while let Some(timer) = timers.pop(now) {
            transactions.expire(cx, timer, &mut above.out());
        }
        while !(below.is_empty() && above.is_empty()) {
            match below.pop() {
                Some(TransportOutput::Flow(event)) => transactions.receive(cx, event, &mut above.out()),
                Some(TransportOutput::Write(sent)) => {
                    if let Err(error) = socket.try_send(sent.hop.remote, &sent.wire) {
                        eprintln!("{}: {error}", sent.hop.remote);
                    }
                }
                _ => {}
            }
            match above.pop() {
                Some(TxOutput::Send(sent)) => {
                    transports.command(cx, TransportCommand::Send(sent), &mut below.out());
                }
                Some(TxOutput::Timer(TimerOp::Arm(timer, after))) => timers.arm(now, timer, after),
                Some(TxOutput::Timer(TimerOp::Disarm(timer))) => timers.disarm(&timer),
                Some(TxOutput::Event(TxEvent::Request { tx, inbound })) => {
                    // What cannot be answered is left to the timer.
                    if let Some(answer) = answer(tx, &inbound) {
                        transactions.command(cx, answer, &mut above.out());
                    }
                }
                Some(TxOutput::Event(TxEvent::Response { message, .. })) => {
                    print!("{}", String::from_utf8_lossy(message.bytes()));
                    return Ok(());
                }
                _ => {}
            }
        }
        let due =
            timers.next().map_or(Duration::from_hours(1), |next| Duration::from_micros(next.as_micros()));
        tokio::select! {
            readable = socket.readable() => readable?,
            () = sleep_until(start + due) => {}
        }
        socket.try_receive(RECEIVE_BUDGET, |datagram| {
            inputs.push(TransportInput::Bytes { flow, source: datagram.source, bytes: datagram.bytes });
        })?;
    }
}

fn ask(tx: TxId, hop: Hop) -> TxCommand {
    let uri = format!("sip:{}", hop.remote);
    let draft = Draft::request(Method::Options, &uri)
        .header(HeaderId::From, format!("<{uri}>;tag=me"))
        .header(HeaderId::To, format!("<{uri}>"))
        .header(HeaderId::CallId, "example")
        .header(HeaderId::CSeq, "1 OPTIONS");
    TxCommand::Request { tx, hops: [hop].into_iter().collect(), draft }
}

fn answer(tx: TxId, inbound: &Inbound) -> Option<TxCommand> {
    let known = inbound.message.method() == Some(Method::Options);
    let status = if known { StatusCode::OK } else { StatusCode::METHOD_NOT_ALLOWED };
    let response = Response::to(&inbound.message, status)
        .top_via(inbound.via.as_deref()?)
        .to_tag("responder")
        .header(HeaderId::Allow, "OPTIONS");
    Some(TxCommand::Respond { tx, status, wire: response.encode().ok()? })
}
