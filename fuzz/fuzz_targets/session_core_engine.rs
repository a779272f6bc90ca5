//! An engine fed with arbitrary datagrams, commands and time never panics, and comes to rest.
#![no_main]

use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use session_core::{
    CallOptions, MediaMode, ReferPolicy, StatusCode, TransferPolicy,
    engine::{Command, CommandId, Delivery, Engine, EngineConfig, Input, Output},
};
use sip_transport::{FlowId, Random, Transport, TransportInput};

#[derive(Debug, Arbitrary)]
enum Op {
    Datagram(Vec<u8>),
    /// A response or request of ours sent back with one byte changed.
    Echo {
        index: u8,
        at: u16,
        byte: u8,
    },
    Call,
    HangUpAll,
    Blind,
    Hold(bool),
    Wait(u16),
}

struct Counter(u64);

impl Random for Counter {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

fuzz_target!(|ops: Vec<Op>| {
    let mut now = Instant::now();
    let mut config = EngineConfig::new("<sip:fuzz@192.0.2.1>".parse().expect("a constant URI"));
    config.media = MediaMode::Off;
    config.policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    let mut engine = Engine::new(config, now, Duration::from_secs(1_700_000_000), Box::new(Counter(1)), ());
    let flow = FlowId::from(1);
    let local = "192.0.2.1:5060".parse().expect("a constant address");
    let source = "192.0.2.2:5060".parse().expect("a constant address");
    engine.handle(now, Input::Transport(TransportInput::Opened { flow, transport: Transport::Udp, local }));
    let mut sent: Vec<Bytes> = Vec::new();
    let mut calls = Vec::new();
    let mut id = 0;
    let mut next = || {
        id += 1;
        CommandId::from(id)
    };
    for op in ops.into_iter().take(64) {
        match op {
            Op::Datagram(bytes) => {
                let bytes = Bytes::from(bytes);
                engine.handle(now, Input::Transport(TransportInput::Bytes { flow, source, bytes }));
            }
            Op::Echo { index, at, byte } => {
                if let Some(bytes) = sent.get(usize::from(index) % sent.len().max(1)) {
                    let mut bytes = bytes.to_vec();
                    let at = usize::from(at) % bytes.len();
                    bytes[at] = byte;
                    let bytes = Bytes::from(bytes);
                    engine.handle(now, Input::Transport(TransportInput::Bytes { flow, source, bytes }));
                }
            }
            Op::Call => {
                let target = "sip:b@192.0.2.2".parse().expect("a constant URI");
                let options = CallOptions::default();
                engine.handle(now, Input::Command { id: next(), command: Command::Call { target, options } });
            }
            Op::HangUpAll => engine.handle(now, Input::Command { id: next(), command: Command::HangUpAll }),
            Op::Blind => {
                if let Some(session) = calls.last().copied() {
                    let target = "sip:c@192.0.2.3".parse().expect("a constant URI");
                    engine.handle(
                        now,
                        Input::Command { id: next(), command: Command::Blind { session, target } },
                    );
                }
            }
            Op::Hold(held) => {
                if let Some(session) = calls.last().copied() {
                    let command = if held { Command::Hold { session } } else { Command::Resume { session } };
                    engine.handle(now, Input::Command { id: next(), command });
                }
            }
            Op::Wait(millis) => {
                now += Duration::from_millis(u64::from(millis));
                engine.handle_timeout(now);
            }
        }
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Write(outbound) if sent.len() < 256 => sent.push(outbound.wire),
                Output::Deliver(Delivery::Call { session, .. }) => {
                    calls.push(session);
                    let command = if session.number() % 3 == 0 {
                        Command::Reject { session, status: StatusCode::BUSY_HERE }
                    } else {
                        Command::Answer { session, source: None }
                    };
                    engine.handle(now, Input::Command { id: next(), command });
                }
                _ => {}
            }
        }
    }
    engine.handle(now, Input::Command { id: next(), command: Command::HangUpAll });
    for _ in 0..10_000 {
        while engine.poll_output().is_some() {}
        let Some(deadline) = engine.next_deadline() else { break };
        now = now.max(deadline);
        engine.handle_timeout(now);
    }
    assert!(engine.leftovers().is_empty(), "{:?}", engine.leftovers());
});
