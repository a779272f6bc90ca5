//! Requests of methods that have no owner here: INFO, MESSAGE, OPTIONS and unknown ones, ours and theirs.

use std::time::Duration;

use dialog_core::{
    Body, DialogCommand, DialogConfig, DialogEvent, IncomingRequest, LegCommand, LegId, Misuse, Place,
    Request, RequestCommand, RequestEvent, RequestFailure, RequestId,
};
use sip_message::{HeaderId, Message, Method};
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, OFFER, PEER_TAG, Sent, address_of, code, uri},
    theirs::Theirs,
};

pub(crate) fn outside() -> Place {
    Place::Outside {
        target: uri("sip:bob@example.com"),
        to: address_of("<sip:bob@example.com>"),
        from: address_of("<sip:alice@example.com>"),
        registration: None,
    }
}

pub(crate) fn plain(place: Place, method: Method) -> Request {
    Request { place, method, headers: Vec::new(), extensions: Vec::new(), body: None }
}

pub(crate) fn send(bench: &mut Bench, request: Request) -> RequestId {
    let id = bench.ids.mint();
    bench.command(DialogCommand::Request(id, RequestCommand::Send(Box::new(request))));
    id
}

fn events(bench: &Bench, id: RequestId) -> Vec<RequestEvent> {
    let of = |event: &DialogEvent| match event {
        DialogEvent::Request(of, event) if *of == id => Some(event.clone()),
        _ => None,
    };
    bench.events.iter().filter_map(of).collect()
}

fn failure(bench: &Bench, id: RequestId) -> Option<RequestFailure> {
    match events(bench, id)[..] {
        [RequestEvent::Failed(failure)] => Some(failure),
        _ => None,
    }
}

fn responded(bench: &Bench, id: RequestId) -> Option<u16> {
    match &events(bench, id)[..] {
        [RequestEvent::Responded { status, .. }] => Some(status.as_u16()),
        _ => None,
    }
}

fn digits() -> Body {
    Body { content_type: "application/dtmf-relay".into(), content: "Signal=5\r\nDuration=160\r\n".into() }
}

fn frobnicate() -> Method {
    Method::parse("FROBNICATE").expect("a token")
}

#[test]
fn a_request_in_a_call_has_what_was_given_and_its_response_comes_up() {
    for method in [Method::Info, Method::Message, Method::Options, Method::Publish, frobnicate()] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let request = Request {
            headers: vec![(HeaderId::InfoPackage, "dtmf".into())],
            extensions: vec![("X-Floor".into(), "7".into())],
            body: Some(digits()),
            ..plain(Place::Leg(leg), method)
        };
        let id = send(&mut bench, request);
        let sent = bench.last_of(method);
        let message = &sent.message;
        let dialog = bench.established(leg).dialog;
        assert_eq!((message.call_id(), message.to_tag()), (Ok(&*dialog.call_id), Some(PEER_TAG)));
        assert_eq!(message.request_uri(), Some("sip:bob@192.0.2.20"));
        assert_eq!(message.first(HeaderId::InfoPackage), Some("dtmf"));
        assert_eq!(message.extension("X-Floor").next(), Some(&b"7"[..]));
        assert_eq!(message.content_type(), Some("application/dtmf-relay"));
        assert!(message.body().starts_with(b"Signal=5"));
        assert_eq!(message.cseq().map(|cseq| cseq.number), Ok(2));
        bench.reply(&sent, 180, PEER_TAG, |response| response);
        assert!(events(&bench, id).is_empty());
        bench.reply(&sent, 200, PEER_TAG, |response| response.body("text/plain", "done"));
        match &events(&bench, id)[..] {
            [RequestEvent::Responded { status, message }] => {
                assert_eq!((status.as_u16(), message.body()), (200, &b"done"[..]));
            }
            other => panic!("{other:?}"),
        }
        assert!(bench.ended(leg).is_none());
    }
}

#[test]
fn a_request_on_its_own_makes_no_dialog() {
    let mut bench = Bench::new();
    let request = Request {
        headers: vec![(HeaderId::Route, "<sip:proxy.example.com;lr>".into())],
        body: Some(Body { content_type: "text/plain".into(), content: "Watson, come here.".into() }),
        ..plain(outside(), Method::Message)
    };
    let id = send(&mut bench, request.clone());
    let sent = bench.last_of(Method::Message);
    assert_eq!(sent.message.request_uri(), Some("sip:bob@example.com"));
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:proxy.example.com;lr>"));
    assert_eq!((sent.message.to_tag(), sent.message.contact_count()), (None, 0));
    assert_eq!(bench.dialogs.len(), 0);
    bench.reply(&sent, 202, "bob", |response| response);
    assert_eq!(responded(&bench, id), Some(202));
    // Another one is another call to the peer.
    send(&mut bench, request);
    let second = bench.last_of(Method::Message);
    assert_ne!(second.message.call_id(), sent.message.call_id());
    assert_ne!(second.message.from_tag(), sent.message.from_tag());
    bench.fail(&second, TxFailure::Timeout);
    bench.assert_clean();
}

#[test]
fn what_has_an_owner_is_not_sent_in_this_way() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    for method in [
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Register,
        Method::Refer,
        Method::Notify,
        Method::Subscribe,
        Method::Prack,
        Method::Update,
    ] {
        for place in [Place::Leg(leg), outside()] {
            let id = send(&mut bench, plain(place, method));
            assert_eq!(failure(&bench, id), Some(RequestFailure::Method), "{method}");
        }
    }
    for header in [
        HeaderId::Via,
        HeaderId::From,
        HeaderId::To,
        HeaderId::CallId,
        HeaderId::CSeq,
        HeaderId::Contact,
        HeaderId::MaxForwards,
        HeaderId::Route,
        HeaderId::RecordRoute,
        HeaderId::ContentLength,
        HeaderId::ContentType,
    ] {
        let request = plain(Place::Leg(leg), Method::Info);
        let id = send(&mut bench, Request { headers: vec![(header, "x".into())], ..request.clone() });
        assert_eq!(failure(&bench, id), Some(RequestFailure::Header(header)));
        let id =
            send(&mut bench, Request { extensions: vec![(header.name().into(), "x".into())], ..request });
        assert_eq!(failure(&bench, id), Some(RequestFailure::Header(header)));
    }
    assert!(bench.sent.is_empty());
    assert!(bench.ended(leg).is_none());
}

#[test]
fn each_way_to_fail_has_its_name() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    for (failed, told) in [
        (TxFailure::Flow, RequestFailure::Unreachable),
        (TxFailure::Unencodable, RequestFailure::Unencodable),
        (TxFailure::Timeout, RequestFailure::TimedOut),
    ] {
        let id = send(&mut bench, plain(outside(), Method::Options));
        let sent = bench.last_sent();
        bench.fail(&sent, failed);
        assert_eq!(failure(&bench, id), Some(told));
    }
    bench.no_route = Some(sip_transport::RouteError::Unresolved);
    for place in [outside(), Place::Leg(leg)] {
        let id = send(&mut bench, plain(place, Method::Options));
        assert_eq!(failure(&bench, id), Some(RequestFailure::NoRoute(sip_transport::RouteError::Unresolved)));
    }
    bench.no_route = None;
    let unknown: LegId = bench.ids.mint();
    let ringing = bench.place();
    for leg in [unknown, ringing] {
        let id = send(&mut bench, plain(Place::Leg(leg), Method::Info));
        assert_eq!(failure(&bench, id), Some(RequestFailure::NoCall));
    }
    assert!(bench.ended(leg).is_none());
}

/// A call of theirs whose 200 nobody has acknowledged yet.
fn unacknowledged(bench: &mut Bench) -> LegId {
    let leg = bench.incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER)).1;
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    leg
}

#[test]
fn a_request_waits_for_the_ack_and_is_numbered_when_it_goes() {
    // covers: EC-65
    let mut bench = Bench::new();
    let leg = unacknowledged(&mut bench);
    let answer = bench.last_answer();
    let first = send(&mut bench, plain(Place::Leg(leg), Method::Info));
    let second = send(&mut bench, plain(Place::Leg(leg), Method::Message));
    assert!(bench.sent.is_empty());
    bench.ack(&answer, None);
    let numbers: Vec<u32> =
        bench.sent.iter().map(|sent| sent.message.cseq().expect("a CSeq").number).collect();
    assert_eq!(numbers, [1, 2]);
    for (id, method) in [(first, Method::Info), (second, Method::Message)] {
        let sent = bench.last_of(method);
        bench.ok(&sent);
        assert_eq!(responded(&bench, id), Some(200));
    }
}

/// A call of ours that is up, though routes are answered by hand.
fn placed_by_hand(bench: &mut Bench) -> LegId {
    let leg = bench.place();
    for _ in 0..2 {
        let route = bench.routes.last().expect("a question").clone();
        bench.answer_route(&route);
        if bench.acks.is_empty() {
            let invite = bench.last_of(Method::Invite);
            bench.pick_up(&invite, PEER_TAG);
        }
    }
    assert!(bench.has_up(leg), "{:?}", bench.order);
    leg
}

#[test]
fn what_was_not_sent_when_the_call_ends_never_is() {
    let mut bench = Bench::new();
    let leg = unacknowledged(&mut bench);
    let waiting = send(&mut bench, plain(Place::Leg(leg), Method::Info));
    bench.route_at_once = false;
    let other = placed_by_hand(&mut bench);
    let routing = send(&mut bench, plain(Place::Leg(other), Method::Info));
    for leg in [leg, other] {
        let up = bench.established(leg);
        let bye = bench.theirs(Method::Bye, &up);
        bench.request(bye);
    }
    assert_eq!(failure(&bench, waiting), Some(RequestFailure::NoCall));
    assert_eq!(failure(&bench, routing), Some(RequestFailure::NoCall));
    let route = bench.routes.last().expect("a question").clone();
    bench.answer_route(&route);
    assert_eq!(bench.count_of(Method::Info), 0);
    bench.assert_clean();
}

#[test]
fn a_response_after_the_end_of_the_call_still_comes_up() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = send(&mut bench, plain(Place::Leg(leg), Method::Info));
    let info = bench.last_of(Method::Info);
    let up = bench.established(leg);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    bench.reply(&info, 481, PEER_TAG, |response| response);
    assert_eq!(responded(&bench, id), Some(481));
    bench.assert_clean();
}

#[test]
fn one_request_beyond_each_limit_is_misused() {
    let mut bench = Bench::with(DialogConfig { open_requests: 2, ..DialogConfig::default() });
    let first = send(&mut bench, plain(outside(), Method::Options));
    let sent: Sent = bench.last_sent();
    send(&mut bench, plain(outside(), Method::Options));
    assert_eq!(bench.dialogs.counters().commands_refused, 0);
    let third = send(&mut bench, plain(outside(), Method::Options));
    assert!(matches!(events(&bench, third)[..], [RequestEvent::Misused(Misuse::Full)]));
    assert_eq!(bench.dialogs.counters().commands_refused, 1);
    bench.ok(&sent);
    assert_eq!(responded(&bench, first), Some(200));
    let fourth = send(&mut bench, plain(outside(), Method::Options));
    assert!(events(&bench, fourth).is_empty());
    bench.command(DialogCommand::Request(
        fourth,
        RequestCommand::Send(Box::new(plain(outside(), Method::Options))),
    ));
    assert!(matches!(events(&bench, fourth)[..], [RequestEvent::Misused(Misuse::State | Misuse::Full)]));
    // In one call that waits for its ACK: sixteen.
    let mut bench = Bench::new();
    let leg = unacknowledged(&mut bench);
    for _ in 0..16 {
        let id = send(&mut bench, plain(Place::Leg(leg), Method::Info));
        assert!(events(&bench, id).is_empty());
    }
    let beyond = send(&mut bench, plain(Place::Leg(leg), Method::Info));
    assert!(matches!(events(&bench, beyond)[..], [RequestEvent::Misused(Misuse::Full)]));
}

fn taking() -> DialogConfig {
    DialogConfig {
        requests: vec![Method::Info, Method::Message, Method::Options, frobnicate(), Method::Bye],
        info_packages: vec!["dtmf".into(), "trans-info".into()],
        ..DialogConfig::default()
    }
}

fn came_in(bench: &Bench) -> (RequestId, IncomingRequest) {
    let of = |event: &DialogEvent| match event {
        DialogEvent::Request(id, RequestEvent::Incoming(request)) => Some((*id, (**request).clone())),
        _ => None,
    };
    bench.events.iter().rev().find_map(of).expect("a request came in")
}

fn answer(bench: &mut Bench, id: RequestId, status: u16) {
    bench.command(DialogCommand::Request(
        id,
        RequestCommand::Answer { status: code(status), headers: Vec::new(), body: None },
    ));
}

fn allowed(message: &Message) -> Vec<String> {
    message.allow().map(|method| method.to_string()).collect()
}

#[test]
fn requests_of_the_wanted_methods_go_up_and_are_answered_from_above() {
    let mut bench = Bench::with(taking());
    let leg = bench.placed();
    let up = bench.established(leg);
    for method in [Method::Message, Method::Options, frobnicate()] {
        let inside = bench.theirs(method, &up).body("text/plain", "hello");
        for (request, of) in
            [(inside, Some(leg)), (Theirs::outside(method).body("text/plain", "hello"), None)]
        {
            bench.request(request);
            let (id, request) = came_in(&bench);
            assert_eq!((request.leg, request.method), (of, method));
            assert_eq!(
                (request.message.body(), request.from.uri.to_string()),
                (&b"hello"[..], "sip:bob@example.com".into())
            );
            let before = bench.answered.len();
            bench.command(DialogCommand::Request(
                id,
                RequestCommand::Answer {
                    status: code(202),
                    headers: vec![(HeaderId::Expires, "9".into())],
                    body: Some(Body { content_type: "text/plain".into(), content: "thanks".into() }),
                },
            ));
            let answer = bench.last_answer();
            assert_eq!((bench.last_status(), bench.answered.len()), (202, before + 1));
            assert_eq!((answer.first(HeaderId::Expires), answer.body()), (Some("9"), &b"thanks"[..]));
            assert!(answer.to_tag().is_some());
            crate::hatch::answer(&mut bench, id, 200);
            assert!(matches!(events(&bench, id).last(), Some(RequestEvent::Misused(Misuse::Unknown))));
        }
    }
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    assert!(bench.ended(leg).is_some(), "what has an owner stays with it");
    bench.assert_clean();
}

#[test]
fn what_is_taken_is_said_in_allow_and_recv_info() {
    let mut bench = Bench::with(taking());
    bench.place();
    let invite = bench.last_of(Method::Invite).message;
    assert_eq!(
        allowed(&invite),
        [
            "INVITE",
            "ACK",
            "CANCEL",
            "BYE",
            "PRACK",
            "UPDATE",
            "OPTIONS",
            "REFER",
            "NOTIFY",
            "SUBSCRIBE",
            "INFO",
            "MESSAGE",
            "FROBNICATE"
        ]
    );
    assert_eq!(invite.first(HeaderId::RecvInfo), Some("dtmf, trans-info"));
    bench.request(Theirs::outside(Method::Publish));
    assert_eq!(bench.last_status(), 405);
    assert!(allowed(&bench.last_answer()).contains(&"INFO".to_owned()));
}

#[test]
fn an_info_of_an_unknown_package_is_469_and_digits_go_up_as_they_are() {
    let mut bench = Bench::with(taking());
    let leg = bench.placed();
    let up = bench.established(leg);
    for (package, of) in
        [(None, None), (Some("dtmf"), Some("dtmf")), (Some("Trans-Info;x=y"), Some("Trans-Info"))]
    {
        let mut info = bench.theirs(Method::Info, &up).body("application/dtmf-relay", "Signal=5");
        if let Some(package) = package {
            info = info.header(HeaderId::InfoPackage, package);
        }
        bench.request(info);
        let (id, request) = came_in(&bench);
        assert_eq!(request.info_package.as_deref(), of);
        assert_eq!(request.message.content_type(), Some("application/dtmf-relay"));
        answer(&mut bench, id, 200);
        assert_eq!(bench.last_status(), 200);
    }
    for package in ["other", ";;"] {
        let info = bench.theirs(Method::Info, &up).header(HeaderId::InfoPackage, package);
        bench.request(info);
        assert_eq!(bench.last_status(), 469);
        assert_eq!(bench.last_answer().first(HeaderId::RecvInfo), Some("dtmf, trans-info"));
    }
    bench.request(Theirs::outside(Method::Info));
    assert_eq!(bench.last_status(), 481, "it belongs to a call");
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_request_that_nobody_answers_is_500() {
    let mut bench = Bench::with(taking());
    bench.request(Theirs::outside(Method::Message));
    let (id, _) = came_in(&bench);
    answer(&mut bench, id, 180);
    assert!(matches!(events(&bench, id).last(), Some(RequestEvent::Misused(Misuse::State))));
    bench.advance(DialogConfig::ANSWER_LIMIT.saturating_sub(Duration::from_millis(1)));
    assert!(bench.answered.is_empty());
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.last_status(), 500);
    assert!(matches!(events(&bench, id).last(), Some(RequestEvent::Failed(RequestFailure::TimedOut))));
    bench.assert_clean();
}

#[test]
fn a_request_whose_transaction_is_gone_is_told() {
    let mut bench = Bench::with(taking());
    let tx = bench.request(Theirs::outside(Method::Message));
    let (id, _) = came_in(&bench);
    bench.receive(transaction_core::TxEvent::Failed { tx, failure: TxFailure::Flow });
    assert!(matches!(events(&bench, id).last(), Some(RequestEvent::Failed(RequestFailure::Unreachable))));
    answer(&mut bench, id, 200);
    assert!(bench.answered.is_empty());
    bench.assert_clean();
}

#[test]
fn one_incoming_request_beyond_the_limit_is_503() {
    let mut bench = Bench::with(DialogConfig { open_requests: 1, ..taking() });
    // Those of ours have a bound of their own.
    let ours = send(&mut bench, plain(outside(), Method::Options));
    assert!(events(&bench, ours).is_empty());
    bench.request(Theirs::outside(Method::Message));
    let (id, _) = came_in(&bench);
    bench.request(Theirs::outside(Method::Message));
    assert_eq!(bench.last_status(), 503);
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
    answer(&mut bench, id, 200);
    bench.request(Theirs::outside(Method::Message));
    assert_ne!(came_in(&bench).0, id);
}

#[test]
fn a_call_that_is_to_be_joined_is_420() {
    // covers: TR-150
    let mut bench = Bench::new();
    let leg = bench.placed();
    let dialog = bench.established(leg).dialog;
    let join = format!("{};to-tag={};from-tag={}", dialog.call_id, dialog.local_tag, dialog.remote_tag);
    let invite = Theirs { from_tag: "third".into(), ..Theirs::outside(Method::Invite) }
        .contact("<sip:carol@192.0.2.30>")
        .header(HeaderId::Join, &join)
        .sdp(OFFER);
    bench.request(invite.header(HeaderId::Require, "join"));
    assert_eq!(bench.last_status(), 420);
    assert_eq!(bench.last_answer().first(HeaderId::Unsupported), Some("join"));
    assert!(!bench.last_answer().has(HeaderId::Supported));
    assert_eq!(bench.dialogs.len(), 1);
}
