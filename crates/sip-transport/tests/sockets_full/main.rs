//! A process without file descriptors. It is a program of its own, as all others would fail meanwhile.
#![cfg(all(feature = "io", target_os = "linux"))]

use std::{fs::File, future::poll_fn};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sip_transport::{
    Transport, TransportInput,
    io::{SocketConfig, Sockets},
};
use tokio::net::TcpStream;

/// Enough for the test itself, and soon used up.
const FILES: u64 = 64;

/// After so many polls there are descriptors again.
const FULL_POLLS: usize = 5;

#[tokio::test]
async fn accepting_waits_without_spinning_until_there_are_descriptors_again() {
    let limit = Rlimit { current: Some(FILES), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).expect("lower than it was");
    let mut sockets = Sockets::new(SocketConfig::default());
    let listen = "127.0.0.1:0".parse().expect("test address");
    let locals = sockets.listen(Transport::Tcp, listen).expect("loopback is there");
    let mut inputs = Vec::new();
    sockets.next(&mut inputs).await;
    inputs.clear();
    // The system holds it until it is accepted.
    let peer = TcpStream::connect(locals[0]).await.expect("it listens");
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        let taken = sockets.poll_next(cx, &mut inputs);
        if polls < FULL_POLLS {
            assert!(taken.is_pending(), "there is no descriptor for it");
        } else {
            files.clear();
        }
        taken
    })
    .await;
    let expected = peer.local_addr().expect("connected");
    assert!(matches!(inputs[0], TransportInput::Accepted { remote, .. } if remote == expected), "{inputs:?}");
    // One poll for each wait, one or two for what the runtime says besides.
    assert!(polls <= FULL_POLLS + 4, "{polls} polls");
}
