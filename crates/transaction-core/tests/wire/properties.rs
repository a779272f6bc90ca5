//! Whatever happens in whatever order, nothing panics, and everything ends.

use proptest::prelude::*;
use sip_message::Method;
use sip_transport::FlowEvent;
use transaction_core::{Config, TxCommand, TxEvent, TxId};

use crate::bench::{Bench, OTHER, PEER, Sent, address, draft, flow, hop, request, response};

#[derive(Debug, Clone)]
enum Op {
    Request { invite: bool, hops: usize },
    Answer { which: usize, status: u16 },
    Cancel { which: usize },
    Arrive { method: usize, branch: usize },
    Respond { which: usize, status: u16 },
    Unreachable { other: bool },
    Unsent { which: usize },
    FlowEnded,
    Advance { ms: u64 },
    Noise { bytes: Vec<u8> },
}

fn op() -> impl Strategy<Value = Op> {
    let status = prop_oneof![
        Just(100_u16),
        Just(180),
        Just(200),
        Just(202),
        Just(302),
        Just(408),
        Just(486),
        Just(487),
        Just(503),
        100_u16..700
    ];
    prop_oneof![
        2 => (any::<bool>(), 1_usize..3).prop_map(|(invite, hops)| Op::Request { invite, hops }),
        4 => (any::<usize>(), status.clone()).prop_map(|(which, status)| Op::Answer { which, status }),
        1 => any::<usize>().prop_map(|which| Op::Cancel { which }),
        4 => (0_usize..5, 0_usize..4).prop_map(|(method, branch)| Op::Arrive { method, branch }),
        4 => (any::<usize>(), status).prop_map(|(which, status)| Op::Respond { which, status }),
        1 => any::<bool>().prop_map(|other| Op::Unreachable { other }),
        1 => any::<usize>().prop_map(|which| Op::Unsent { which }),
        1 => Just(Op::FlowEnded),
        3 => (0_u64..40_000).prop_map(|ms| Op::Advance { ms }),
        1 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| Op::Noise { bytes }),
    ]
}

fn run(bench: &mut Bench, op: Op, ours: &mut Vec<TxId>) {
    match op {
        Op::Request { invite, hops } => {
            let method = if invite { Method::Invite } else { Method::Refer };
            ours.push(bench.request(draft(method), [hop(PEER), hop(OTHER)].into_iter().take(hops)));
        }
        Op::Answer { which, status } => {
            let requests: Vec<Sent> = bench
                .sent
                .iter()
                .filter(|sent| sent.message.is_request() && !sent.is(Method::Ack))
                .cloned()
                .collect();
            if let Some(sent) = requests.get(which % requests.len().max(1)) {
                bench.arrive(PEER, response(&sent.message, status, "peer"));
            }
        }
        Op::Cancel { which } => {
            if let Some(tx) = ours.get(which % ours.len().max(1)) {
                bench.command(TxCommand::Cancel { tx: *tx, reason: None });
            }
        }
        Op::Arrive { method, branch } => {
            let method = ["INVITE", "ACK", "CANCEL", "REFER", "BYE"][method];
            bench.arrive(PEER, request(method, &format!("z9hG4bK{branch}")));
        }
        Op::Respond { which, status } => {
            let requests = bench.requests();
            if let Some(tx) = requests.get(which % requests.len().max(1)) {
                bench.respond(*tx, status);
            }
        }
        Op::Unreachable { other } => {
            let remote = address(if other { OTHER } else { PEER });
            bench.receive(FlowEvent::Unreachable { flow: flow(), remote, branch: None });
        }
        Op::Unsent { which } => {
            let named = bench.sent.get(which % bench.sent.len().max(1)).and_then(|sent| {
                let via = sent.message.top_via().ok()?;
                Some((sent.outbound.hop.remote, via.branch()?.into()))
            });
            if let Some((remote, branch)) = named {
                bench.receive(FlowEvent::Unreachable { flow: flow(), remote, branch: Some(branch) });
            }
        }
        Op::FlowEnded => bench.receive(FlowEvent::Ended(flow())),
        Op::Advance { ms } => bench.advance_ms(ms),
        Op::Noise { bytes } => bench.arrive(PEER, bytes),
    }
}

/// How many answers or failures the layer above got for a client transaction.
fn ends(bench: &Bench, tx: TxId) -> (usize, usize) {
    let failures = bench.failures().iter().filter(|(_, of, _)| *of == tx).count();
    let finals = bench
        .events
        .iter()
        .filter(|(_, event)| match event {
            TxEvent::Response { tx: of, message, .. } => {
                *of == tx && message.status().is_some_and(|status| status.as_u16() >= 300)
            }
            _ => false,
        })
        .count();
    (failures, finals)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_ends_and_ends_once(ops in proptest::collection::vec(op(), 1..50)) {
        let mut bench = Bench::with(Config { capacity: 12, ..Config::default() });
        let mut ours = Vec::new();
        for op in ops {
            run(&mut bench, op, &mut ours);
            prop_assert!(bench.transactions.len() <= 12, "the bound holds");
        }
        // The layer above does its part: what rings is cancelled, what was asked is answered.
        for tx in &ours {
            bench.command(TxCommand::Cancel { tx: *tx, reason: None });
        }
        for tx in bench.requests() {
            bench.respond(tx, 500);
        }
        bench.exhaust();
        prop_assert_eq!(bench.transactions.len(), 0);
        prop_assert_eq!(bench.timers(), []);
        for tx in ours {
            let (failures, finals) = ends(&bench, tx);
            prop_assert!(failures + finals <= 1, "{tx} ended {failures} + {finals} times");
        }
        for sent in &bench.sent {
            let late = sent.message.cseq().is_ok_and(|cseq| cseq.method != Method::Invite);
            prop_assert!(!(late && sent.status() == Some(408)), "no 408 to a non-INVITE");
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(ops in proptest::collection::vec(op(), 1..30)) {
        let play = |ops: Vec<Op>| {
            let mut bench = Bench::new();
            let mut ours = Vec::new();
            for op in ops {
                run(&mut bench, op, &mut ours);
            }
            let sent: Vec<_> = bench.sent.iter().map(|sent| (sent.at, sent.outbound.clone())).collect();
            (sent, bench.timers())
        };
        prop_assert_eq!(play(ops.clone()), play(ops));
    }
}
