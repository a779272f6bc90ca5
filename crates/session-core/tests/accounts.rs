//! Accounts by the facade: registered, called as, and taken back; the registrar is played by hand.

use std::{cell::RefCell, collections::BTreeSet, net::SocketAddr, time::Duration};

use session_core::{
    Account, AccountFault, CallOptions, EventKind, MediaMode, RecoveryAction, RegistrationError,
    RegistrationFailure, SessionError, SessionEvent, SessionManager, StatusCode, Subscriber, UriBuf,
    message::{HeaderId, Message, Method, Response},
};
use tokio::{net::UdpSocket, time::timeout};

const PATIENCE: Duration = Duration::from_secs(20);

/// The registrar's socket, and the Via of every request that came.
struct Registrar(UdpSocket, RefCell<BTreeSet<String>>);

impl Registrar {
    async fn start() -> Self {
        Self(UdpSocket::bind("127.0.0.1:0").await.expect("a port"), RefCell::default())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    /// The next request of that method that is not a repeated one.
    async fn request(&self, method: Method) -> (Message, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        loop {
            let received = timeout(PATIENCE, self.0.recv_from(&mut buffer)).await.expect("in time");
            let (length, from) = received.expect("a datagram");
            let message = Message::parse(buffer[..length].to_vec().into()).expect("a message");
            let via = message.first(HeaderId::Via).expect("a Via").to_owned();
            let fresh = self.1.borrow_mut().insert(via);
            if fresh && message.method() == Some(method) {
                return (message, from);
            }
        }
    }

    async fn answer(&self, request: &(Message, SocketAddr), status: StatusCode) {
        let response = Response::to(&request.0, status).to_tag("registrar");
        let response = match request.0.first(HeaderId::Contact) {
            Some(contact) if status == StatusCode::OK => response.header(HeaderId::Contact, contact),
            Some(_) | None => response,
        };
        self.0.send_to(&response.encode().expect("a response"), request.1).await.expect("sent");
    }
}

fn uri(text: &str) -> UriBuf {
    text.parse().expect("a URI")
}

fn account(user: &str, registrar: &Registrar) -> Account {
    let mut account = Account::new(uri(&format!("sip:{user}@example.com")).into()).expect("an account");
    account.registrars = vec![uri(&format!("sip:{}", registrar.address()))];
    account
}

async fn phone() -> (SessionManager, Subscriber<SessionEvent>) {
    let (manager, _) = SessionManager::builder().media(MediaMode::Off).start().await.expect("started");
    let events = manager.subscribe().expect("events");
    (manager, events)
}

async fn wait_for(events: &mut Subscriber<SessionEvent>, name: &str) -> SessionEvent {
    loop {
        let delivery = timeout(PATIENCE, events.recv()).await.expect("in time").expect("goes on");
        if let Some(event) = delivery.into_event().filter(|event| event.name() == name) {
            return (*event).clone();
        }
    }
}

#[tokio::test]
async fn an_account_is_registered_refreshed_and_taken_back_at_shutdown() {
    let registrar = Registrar::start().await;
    let (phone, mut events) = phone().await;
    let registration = phone.register(account("alice", &registrar)).await.expect("taken on");
    let first = registrar.request(Method::Register).await;
    registrar.answer(&first, StatusCode::OK).await;
    let info = registration.active().await.expect("registered");
    assert_eq!(info.account, "sip:alice@example.com");
    assert_eq!(info.registered.expect("a binding").expires, Duration::from_hours(1));
    let event = wait_for(&mut events, "registration_active").await;
    assert_eq!(event.peer().as_deref(), Some("sip:alice@example.com"));
    assert_eq!(phone.registrations().await.expect("a list").len(), 1);

    registration.refresh().await.expect("asked");
    let refresh = registrar.request(Method::Register).await;
    registrar.answer(&refresh, StatusCode::OK).await;
    wait_for(&mut events, "registration_active").await;

    let ((), removal) = tokio::join!(phone.shutdown(), async {
        let removal = registrar.request(Method::Register).await;
        registrar.answer(&removal, StatusCode::OK).await;
        removal
    });
    assert_eq!(removal.0.expires(), Some(0));
    let ended = wait_for(&mut events, "registration_ended").await;
    assert!(matches!(ended.kind, EventKind::RegistrationEnded { confirmed: true, .. }), "{ended:?}");
}

#[tokio::test]
async fn a_silent_registrar_does_not_keep_a_shutdown() {
    let registrar = Registrar::start().await;
    let (phone, mut events) = phone().await;
    let registration = phone.register(account("alice", &registrar)).await.expect("taken on");
    let first = registrar.request(Method::Register).await;
    registrar.answer(&first, StatusCode::OK).await;
    registration.active().await.expect("registered");
    timeout(PATIENCE, phone.shutdown()).await.expect("within its limit");
    let ended = wait_for(&mut events, "registration_ended").await;
    assert!(matches!(ended.kind, EventKind::RegistrationEnded { confirmed: false, .. }), "{ended:?}");
}

#[tokio::test]
async fn a_refusal_is_told_with_advice() {
    let registrar = Registrar::start().await;
    let (phone, mut events) = phone().await;
    for (status, failure, advice) in [
        (StatusCode::UNAUTHORIZED, RegistrationFailure::Unauthorized, RecoveryAction::FixInput),
        (
            StatusCode::FORBIDDEN,
            RegistrationFailure::Refused(StatusCode::FORBIDDEN),
            RecoveryAction::TryAlternative,
        ),
    ] {
        let registration = phone.register(account("alice", &registrar)).await.expect("taken on");
        let (error, ()) = tokio::join!(registration.active(), async {
            // Once this is replied to, the outcome is being waited for.
            phone.registrations().await.expect("a list");
            let first = registrar.request(Method::Register).await;
            registrar.answer(&first, status).await;
        });
        let error = error.expect_err("refused");
        assert_eq!(error, RegistrationError::Failed { failure, retry_after: None });
        assert_eq!(error.recovery(), advice);
        wait_for(&mut events, "registration_failed").await;
        assert_eq!(registration.unregister().await, Err(RegistrationError::Unknown));
    }
    let mut faulty = account("alice", &registrar);
    faulty.registrars.clear();
    let error = phone.register(faulty).await.expect_err("not taken on");
    assert_eq!(error, RegistrationError::Account(AccountFault::Registrars));
    phone.shutdown().await;
}

#[tokio::test]
async fn the_end_of_a_registration_is_waited_for_and_a_later_refusal_told() {
    let registrar = Registrar::start().await;
    let (phone, _events) = phone().await;
    for refused in [true, false] {
        let registration = phone.register(account("alice", &registrar)).await.expect("taken on");
        let first = registrar.request(Method::Register).await;
        registrar.answer(&first, StatusCode::OK).await;
        registration.active().await.expect("registered");
        let (end, ()) = tokio::join!(registration.ended(), async {
            let (asked, ()) = tokio::join!(
                async {
                    if refused { registration.refresh().await } else { registration.unregister().await }
                },
                async {
                    let second = registrar.request(Method::Register).await;
                    let status = if refused { StatusCode::FORBIDDEN } else { StatusCode::OK };
                    registrar.answer(&second, status).await;
                }
            );
            asked.expect("asked");
        });
        let failure = RegistrationFailure::Refused(StatusCode::FORBIDDEN);
        let told =
            if refused { Err(RegistrationError::Failed { failure, retry_after: None }) } else { Ok(()) };
        assert_eq!(end, told);
        assert_eq!(registration.ended().await, Err(RegistrationError::Unknown));
    }
    phone.shutdown().await;
}

#[tokio::test]
async fn calls_go_out_as_the_account_that_is_named_or_the_first() {
    let registrar = Registrar::start().await;
    let (phone, _events) = phone().await;
    let mut ids = Vec::new();
    for user in ["alice", "bob"] {
        let mut account = account(user, &registrar);
        account.proxies = vec![uri(&format!("sip:{}", registrar.address()))];
        let registration = phone.register(account).await.expect("taken on");
        let first = registrar.request(Method::Register).await;
        registrar.answer(&first, StatusCode::OK).await;
        registration.active().await.expect("registered");
        ids.push(registration.id());
    }
    for (named, user) in [(None, "alice"), (Some(ids[1]), "bob")] {
        let options = CallOptions { registration: named, ..CallOptions::default() };
        let session = phone.call_with("sip:carol@example.net", options).await.expect("a call");
        let invite = registrar.request(Method::Invite).await;
        let from = invite.0.from().expect("From").uri.to_string();
        assert_eq!(from, format!("sip:{user}@example.com"));
        assert_eq!(invite.0.request_uri(), Some("sip:carol@example.net"));
        assert!(invite.0.first(HeaderId::Route).is_some_and(|route| route.ends_with(";lr>")));
        registrar.answer(&invite, StatusCode::BUSY_HERE).await;
        session.established().await.expect_err("busy");
    }
    let (_, ()) = tokio::join!(phone.unregister(&ids[1]), async {
        let removal = registrar.request(Method::Register).await;
        registrar.answer(&removal, StatusCode::OK).await;
    });
    let options = CallOptions { registration: Some(ids[1]), ..CallOptions::default() };
    let error = phone.call_with("sip:carol@example.net", options).await.expect_err("no such account");
    assert_eq!((&error, error.recovery()), (&SessionError::UnknownAccount, RecoveryAction::FixInput));
    let ((), ()) = tokio::join!(phone.shutdown(), async {
        let removal = registrar.request(Method::Register).await;
        registrar.answer(&removal, StatusCode::OK).await;
    });
}
