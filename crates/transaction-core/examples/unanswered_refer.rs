//! Shows when a REFER over UDP is sent while nobody answers it, in virtual time.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use sip_message::{Draft, HeaderId, Method};
use sip_transport::{Cx, FlowId, Guard, Hop, IdMint, Outbox, Random, Tick, TimerOp, Transport, UnixTime};
use transaction_core::{Config, Transactions, TxCommand, TxEvent, TxOutput, TxTimer};

/// A generator that is good enough for an example; an engine takes the operating system's.
struct Congruential(u64);

impl Random for Congruential {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = Congruential(1);
    let guard = Guard::new(&mut random);
    let mut ids = IdMint::default();
    let mut transactions = Transactions::new(Config::default());
    let mut outbox = Outbox::default();
    let mut timers: BTreeMap<TxTimer, Duration> = BTreeMap::new();
    let mut now = Duration::ZERO;

    let remote: SocketAddr = "192.0.2.20:5060".parse()?;
    let local: SocketAddr = "192.0.2.10:5060".parse()?;
    let hop =
        Hop { flow: FlowId::from(1), transport: Transport::Udp, remote, local, above: None, alias: false };
    let draft = Draft::request(Method::Refer, "sip:bob@192.0.2.20")
        .header(HeaderId::From, "<sip:alice@192.0.2.10>;tag=a")
        .header(HeaderId::To, "<sip:bob@192.0.2.20>;tag=b")
        .header(HeaderId::CallId, "c@192.0.2.10")
        .header(HeaderId::CSeq, "2 REFER")
        .header(HeaderId::ReferTo, "<sip:carol@192.0.2.30>");
    let mut command = Some(TxCommand::Request { tx: ids.mint(), hops: [hop].into_iter().collect(), draft });

    loop {
        let tick = Tick::from_micros(now.as_micros() as u64);
        let mut cx = Cx { now: tick, unix: UnixTime(now), random: &mut random, ids: &mut ids, guard: &guard };
        if let Some(command) = command.take() {
            transactions.command(&mut cx, command, &mut outbox.out());
        } else if let Some((&timer, &due)) = timers.iter().min_by_key(|(_, due)| **due) {
            timers.remove(&timer);
            now = due;
            transactions.expire(&mut cx, timer, &mut outbox.out());
        } else {
            return Ok(());
        }
        while let Some(output) = outbox.pop() {
            match output {
                TxOutput::Send(sent) => {
                    println!("{:>6.1} s  REFER, {} bytes", now.as_secs_f32(), sent.wire.len());
                }
                TxOutput::Event(TxEvent::Failed { failure, .. }) => {
                    println!("{:>6.1} s  {failure}", now.as_secs_f32());
                }
                TxOutput::Event(_)
                | TxOutput::Route(_)
                | TxOutput::Withdraw(_)
                | TxOutput::Avoid(_)
                | TxOutput::Keep { .. }
                | TxOutput::LetGo { .. } => {}
                TxOutput::Timer(TimerOp::Arm(timer, length)) => {
                    timers.insert(timer, now + length);
                }
                TxOutput::Timer(TimerOp::Disarm(timer)) => {
                    timers.remove(&timer);
                }
            }
        }
    }
}
