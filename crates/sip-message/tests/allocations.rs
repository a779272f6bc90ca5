//! Parsing and typed access allocate nothing beyond the receive buffer, for the messages that parsing is measured with;
//! a message is encoded into one allocation.

mod messages;

use std::alloc::System;
use std::cell::RefCell;

use bytes::Bytes;
use messages::{SAMPLES, full};
use sip_message::{Draft, HeaderId, Message, Method, Response, StatusCode, ack_for, cancel_for, header};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The test harness may allocate in a thread of its own while a count is taken. It does so seldom, so that the least of
/// some counts is that of the code alone.
const COUNTS: usize = 8;

fn allocations<T>(work: impl Fn() -> T) -> usize {
    let count = |_| {
        let region = Region::new(ALLOCATIONS);
        std::hint::black_box(work());
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..COUNTS).map(count).min().unwrap_or_default()
}

/// Reads a part of a message; tells whether that went as it should.
type Access = fn(&Message) -> bool;

/// The typed accessors of [`Message`] for what is no row of the table of headers.
const ACCESSORS: [(&str, Access); 12] = [
    ("check", |message| message.check().is_ok()),
    ("request_target", |message| message.request_target().is_ok() == message.is_request()),
    ("call_id", |message| message.call_id().is_ok()),
    ("contact", |message| message.contact().is_ok()),
    ("max_forwards", |message| message.max_forwards().is_ok()),
    ("refer_to", |message| message.refer_to().is_ok() == message.has(HeaderId::ReferTo)),
    ("referred_by", |message| message.referred_by().is_ok()),
    ("subscription_state", |message| message.subscription_state().is_ok()),
    ("allow", |message| (message.allow().count() > 0) == message.has(HeaderId::Allow)),
    ("allow_events", |message| (message.allow_events().count() > 0) == message.has(HeaderId::AllowEvents)),
    ("supported", |message| (message.supported().count() > 0) == message.has(HeaderId::Supported)),
    ("content_type", |message| message.content_type().is_some() == message.has(HeaderId::ContentType)),
];

/// One test for all, as the count is that of the whole process.
#[test]
fn allocations_are_as_few_as_promised() {
    nothing_is_allocated_beyond_the_receive_buffer();
    a_message_is_encoded_into_one_allocation();
    lines_that_are_put_in_share_their_memory();
    a_change_is_applied_in_one_allocation();
}

fn nothing_is_allocated_beyond_the_receive_buffer() {
    let mut found = Vec::new();
    for sample in &SAMPLES {
        let datagram = Bytes::from_static(sample.text);
        let message = Message::parse(datagram.clone()).expect(sample.name);
        let mut measure = |what: &str, work: &dyn Fn() -> bool| {
            assert!(work(), "{}: {what}", sample.name);
            match allocations(work) {
                0 => {}
                some => found.push(format!("{}: {what}: {some}", sample.name)),
            }
        };
        measure("parse", &|| Message::parse(datagram.clone()).is_ok());
        measure("full", &|| full(datagram.clone()).is_ok());
        for row in header::rows() {
            measure(row.id.name(), &|| (row.count)(&message).is_ok());
        }
        for (name, access) in ACCESSORS {
            measure(name, &|| access(&message));
        }
    }
    assert!(found.is_empty(), "allocations:\n{}", found.join("\n"));
}

const VIA: &str = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport";
const ALICE: &str = "<sip:alice@192.0.2.1:5060>";

/// A sample by name.
fn sample(name: &str) -> Message {
    let found = SAMPLES.iter().find(|sample| sample.name == name).expect(name);
    Message::parse(Bytes::from_static(found.text)).expect(name)
}

fn request(method: Method) -> Draft {
    Draft::request(method, "sip:bob@192.0.2.2:5060")
        .header(HeaderId::From, "\"Alice\" <sip:alice@example.com>;tag=1928301774")
        .header(HeaderId::To, "Bob <sip:bob@example.com>")
        .header(HeaderId::CallId, "a84b4c76e66710@pc33.example.com")
        .header(HeaderId::CSeq, format_args!("314159 {method}"))
        .contact_user(Some("alice"))
}

fn invite(body: &[u8]) -> Draft {
    request(Method::Invite)
        .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY")
        .header(HeaderId::Supported, "replaces, norefersub")
        .header(HeaderId::AllowEvents, "refer")
        .header(HeaderId::UserAgent, "ordinary/1.0")
        .body("application/sdp", body)
}

fn ok<'a>(invite: &'a Message, body: &[u8]) -> Response<'a> {
    Response::to(invite, StatusCode::OK)
        .to_tag("a6c85cf")
        .top_via("SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK87asdks7;received=192.0.2.10;rport=5060")
        .dialog_forming()
        .contact("<sip:bob@192.0.2.4:5060;transport=udp>")
        .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY")
        .header(HeaderId::Supported, "replaces, norefersub")
        .header(HeaderId::Server, "ordinary/1.0")
        .body("application/sdp", body)
}

fn a_message_is_encoded_into_one_allocation() {
    let (sent, answer) = (sample("invite"), sample("ok"));
    let parsed =
        |response: Response<'_>| Message::parse(response.encode().expect("a response")).expect("a response");
    let busy = parsed(Response::to(&sent, StatusCode::BUSY_HERE).to_tag("a6c85cf"));
    let invite = invite(sent.body());
    let refer = request(Method::Refer).header(HeaderId::ReferTo, "<sip:carol@example.com>");
    let response = |response: &Response<'_>| {
        let prepared = RefCell::new(vec![response.clone(); COUNTS]);
        allocations(|| prepared.borrow_mut().pop().expect("one for each count").encode().expect("a response"))
    };
    let found = [
        ("INVITE", allocations(|| invite.encode(VIA, Some(ALICE)).expect("an INVITE"))),
        ("REFER", allocations(|| refer.encode(VIA, Some(ALICE)).expect("a REFER"))),
        ("100", response(&Response::to(&sent, StatusCode::TRYING))),
        ("200", response(&ok(&sent, answer.body()))),
        ("ACK", allocations(|| ack_for(&sent, &busy).expect("an ACK"))),
        ("CANCEL", allocations(|| cancel_for(&sent, Some("SIP;cause=200")).expect("a CANCEL"))),
    ];
    assert_eq!(found, found.map(|(name, _)| (name, 1)));
}

/// Texts of the caller, body and media type; the values of all lines share one allocation.
fn lines_that_are_put_in_share_their_memory() {
    let (sent, answer) = (sample("invite"), sample("ok"));
    // What clones share, Request-URI, user part, values, media type, body.
    assert_eq!(allocations(|| invite(sent.body())), 6);
    let shared = invite(sent.body());
    assert_eq!(allocations(|| shared.clone()), 0);
    // Values, media type, body.
    assert_eq!(allocations(|| ok(&sent, answer.body())), 3);
}

fn a_change_is_applied_in_one_allocation() {
    let sent = sample("invite");
    let mut edit = sent.edit();
    edit.prepend(HeaderId::Via, VIA)
        .remove_top(HeaderId::Route)
        .set(HeaderId::MaxForwards, 68)
        .set_uri("sip:bob@192.0.2.3")
        .set_body("text/plain", Bytes::from_static(b"hello"));
    assert_eq!(allocations(|| edit.apply().expect("a message")), 1);
    // The values of all changes, and the message.
    assert_eq!(allocations(|| sent.edit().prepend(HeaderId::Via, VIA).apply().expect("a message")), 2);
}
