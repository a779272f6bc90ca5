use sip_message::{HeaderId, Method};

use crate::{
    bench::{Bench, OFFER},
    theirs::Theirs,
};

#[test]
fn options_says_what_we_can_do_inside_and_outside_a_dialog() {
    // covers: TR-034, TR-055
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let inside = bench.theirs(Method::Options, &up);
    for request in [Theirs::outside(Method::Options), inside] {
        bench.request(request);
        let answer = bench.last_answer();
        assert_eq!(bench.last_status(), 200);
        assert!(answer.allow().any(|method| method == Method::Refer));
        assert_eq!(answer.first(HeaderId::AllowEvents), Some("refer"));
        assert_eq!(answer.first(HeaderId::Accept), Some("application/sdp"));
        assert!(answer.to_tag().is_some());
    }
    bench.request(Theirs { to_tag: Some("unknown".into()), ..Theirs::outside(Method::Options) });
    assert_eq!(bench.last_status(), 481);
}

#[test]
fn methods_that_are_not_taken_are_405_and_unknown_ones_501() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    for method in [Method::Register, Method::Info, Method::Message, Method::Publish] {
        let inside = bench.theirs(method, &up);
        for request in [Theirs::outside(method), inside] {
            bench.request(request);
            assert_eq!(bench.last_status(), 405, "{method}");
            assert!(bench.last_answer().allow().any(|allowed| allowed == Method::Invite));
        }
    }
    bench.request(Theirs::outside(Method::parse("FROBNICATE").expect("a token")));
    assert_eq!(bench.last_status(), 501);
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_requirement_that_is_not_met_is_420() {
    let none = dialog_core::DialogConfig {
        supported: Vec::new(),
        reliability: dialog_core::Reliability::Never,
        session_timers: dialog_core::SessionTimers::Off,
        ..Default::default()
    };
    let mut bench = Bench::with(none);
    let request = Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(request.clone().header(HeaderId::Require, "100rel, timer, replaces"));
    assert_eq!(bench.last_status(), 420);
    assert_eq!(bench.last_answer().first(HeaderId::Unsupported), Some("100rel, timer, replaces"));
    assert!(bench.events.is_empty());
    let mut bench = Bench::new();
    bench.request(request.clone().header(HeaderId::Require, "tdialog, replaces"));
    assert_eq!(bench.last_answer().first(HeaderId::Unsupported), Some("tdialog"));
    bench.incoming(request.header(HeaderId::Require, "100rel, timer, replaces"));
}

#[test]
fn a_strangers_refer_is_403_and_one_for_a_dead_dialog_481() {
    // covers: EC-63, EC-86
    let mut bench = Bench::new();
    let refer = || {
        Theirs::outside(Method::Refer)
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::ReferTo, "<sip:carol@example.com>")
    };
    bench.request(refer());
    assert_eq!(bench.last_status(), 403);
    bench.request(Theirs { to_tag: Some("gone".into()), ..refer() });
    assert_eq!(bench.last_status(), 481);
    assert!(bench.is_clean());
}

#[test]
fn a_dialog_is_found_only_by_all_its_ids() {
    // covers: TR-125
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let right = bench.theirs(Method::Bye, &up);
    let upper = right.to_tag.as_ref().map(|tag| tag.to_uppercase());
    for wrong in [
        Theirs { call_id: "other".into(), ..right.clone() },
        Theirs { call_id: right.call_id.to_uppercase(), ..right.clone() },
        Theirs { from_tag: "other".into(), ..right.clone() },
        Theirs { to_tag: upper, ..right.clone() },
        Theirs { to_tag: None, ..right.clone() },
    ] {
        bench.request(wrong);
        assert_eq!(bench.last_status(), 481);
    }
    assert!(bench.ended(leg).is_none());
    bench.request(right);
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn replaces_belongs_into_an_invite_only() {
    // covers: TR-103
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let replaces = "a@h;to-tag=1;from-tag=2";
    for method in [Method::Options, Method::Bye, Method::Refer, Method::Notify] {
        let request = bench.theirs(method, &up).header(HeaderId::Replaces, replaces);
        bench.request(request);
        assert_eq!(bench.last_status(), 400, "{method}");
    }
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_refer_to_in_another_request_means_nothing() {
    // covers: TR-005
    let mut bench = Bench::new();
    let request = Theirs::outside(Method::Invite)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>")
        .sdp(OFFER);
    bench.incoming(request);
    assert_eq!(bench.order, ["Incoming", "Described"]);
}

#[test]
fn a_uri_of_another_scheme_is_416() {
    let mut bench = Bench::new();
    bench.request(Theirs { uri: "mailto:alice@example.com".into(), ..Theirs::outside(Method::Options) });
    assert_eq!(bench.last_status(), 416);
}

#[test]
fn what_is_malformed_is_400() {
    let mut bench = Bench::new();
    let sound = Theirs::outside(Method::Options).message(1);
    let text = String::from_utf8_lossy(sound.bytes()).replace("1 OPTIONS", "1 BYE");
    let message = sip_message::Message::parse(text.into_bytes().into()).expect("a message");
    let tx = bench.ids.mint();
    bench.receive(transaction_core::TxEvent::Request { tx, inbound: crate::bench::inbound(message) });
    assert_eq!(bench.last_status(), 400);
    assert!(bench.is_clean());
}

#[test]
fn a_number_beyond_31_bits_is_400() {
    // covers: TR-207
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let beyond = bench.theirs(Method::Options, &up).cseq(1 << 31);
    bench.request(beyond);
    assert_eq!(bench.last_status(), 400);
    let highest = bench.theirs(Method::Options, &up).cseq((1 << 31) - 1);
    bench.request(highest);
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn stray_acks_and_responses_are_nobodys_business() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = {
        bench.leg(leg, dialog_core::LegCommand::HangUp { reason: None });
        bench.last_of(Method::Bye)
    };
    bench.ok(&sent);
    bench.ok(&sent);
    let up = bench.established(leg);
    let ack = bench.theirs(Method::Ack, &up).message(1);
    let before = bench.order.len();
    bench.receive(transaction_core::TxEvent::StrayAck(crate::bench::inbound(ack)));
    assert_eq!(bench.order.len(), before);
}

#[test]
fn a_call_without_an_extension_that_is_demanded_is_421() {
    let config = dialog_core::DialogConfig {
        demanded: vec!["replaces".into(), "100rel".into()],
        ..dialog_core::DialogConfig::default()
    };
    let mut bench = Bench::with(config);
    let call = |number: u32| Theirs {
        call_id: format!("call-{number}"),
        ..Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER)
    };
    for (number, headers, missing) in
        [(1, vec![], "replaces, 100rel"), (2, vec![(HeaderId::Supported, "timer, Replaces")], "100rel")]
    {
        let call = headers.iter().fold(call(number), |call, (id, value)| call.header(*id, value));
        bench.request(call);
        assert_eq!(bench.last_status(), 421);
        assert_eq!(bench.last_answer().first(HeaderId::Require), Some(missing));
    }
    assert!(bench.events.is_empty() && bench.is_clean());
    bench.incoming(call(3).header(HeaderId::Supported, "replaces").header(HeaderId::Require, "100rel"));
    // Nothing else is held to it.
    bench.request(Theirs::outside(Method::Options));
    assert_eq!(bench.last_status(), 200);
}
