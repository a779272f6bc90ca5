//! What peers cannot do to us.

use std::{fs, io::ErrorKind};

use sip_transport::{
    CloseCause, Transport, TransportInput,
    io::{SocketConfig, Sockets, Written},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::bench::{LOOPBACK, Side, address, outbound, soon};

/// Slow connections that are opened where the system lets us.
const SLOW: usize = 2000;
/// Fewer than this would prove nothing.
const FEWEST_SLOW: usize = 500;
/// File descriptors for everything else that tests hold open at the same time.
const OTHER_FILES: usize = 200;

/// How many connections to ourselves the limit on open files allows; each has two.
fn slow_connections() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let files = soft.and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX);
    let fit = files.saturating_sub(OTHER_FILES) / 2;
    assert!(fit >= FEWEST_SLOW, "the limit on open files is too low for this test: {files}");
    fit.min(SLOW)
}

#[tokio::test]
async fn many_slow_connections_do_not_hold_up_others() {
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, LOOPBACK[0])]);
    let mut slow = Vec::new();
    for _ in 0..slow_connections() {
        let mut peer = soon(TcpStream::connect(locals[0])).await.expect("it listens");
        peer.write_all(b"I").await.expect("connected");
        let flow = loop {
            // The byte of an earlier one may come in between.
            match server.told().await {
                TransportInput::Accepted { flow, .. } => break flow,
                TransportInput::Connected { .. } | TransportInput::Bytes { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        slow.push((peer, flow));
    }
    let mut peer = soon(TcpStream::connect(locals[0])).await.expect("it listens");
    peer.write_all(b"a whole message").await.expect("connected");
    let mut whole = None;
    while whole.is_none() {
        match server.told().await {
            TransportInput::Bytes { flow, bytes, .. } if bytes.len() > 1 => whole = Some(flow),
            TransportInput::Closed { flow, cause } => panic!("{flow}: {cause}"),
            _ => {}
        }
    }
    server.write(whole.expect("it came"), "answer");
    let mut answer = [0; 6];
    soon(peer.read_exact(&mut answer)).await.expect("connected");
    assert_eq!(&answer, b"answer");
}

#[tokio::test]
async fn a_peer_that_never_reads_ends_by_a_full_write_queue() {
    let mut sockets = Sockets::new(SocketConfig::default());
    let locals = sockets.listen(Transport::Tcp, address(LOOPBACK[0])).expect("loopback is there");
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    let mut inputs = Vec::new();
    let flow = loop {
        soon(sockets.next(&mut inputs)).await;
        let connected = inputs.iter().find_map(|input| match input {
            TransportInput::Connected { flow, .. } => Some(*flow),
            _ => None,
        });
        if let Some(flow) = connected {
            break flow;
        }
    };
    let wire = outbound(flow, Transport::Tcp, locals[0], vec![b'x'; 16 << 10]);
    let closed = loop {
        match sockets.write(&wire) {
            Written::Sent => tokio::task::yield_now().await,
            Written::Lost => panic!("the flow is there"),
            Written::Failed(input) => break input,
        }
    };
    assert_eq!(closed, TransportInput::Closed { flow, cause: CloseCause::WriteQueue });
    assert_eq!(sockets.write(&wire), Written::Lost);
    // The connection is gone, not only forgotten.
    let mut rest = Vec::new();
    match soon(peer.read_to_end(&mut rest)).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[tokio::test]
async fn the_write_queue_takes_its_limit_and_not_one_byte_more() {
    let mut config = SocketConfig::default();
    config.write_queue = 1000;
    let mut sockets = Sockets::new(config);
    let locals = sockets.listen(Transport::Tcp, address(LOOPBACK[0])).expect("loopback is there");
    let _peers = [TcpStream::connect(locals[0]).await, TcpStream::connect(locals[0]).await];
    let mut flows = Vec::new();
    let mut inputs = Vec::new();
    while flows.len() < 2 {
        soon(sockets.next(&mut inputs)).await;
        flows.extend(inputs.drain(..).filter_map(|input| match input {
            TransportInput::Connected { flow, .. } => Some(flow),
            _ => None,
        }));
    }
    // Nothing runs between the writes, so all of it waits.
    let all = outbound(flows[0], Transport::Tcp, locals[0], vec![b'x'; 1000]);
    assert_eq!(sockets.write(&all), Written::Sent);
    let more = outbound(flows[1], Transport::Tcp, locals[0], vec![b'x'; 1001]);
    assert!(matches!(sockets.write(&more), Written::Failed(TransportInput::Closed { .. })));
    let one = outbound(flows[0], Transport::Tcp, locals[0], "x");
    assert!(matches!(sockets.write(&one), Written::Failed(TransportInput::Closed { .. })));
}

#[tokio::test]
async fn a_flood_on_one_connection_waits_in_the_system_and_leaves_others_their_turn() {
    let (other, all) = flood().await;
    assert!(other * 2 < all, "in turn {other} of {all}");
}

// With several threads a connection could bring the next piece while the last is being taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_brings_one_piece_a_turn_however_many_threads_there_are() {
    flood().await;
}

/// As much on one connection as the system holds, and one word on another: the turn in which that came, and all turns.
async fn flood() -> (usize, usize) {
    let mut sockets = Sockets::new(SocketConfig::default());
    let locals = sockets.listen(Transport::Tcp, address(LOOPBACK[0])).expect("loopback is there");
    let flood = TcpStream::connect(locals[0]).await.expect("it listens");
    let mut other = TcpStream::connect(locals[0]).await.expect("it listens");
    // Until the system takes no more: nobody asks for inputs meanwhile.
    let piece = vec![b'x'; 1 << 16];
    let mut sent = 0;
    loop {
        match flood.try_write(&piece) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    other.write_all(b"one").await.expect("connected");
    let (mut got, mut turns, mut seen) = (0, 0, None);
    while got < sent || seen.is_none() {
        let mut inputs = Vec::new();
        soon(sockets.next(&mut inputs)).await;
        turns += 1;
        let mut of_flood = 0;
        for input in inputs {
            match input {
                TransportInput::Bytes { bytes, .. } if bytes == "one" => seen = seen.or(Some(turns)),
                TransportInput::Bytes { bytes, .. } => {
                    got += bytes.len();
                    of_flood += 1;
                }
                TransportInput::Closed { cause, .. } => panic!("{cause}"),
                _ => {}
            }
        }
        assert!(of_flood <= 1, "one piece of a connection at a time");
    }
    (seen.expect("it came"), turns)
}

#[tokio::test]
async fn a_connection_that_is_given_another_turn_brings_nothing_new_in_it() {
    let mut server = Sockets::new(SocketConfig::default());
    let at = server.listen(Transport::Tcp, address(LOOPBACK[0])).expect("loopback");
    let mut peer = TcpStream::connect(at[0]).await.expect("it listens");
    peer.write_all(b"one").await.expect("connected");
    let mut inputs = Vec::new();
    let flow = loop {
        soon(server.next(&mut inputs)).await;
        if let Some(TransportInput::Bytes { flow, .. }) = inputs.last() {
            break *flow;
        }
    };
    peer.write_all(b"two").await.expect("connected");
    server.again(flow);
    for _ in 0..3 {
        inputs.clear();
        soon(server.next(&mut inputs)).await;
        assert_eq!(inputs, [TransportInput::Again(flow)]);
        server.again(flow);
        // Whoever would bring more has had the time for it.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    inputs.clear();
    soon(server.next(&mut inputs)).await;
    assert_eq!(inputs, [TransportInput::Again(flow)]);
    inputs.clear();
    soon(server.next(&mut inputs)).await;
    assert!(
        matches!(&inputs[..], [TransportInput::Bytes { bytes, .. }] if bytes[..] == *b"two"),
        "{inputs:?}"
    );
}

#[tokio::test]
async fn so_many_closed_connections_linger_and_one_more_ends_the_first() {
    let mut config = SocketConfig::default();
    config.lingering = 1;
    let mut server = Sockets::new(config);
    let at = server.listen(Transport::Tcp, address(LOOPBACK[0])).expect("loopback");
    let (mut flows, mut peers, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
    while flows.len() < 2 {
        peers.push(TcpStream::connect(at[0]).await.expect("it listens"));
        while flows.len() < peers.len() {
            soon(server.next(&mut inputs)).await;
            let ready = |input| match input {
                TransportInput::Connected { flow, .. } => Some(flow),
                _ => None,
            };
            flows.extend(inputs.drain(..).filter_map(ready));
        }
    }
    // No task gets to run in between.
    for flow in &flows {
        assert_eq!(server.write(&outbound(*flow, Transport::Tcp, at[0], "last words")), Written::Sent);
        server.close(*flow);
    }
    let mut words = Vec::new();
    for peer in &mut peers {
        let mut got = String::new();
        soon(peer.read_to_string(&mut got)).await.expect("nothing is unread here");
        words.push(got);
    }
    assert_eq!(words, ["", "last words"]);
}
