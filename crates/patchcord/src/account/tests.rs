//! The registrar is played by hand.

use std::net::SocketAddr;
use std::time::Duration;

use session_core::message::{HeaderId, Message, Response};
use session_core::{MediaMode, SessionManager, StatusCode};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{refused, register};
use crate::args::AccountArgs;
use crate::exit::Exit;

const PATIENCE: Duration = Duration::from_secs(20);

/// The next REGISTER that has a number of its own.
async fn asked(registrar: &UdpSocket, number: u32) -> (Message, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    loop {
        let received = timeout(PATIENCE, registrar.recv_from(&mut buffer)).await.expect("in time");
        let (length, from) = received.expect("a datagram");
        let message = Message::parse(buffer[..length].to_vec().into()).expect("a message");
        if message.cseq().expect("a CSeq").number == number {
            return (message, from);
        }
    }
}

async fn answer(registrar: &UdpSocket, (request, from): &(Message, SocketAddr), status: StatusCode) {
    let contact = request.first(HeaderId::Contact).expect("a Contact");
    let response = Response::to(request, status).to_tag("registrar").contact(contact);
    registrar.send_to(&response.encode().expect("a response"), from).await.expect("sent");
}

#[tokio::test]
async fn a_refusal_that_stays_is_a_failure_at_first_and_after_the_account_was_registered() {
    let registrar = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = registrar.local_addr().expect("an address");
    let args = AccountArgs {
        account: Some(format!("sip:alice@{address}").parse().expect("a URI")),
        ..AccountArgs::default()
    };
    let (manager, _incoming) =
        SessionManager::builder().media(MediaMode::Off).start().await.expect("started");
    for accepted in 0..=1 {
        let registration = register(&manager, &args).await.expect("taken on").expect("an account");
        let (failure, ()) = tokio::join!(refused(Some(&registration), &args), async {
            // Once this is replied to, the end is being waited for.
            assert_eq!(manager.registrations().await.expect("a list").len(), 1);
            for number in 1..=accepted {
                answer(&registrar, &asked(&registrar, number).await, StatusCode::OK).await;
                registration.active().await.expect("registered");
                registration.refresh().await.expect("asked");
            }
            answer(&registrar, &asked(&registrar, accepted + 1).await, StatusCode::FORBIDDEN).await;
        });
        assert_eq!(failure.exit, Exit::Failed);
        assert!(
            failure.reason.contains("is not registered") && failure.reason.contains("403"),
            "{failure:?}"
        );
    }
    manager.shutdown().await;
}
