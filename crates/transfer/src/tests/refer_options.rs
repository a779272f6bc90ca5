//! How the REFER is sent: placement, subscription, headers, Referred-By.

use dialog_core::{
    DialogCommand, DialogIdentity, Established, LegCommand, LegEvent, LegId, Peer, Refer, ReferSubscription,
};
use sip_message::{NameAddrBuf, ReferTo};

use super::{
    rig::{Rig, uri},
    two_calls::{BOB, CAROL, TwoCalls},
};
use crate::{
    AttendedOptions, Completion, Hold, REFER_HEADERS_MAX, ReferOptions, ReferPlacement, ReferredBy,
    TelTarget, TransferCommand, TransferOutput, TransferPolicy, URI_HEADER_MAX, UserToUser,
};

/// A call whose peer has this Contact, and says that it knows Target-Dialog or does not.
fn call(rig: &mut Rig, contact: &str, target_dialog: bool) -> LegId {
    let leg = rig.mint();
    let established = Established {
        dialog: DialogIdentity { call_id: "a@h".into(), local_tag: "1".into(), remote_tag: "2".into() },
        remote_target: uri(contact),
        remote: NameAddrBuf::new(uri("sip:bob@example.com")),
        peer: Peer { target_dialog, ..Peer::default() },
        placed: true,
        source: ([203, 0, 113, 9], 5060).into(),
    };
    rig.leg(leg, LegEvent::Up(Box::new(established)));
    leg
}

/// The REFER that a blind transfer sends, or the refusal.
fn refer(rig: &mut Rig, leg: LegId, target: &str, options: ReferOptions) -> Result<Refer, String> {
    let transfer = rig.mint();
    let us = "\"Us\" <sip:us@example.com>".parse().expect("invariant: a literal of the test");
    let said = rig.command(TransferCommand::Blind {
        transfer,
        leg,
        target: uri(target),
        hold: Hold::No,
        referred_by: Some(us),
        options,
    });
    rig.outputs
        .drain(..)
        .find_map(|output| match output {
            TransferOutput::Dialog(DialogCommand::Leg(_, LegCommand::Refer { refer, .. })) => Some(*refer),
            _ => None,
        })
        .ok_or(said)
}

fn with(options: ReferOptions) -> Result<Refer, String> {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = call(&mut rig, "sip:bob@203.0.113.9", false);
    refer(&mut rig, leg, "sip:carol@example.com", options)
}

#[test]
fn a_refer_leaves_the_dialog_only_for_a_gruu_whose_peer_knows_target_dialog() {
    // covers: TR-061, TR-062, TR-063
    use ReferPlacement::{Auto, InDialog, OutOfDialog};
    use ReferSubscription::{Explicit, Implicit, None, Suppress};

    const GRUU: &str = "sip:bob@example.com;gr=urn:uuid:1";
    const PLAIN: &str = "sip:bob@203.0.113.9";
    let outside = |contact, knows, placement, subscription| {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = call(&mut rig, contact, knows);
        let options = ReferOptions { placement, subscription, ..ReferOptions::default() };
        refer(&mut rig, leg, "sip:carol@example.com", options).map(|refer| refer.outside)
    };
    for (contact, knows, placement, subscription, expected) in [
        (GRUU, true, Auto, Implicit, true),
        (GRUU, true, Auto, Suppress, true),
        (GRUU, true, Auto, None, false),
        (GRUU, true, Auto, Explicit, false),
        (GRUU, false, Auto, Implicit, false),
        (PLAIN, true, Auto, Implicit, false),
        (GRUU, true, InDialog, Implicit, false),
        (PLAIN, false, OutOfDialog, Implicit, true),
        (GRUU, false, OutOfDialog, Suppress, true),
    ] {
        assert_eq!(
            outside(contact, knows, placement, subscription),
            Ok(expected),
            "{contact} {knows} {placement:?} {subscription:?}"
        );
    }
}

#[test]
fn what_may_fork_asks_for_the_usual_subscription_only() {
    // covers: TR-074
    for subscription in [ReferSubscription::Suppress, ReferSubscription::None, ReferSubscription::Explicit] {
        let options =
            ReferOptions { placement: ReferPlacement::OutOfDialog, subscription, ..ReferOptions::default() };
        assert_eq!(with(options).expect_err("it is refused"), "no: MayFork");
    }
}

#[test]
fn before_a_consultation_it_counts_who_will_get_the_refer() {
    // covers: TR-074
    for (protect_target, begins) in [(false, "ok; "), (true, "no: MayFork")] {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = call(&mut rig, "sip:bob@example.com;gr=1", true);
        let (transfer, consultation) = (rig.mint(), rig.mint());
        let said = rig.command(TransferCommand::Consult {
            refer: ReferOptions {
                placement: ReferPlacement::OutOfDialog,
                subscription: ReferSubscription::None,
                ..ReferOptions::default()
            },
            transfer,
            leg,
            consultation,
            target: uri("sip:carol@example.com"),
            hold: Hold::No,
            referred_by: None,
            options: AttendedOptions { protect_target, ..AttendedOptions::default() },
            completion: Completion::OnCommand,
        });
        assert!(said.starts_with(begins), "{protect_target}: {said}");
    }
}

#[test]
fn headers_of_the_refer_and_of_the_refer_to_are_two_things() {
    // covers: EC-54, TR-263
    let options = ReferOptions {
        headers: vec![("X-Case".into(), "17".into()), ("User-to-User".into(), "ab;encoding=hex".into())],
        uri_headers: vec![("X-Target".into(), "a+b; c=\"d\"".into())],
        user_to_user: Some(UserToUser::hex(&[1, 0xfe]).expect("two octets")),
        ..ReferOptions::default()
    };
    let refer = with(options).expect("a REFER");
    assert_eq!(
        refer.refer_to.as_str(),
        "sip:carol@example.com?User-to-User=01fe%3Bencoding%3Dhex&X-Target=a%2Bb%3B%20c%3D%22d%22"
    );
    assert_eq!(refer.headers.len(), 2, "{:?}", refer.headers);
    assert_eq!(&*refer.headers[0].1, "17");
}

#[test]
fn the_header_values_come_back_as_they_were_given() {
    // covers: TR-130, TR-131
    let value = "word@! % * _ + ' ~ ( ) < > : \\ \" / [ ] ? { } & , ;=%25";
    let options = ReferOptions { uri_headers: vec![("X-A".into(), value.into())], ..ReferOptions::default() };
    let written = format!("<{}>", with(options).expect("a REFER").refer_to);
    assert!(!written.contains('+'), "{written}");
    let read = ReferTo::parse(&written).expect("a Refer-To");
    let headers: Vec<_> = read.uri_headers().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(headers, [format!("X-A: {value}")]);
}

#[test]
fn nothing_can_be_smuggled_into_a_refer() {
    let named = |name: &str, value: &str| {
        let headers = vec![(name.into(), value.into())];
        let uri_headers = headers.clone();
        let of_refer = with(ReferOptions { headers, ..ReferOptions::default() }).map(|_| ());
        let of_target = with(ReferOptions { uri_headers, ..ReferOptions::default() }).map(|_| ());
        (of_refer, of_target)
    };
    let refused = |why: &str| (Err(format!("no: {why}")), Err(format!("no: {why}")));
    for name in [
        "From",
        "f",
        "To",
        "Via",
        "v",
        "Contact",
        "m",
        "Route",
        "Record-Route",
        "CSeq",
        "Call-ID",
        "Require",
        "Supported",
        "Refer-To",
        "r",
        "Referred-By",
        "b",
        "Refer-Sub",
        "Replaces",
        "Authorization",
        "Event",
        "Content-Length",
        "Content-Type",
        "Max-Forwards",
        "body",
        "",
        "X A",
        "X:",
        "X\r\nVia",
    ] {
        assert_eq!(named(name, "1"), refused("HeaderName"), "{name:?}");
    }
    for value in ["a\r\nVia: x", "a\nb", "a\0b", "", " "] {
        assert_eq!(named("X-A", value), refused("HeaderValue"), "{value:?}");
    }
    let longest = "a".repeat(URI_HEADER_MAX);
    assert_eq!(named("X-A", &longest), (Ok(()), Ok(())));
    assert_eq!(named("X-A", &format!("{longest}a")), refused("HeaderValue"));
    // Who we are is for the peer and not for somebody else's INVITE (UW-05).
    let (of_refer, of_target) = named("P-Asserted-Identity", "<sip:us@example.com>");
    assert_eq!((of_refer, of_target), (Ok(()), Err("no: HeaderName".into())));
}

#[test]
fn headers_are_taken_up_to_their_bound() {
    let many = |count: usize| {
        let headers = (0..count).map(|n| (format!("X-{n}").into(), "1".into())).collect();
        with(ReferOptions { headers, ..ReferOptions::default() }).map(|refer| refer.headers.len())
    };
    assert_eq!(many(REFER_HEADERS_MAX), Ok(REFER_HEADERS_MAX));
    assert_eq!(many(REFER_HEADERS_MAX + 1), Err("no: TooManyHeaders".into()));
}

#[test]
fn referred_by_is_ours_without_a_name_another_one_or_none() {
    // covers: TR-140, EC-40, EC-49
    let by = |referred_by| {
        let refer = with(ReferOptions { referred_by, ..ReferOptions::default() }).expect("a REFER");
        refer.referred_by.map(|by| by.to_string())
    };
    let other: NameAddrBuf =
        "<sip:+4930123@trunk.example>".parse().expect("invariant: a literal of the test");
    assert_eq!(by(ReferredBy::Ours).as_deref(), Some("<sip:us@example.com>"));
    assert_eq!(by(ReferredBy::Named).as_deref(), Some("\"Us\" <sip:us@example.com>"));
    assert_eq!(by(ReferredBy::As(other)).as_deref(), Some("<sip:+4930123@trunk.example>"));
    assert_eq!(by(ReferredBy::Omitted), None);
}

#[test]
fn a_number_goes_as_it_is_or_to_the_peers_domain() {
    let mut rig = Rig::new(TransferPolicy::default());
    let data = || Some(UserToUser::hex(&[7]).expect("an octet"));
    let leg = call(&mut rig, "sip:bob@203.0.113.9", false);
    let options = ReferOptions { user_to_user: data(), ..ReferOptions::default() };
    assert_eq!(refer(&mut rig, leg, "tel:+49-30-123", options).expect_err("no headers"), "no: TelHeaders");
    let options = ReferOptions { tel: TelTarget::AtPeer, user_to_user: data(), ..ReferOptions::default() };
    let sent = refer(&mut rig, leg, "tel:+49-30-123", options).expect("a REFER");
    assert_eq!(
        sent.refer_to.as_str(),
        "sip:+4930123@example.com;user=phone?User-to-User=07%3Bencoding%3Dhex"
    );
}

#[test]
fn an_attended_transfer_sends_the_options_beside_its_replaces() {
    // covers: EC-54
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    let refer = ReferOptions {
        subscription: ReferSubscription::None,
        uri_headers: vec![("X-Target".into(), "9".into())],
        ..ReferOptions::default()
    };
    let transfer = calls.rig.mint();
    let (leg, consultation) = (calls.d1, calls.d2);
    let said = calls.rig.command(TransferCommand::Attended {
        transfer,
        leg,
        consultation,
        hold: Hold::Already,
        consultation_held: true,
        referred_by: None,
        options: AttendedOptions::default(),
        refer,
    });
    assert!(said.contains(&format!("refer d1 None {}&X-Target=9", super::two_calls::CONTACT)), "{said}");
}

#[test]
fn a_provider_that_asks_for_it_is_told_who_diverts() {
    let refer = with(ReferOptions { diversion: true, ..ReferOptions::default() }).expect("a REFER");
    let headers: Vec<_> = refer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(headers, ["Diversion: <sip:us@example.com>;reason=unknown"]);
}

#[test]
fn who_asks_for_privacy_is_not_named_in_referred_by() {
    // covers: TR-140
    let by = |referred_by: &ReferredBy, privacy: &str| {
        let headers = vec![("privacy".into(), privacy.into())];
        let options = ReferOptions { referred_by: referred_by.clone(), headers, ..ReferOptions::default() };
        with(options).expect("a REFER").referred_by.map(|by| by.to_string())
    };
    for privacy in ["id", "header;user", "none, ID", "user;critical"] {
        assert_eq!(by(&ReferredBy::Ours, privacy), None, "{privacy}");
        assert_eq!(by(&ReferredBy::Named, privacy), None, "{privacy}");
    }
    assert_eq!(by(&ReferredBy::Ours, "none").as_deref(), Some("<sip:us@example.com>"));
    // What the application writes itself stands.
    let other: NameAddrBuf =
        "<sip:anonymous@anonymous.invalid>".parse().expect("invariant: a literal of the test");
    assert_eq!(by(&ReferredBy::As(other), "id").as_deref(), Some("<sip:anonymous@anonymous.invalid>"));
}
