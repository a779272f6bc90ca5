//! How often a kept connection is pinged, and what answers a ping (RFC 5626 §4.4.1).

use std::time::Duration;

use sip_transport::{Config, Hop, SHORTEST_BEAT, TransportCommand, TransportOutput};

use crate::{
    bench::{Bench, closes},
    connections::{request, response},
};

const TCP: (sip_transport::Transport, &str) = (sip_transport::Transport::Tcp, "192.0.2.10:5060");

/// A connection that we opened.
fn opened(bench: &mut Bench) -> Hop {
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
    bench.send(hop, request("TCP", TCP.1));
    bench.connect(hop.flow, "192.0.2.10:40000", None);
    hop
}

/// How long it takes until the next ping; tried in steps of a tenth of a second.
fn next_ping(bench: &mut Bench) -> Duration {
    let step = Duration::from_millis(100);
    let ping = |output: &TransportOutput| matches!(output, TransportOutput::KeepAlive { .. });
    (1..4_000).find(|_| bench.pass(step).iter().any(ping)).map(|steps| step * steps).expect("a ping")
}

#[test]
fn a_connection_is_pinged_as_often_as_the_other_side_asks() {
    for (asked, longest) in [(None, 120), (Some(40), 40), (Some(300), 300), (Some(5), 5), (Some(1), 5)] {
        let config = Config { keep_alive: Some(Duration::from_mins(2)), ..Config::default() };
        let mut bench = Bench::with(config, &[TCP]);
        let hop @ Hop { flow, .. } = opened(&mut bench);
        bench.command(TransportCommand::Keep {
            flow,
            remote: hop.remote,
            every: asked.map(Duration::from_secs),
        });
        let longest = Duration::from_secs(longest);
        assert!(longest >= SHORTEST_BEAT);
        let least = longest.mul_f64(0.8);
        let after = next_ping(&mut bench);
        assert!(after >= least && after <= longest + Duration::from_millis(100), "{asked:?}: {after:?}");
    }
}

#[test]
fn the_newest_interval_counts() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hop @ Hop { flow, .. } = opened(&mut bench);
    bench.command(TransportCommand::Keep { flow, remote: hop.remote, every: Some(Duration::from_secs(100)) });
    bench.command(TransportCommand::Keep { flow, remote: hop.remote, every: Some(Duration::from_secs(20)) });
    assert!(next_ping(&mut bench) <= Duration::from_secs(21));
}

#[test]
fn what_asks_for_pings_has_them_where_the_setting_has_none() {
    let mut bench = Bench::with(Config { keep_alive: None, ..Config::default() }, &[TCP]);
    let hop @ Hop { flow, .. } = opened(&mut bench);
    assert!(bench.timers.keys().all(|timer| !format!("{timer:?}").starts_with("KeepAlive")));
    bench.command(TransportCommand::Keep { flow, remote: hop.remote, every: Some(Duration::from_secs(20)) });
    assert!(next_ping(&mut bench) <= Duration::from_secs(21));
}

#[test]
fn line_ends_that_nobody_asked_for_are_no_pong() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hop = opened(&mut bench);
    bench.piece(hop.flow, &b"\r\n\r\n"[..]);
    assert!(closes(&bench.pass(Duration::from_mins(20))).is_empty(), "it never answered a ping of ours");
    // Of who answers pings, a message in the meantime is as good.
    let sent = |outputs: &[TransportOutput]| {
        outputs.iter().any(|output| matches!(output, TransportOutput::KeepAlive { .. }))
    };
    while !sent(&bench.pass(Duration::from_secs(1))) {}
    bench.piece(hop.flow, &b"\r\n"[..]);
    while !sent(&bench.pass(Duration::from_secs(1))) {}
    bench.pass(Duration::from_secs(1));
    bench.piece(hop.flow, response("TCP", TCP.1));
    assert!(closes(&bench.pass(Duration::from_secs(10))).is_empty());
}
