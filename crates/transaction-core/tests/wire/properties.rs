//! Whatever happens in whatever order, nothing panics, and everything ends.

use std::time::Duration;

use proptest::prelude::*;
use sip_message::Method;
use sip_transport::FlowEvent;
use transaction_core::{Config, TxCommand, TxEvent, TxId};

use crate::bench::{Bench, OTHER, PEER, Sent, address, draft, ended, flow, hop, request, response};

/// How a request of the peer differs from the plain one.
#[derive(Debug, Clone, Copy)]
enum Way {
    Plain,
    InDialog,
    /// As by RFC 2543, without a branch.
    Old,
    Stream,
}

#[derive(Debug, Clone)]
enum Op {
    Request { invite: bool, hops: usize },
    Answer { which: usize, status: u16 },
    Cancel { which: usize },
    Arrive { method: usize, branch: usize, way: Way },
    Respond { which: usize, status: u16 },
    Unreachable { other: bool },
    Unsent { which: usize },
    FlowEnded,
    Advance { ms: u64 },
    Noise { bytes: Vec<u8> },
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![4 => Just(Way::Plain), 2 => Just(Way::InDialog), 1 => Just(Way::Old), 1 => Just(Way::Stream)]
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
        5 => (0_usize..5, 0_usize..4, way()).prop_map(|(method, branch, way)| Op::Arrive { method, branch, way }),
        4 => (any::<usize>(), status).prop_map(|(which, status)| Op::Respond { which, status }),
        1 => any::<bool>().prop_map(|other| Op::Unreachable { other }),
        1 => any::<usize>().prop_map(|which| Op::Unsent { which }),
        1 => Just(Op::FlowEnded),
        3 => (0_u64..40_000).prop_map(|ms| Op::Advance { ms }),
        1 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| Op::Noise { bytes }),
    ]
}

/// A request of ours.
struct Ours {
    tx: TxId,
    method: Method,
    /// When it has to be over at the latest, where the layer above has nothing to do for it.
    end: Option<Duration>,
}

fn run(bench: &mut Bench, op: Op, ours: &mut Vec<Ours>) {
    match op {
        Op::Request { invite, hops } => {
            let method = if invite { Method::Invite } else { Method::Refer };
            let tx = bench.request(draft(method), [hop(PEER), hop(OTHER)].into_iter().take(hops));
            // 64*T1 for each hop, T4, and a slot of the wheel for each timer.
            let longest = Duration::from_millis(32_010 * hops as u64 + 5_010);
            ours.push(Ours { tx, method, end: (!invite).then(|| bench.now() + longest) });
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
            if let Some(Ours { tx, .. }) = ours.get(which % ours.len().max(1)) {
                bench.command(TxCommand::Cancel { tx: *tx, reason: None });
            }
        }
        Op::Arrive { method, branch, way } => {
            let method = ["INVITE", "ACK", "CANCEL", "REFER", "BYE"][method];
            let text = request(method, &format!("z9hG4bK{branch}"));
            match way {
                Way::Plain => bench.arrive(PEER, text),
                Way::InDialog => {
                    let to = "To: <sip:alice@192.0.2.10>";
                    bench.arrive(PEER, text.replace(to, &format!("{to};tag=ours")));
                }
                Way::Old => bench.arrive(PEER, text.replace(&format!(";branch=z9hG4bK{branch}"), "")),
                Way::Stream => bench.arrive_reliably(PEER, text.replace("UDP", "TCP")),
            }
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
        Op::FlowEnded => bench.receive(ended(flow())),
        Op::Advance { ms } => bench.advance_ms(ms),
        Op::Noise { bytes } => bench.arrive(PEER, bytes),
    }
}

/// Holds at any time.
fn check(bench: &Bench, ours: &[Ours]) {
    assert!(bench.transactions.len() <= CAPACITY, "the bound holds");
    for timer in bench.timers() {
        assert!(bench.transactions.contains(timer.tx), "{timer:?} has no owner");
    }
    for Ours { tx, method, end } in ours {
        let late = end.is_some_and(|end| bench.now() > end) && bench.transactions.contains(*tx);
        assert!(!late, "{method} {tx} is past its time");
    }
    for (at, event) in &bench.events {
        let TxEvent::Request { tx, inbound } = event else { continue };
        // 64*T1 of silence, 64*T1 of timer J, and a slot of the wheel for each.
        let late = inbound.message.method() != Some(Method::Invite) && bench.now().as_millis() > at + 64_020;
        assert!(!(late && bench.transactions.contains(*tx)), "{tx} is past its time");
    }
}

/// How often the layer above was told that one of our requests is over: a failure, a refusal, or 2xx, which come as often as
/// they like for an INVITE.
fn ends(bench: &Bench, Ours { tx, method, .. }: &Ours) -> usize {
    let statuses: Vec<u16> = bench.responses(*tx).into_iter().map(|(_, status)| status).collect();
    let accepted = statuses.iter().filter(|status| (200..300).contains(*status)).count();
    let accepted = if *method == Method::Invite { accepted.min(1) } else { accepted };
    let refused = statuses.iter().filter(|status| **status >= 300).count();
    let failed = bench.failures().iter().filter(|(_, of, _)| of == tx).count();
    failed + refused + accepted
}

/// The bound of the table; small, so that it is met.
const CAPACITY: usize = 12;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_ends_and_ends_once(
        ops in proptest::collection::vec(op(), 1..60),
        answering in any::<bool>(),
    ) {
        let mut bench = Bench::with(Config { capacity: CAPACITY, calls: 90, others: 95, ..Config::default() });
        let mut ours = Vec::new();
        for op in ops {
            run(&mut bench, op, &mut ours);
            check(&bench, &ours);
        }
        // The layer above does its part: what rings is cancelled. What was asked it may answer or not.
        for Ours { tx, .. } in &ours {
            bench.command(TxCommand::Cancel { tx: *tx, reason: None });
        }
        if answering {
            for tx in bench.requests() {
                bench.respond(tx, 500);
            }
        }
        // The longest is a silent INVITE: 180 s, and 64*T1 for the ACK that does not come.
        bench.advance(Duration::from_millis(180_010 + 32_010));
        check(&bench, &ours);
        prop_assert_eq!(bench.transactions.len(), 0);
        prop_assert_eq!(bench.timers(), []);
        for ours in &ours {
            prop_assert_eq!(ends(&bench, ours), 1, "{} {}", ours.method, ours.tx);
        }
        for tx in bench.requests() {
            let failed = bench.failures().iter().filter(|(_, of, _)| *of == tx).count();
            prop_assert!(failed <= 1, "{tx} failed {failed} times");
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
