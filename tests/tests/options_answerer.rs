//! The answerer that `cargo xtask bench options` measures, which no step of CI builds with its peer.

#[path = "../../benches/options/src/ours.rs"]
mod ours;

use std::{io, net::SocketAddr, time::Duration};

use sip_message::{Message, StatusCode};
use tokio::{net::UdpSocket, sync::mpsc, time::timeout};

/// Longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn each_request_is_answered_200_and_a_repeated_one_with_the_same_bytes() {
    let (told, mut addresses) = mpsc::unbounded_channel();
    let tell = |address| told.send(address).map_err(io::Error::other);
    let asking = async {
        let server = addresses.recv().await.expect("the answerer listens");
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let [first, second, repeated] = [
            ask(&socket, server, "one").await,
            ask(&socket, server, "two").await,
            ask(&socket, server, "one").await,
        ];
        assert_eq!(first.bytes(), repeated.bytes());
        assert_ne!(first.to_tag(), second.to_tag());
    };
    tokio::select! {
        ended = ours::serve(tell) => panic!("the answerer ended: {ended:?}"),
        () = asking => {}
    }
}

/// Sends an OPTIONS and returns its answer, a 200 on its branch.
async fn ask(socket: &UdpSocket, server: SocketAddr, branch: &str) -> Message {
    let local = socket.local_addr().expect("a bound socket");
    let options = format!(
        "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n\
        From: <sip:asker@{local}>;tag=1\r\nTo: <sip:{server}>\r\nCall-ID: {branch}\r\nCSeq: 1 OPTIONS\r\n\r\n"
    );
    socket.send_to(options.as_bytes(), server).await.expect("loopback takes it");
    let mut datagram = vec![0; 2048];
    let received = timeout(LIMIT, socket.recv(&mut datagram)).await.expect("an answer in time");
    datagram.truncate(received.expect("a datagram"));
    let answer = Message::parse(datagram.into()).expect("a SIP message");
    assert_eq!(answer.status(), Some(StatusCode::OK));
    let via = answer.top_via().expect("a Via");
    assert_eq!(via.branch().and_then(|own| own.strip_prefix("z9hG4bK")), Some(branch));
    answer
}
