//! INVITE with Replaces: the checks of table 2.4 in their order, and what the layer tells about a match.

use std::time::Duration;

use dialog_core::{
    DialogConfig, Established, IncomingCall, LegCommand, LegEvent, LegId, Reliability, SessionTimers,
    SubscriptionCommand,
};
use sip_message::{HeaderId, Method, StatusCode, SubReason};

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, code, remote, uri},
    theirs::Theirs,
};

/// A new call of a third party.
pub(crate) fn call() -> Theirs {
    Theirs {
        call_id: "new-call".into(),
        from_tag: "carol".into(),
        ..Theirs::outside(Method::Invite).contact("<sip:carol@192.0.2.30>").sdp(OFFER)
    }
}

/// A call that is to replace the dialog with these ids.
pub(crate) fn replacing(call_id: &str, to_tag: &str, from_tag: &str) -> Theirs {
    call().header(HeaderId::Replaces, &format!("{call_id};to-tag={to_tag};from-tag={from_tag}"))
}

/// A call that is to replace one that is up.
fn replacing_up(up: &Established) -> Theirs {
    replacing(&up.dialog.call_id, &up.dialog.local_tag, &up.dialog.remote_tag)
}

/// The status that a call is refused with before anybody above hears of it.
#[track_caller]
pub(crate) fn refused(bench: &mut Bench, request: Theirs) -> u16 {
    let (events, answers) = (bench.events.len(), bench.answered.len());
    let tx = bench.request(request);
    assert_eq!(bench.events.len(), events, "nobody above hears of it");
    assert_eq!(bench.answered.len(), answers + 1);
    assert_eq!(bench.answered[answers].tx, tx);
    bench.last_status()
}

/// What is said of the call that came in last.
pub(crate) fn told(bench: &Bench, leg: LegId) -> IncomingCall {
    match bench.leg_events(leg).into_iter().next() {
        Some(LegEvent::Incoming(call)) => *call,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn accept(bench: &mut Bench, leg: LegId) {
    bench.leg(leg, LegCommand::Accept { contact_user: None });
}

fn hang_up(bench: &mut Bench, leg: LegId) {
    bench.leg(leg, LegCommand::HangUp { reason: None });
}

#[test]
fn a_call_that_replaces_one_that_is_up_says_which_and_whose() {
    // covers: TR-101
    for placed in [false, true] {
        let mut bench = Bench::new();
        let old = if placed { bench.placed() } else { bench.answered_call() };
        let up = bench.established(old);
        let (_, new) = bench.incoming(replacing_up(&up));
        let call = told(&bench, new);
        let found = call.replacing.expect("a match");
        assert_eq!((found.leg, found.early), (old, false));
        assert_eq!(found.remote.uri, uri("sip:bob@example.com"));
        assert_eq!((found.remote_target, found.source), (up.remote_target, Some(remote())));
        assert!(call.replaces.is_some());
        // The tags stand the other way round for a party that looks from the other side.
        let swapped = replacing(&up.dialog.call_id, &up.dialog.remote_tag, &up.dialog.local_tag);
        assert_eq!(refused(&mut bench, swapped), 481);
    }
}

/// Values of Replaces that are none.
const BROKEN: [&str; 6] = [
    "a@h;to-tag=1",
    "a@h;from-tag=2",
    "a@h;to-tag=1;to-tag=3;from-tag=2",
    "a@h;to-tag=1;from-tag=2;from-tag=2",
    ";to-tag=1;from-tag=2",
    "a@h;to-tag=1;from-tag=2, b@h;to-tag=1;from-tag=2",
];

#[test]
fn replaces_that_is_broken_or_stands_twice_is_400() {
    // covers: TR-100, TR-103
    let mut bench = Bench::new();
    let leg = bench.answered_call();
    let up = bench.established(leg);
    let before = format!("{:?}", bench.dialogs);
    for value in BROKEN {
        assert_eq!(refused(&mut bench, call().header(HeaderId::Replaces, value)), 400, "{value}");
    }
    let twice = replacing_up(&up).header(HeaderId::Replaces, "a@h;to-tag=1;from-tag=2");
    assert_eq!(refused(&mut bench, twice), 400);
    // The first check that hits: not 420, and not 481 for a dialog that there is not.
    let required = call().header(HeaderId::Replaces, "a@h;to-tag=1").header(HeaderId::Require, "100rel");
    assert_eq!(refused(&mut bench, required), 400);
    let inside = Theirs { to_tag: Some("gone".into()), ..call().header(HeaderId::Replaces, "a@h;to-tag=1") };
    assert_eq!(refused(&mut bench, inside), 400);
    assert_eq!(format!("{:?}", bench.dialogs), before);
    // Parameters that nobody knows are none of ours.
    let unknown =
        format!("{};x;to-tag={};y=\"z\";from-tag={PEER_TAG}", up.dialog.call_id, up.dialog.local_tag);
    bench.incoming(call().header(HeaderId::Replaces, &unknown));
}

#[test]
fn replaces_outside_an_invite_is_400_and_touches_no_dialog() {
    // covers: TR-103
    let mut bench = Bench::new();
    let leg = bench.answered_call();
    let up = bench.established(leg);
    let before = format!("{:?}", bench.dialogs);
    for method in [Method::Bye, Method::Options, Method::Refer, Method::Notify, Method::Subscribe] {
        let value = format!("{};to-tag={};from-tag={PEER_TAG}", up.dialog.call_id, up.dialog.local_tag);
        let inside = bench.theirs(method, &up).header(HeaderId::Replaces, &value);
        if method != Method::Refer {
            assert_eq!(refused(&mut bench, inside), 400, "{method}");
        }
        let outside = Theirs { method, ..replacing_up(&up) };
        assert_eq!(refused(&mut bench, outside), 400, "{method}");
    }
    assert_eq!(format!("{:?}", bench.dialogs), before);
}

#[test]
fn replaces_beside_join_is_400() {
    // covers: TR-104
    let mut bench = Bench::new();
    let leg = bench.answered_call();
    let up = bench.established(leg);
    let both = replacing_up(&up).header(HeaderId::Join, "a@h;to-tag=1;from-tag=2");
    assert_eq!(refused(&mut bench, both), 400);
    let broken = replacing_up(&up).header(HeaderId::Join, "nonsense");
    assert_eq!(refused(&mut bench, broken), 400);
    // Join alone is a header that nobody here knows.
    bench.incoming(call().header(HeaderId::Join, "a@h;to-tag=1;from-tag=2"));
}

#[test]
fn replaces_may_be_required_and_something_else_may_not() {
    let mut bench = Bench::new();
    let leg = bench.answered_call();
    let up = bench.established(leg);
    let other = replacing_up(&up).header(HeaderId::Require, "replaces, join");
    assert_eq!(refused(&mut bench, other), 420);
    assert_eq!(bench.last_answer().first(HeaderId::Unsupported), Some("join"));
    let (_, new) = bench.incoming(replacing_up(&up).header(HeaderId::Require, "Replaces"));
    assert!(told(&bench, new).replacing.is_some());
}

#[test]
fn replaces_is_advertised_in_every_invite_every_2xx_and_to_who_asks() {
    // covers: TR-117
    let mut bench = Bench::new();
    let says = |message: &sip_message::Message| message.supported().any(|tag| tag == "replaces");
    let placed = bench.placed();
    bench.leg(placed, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    assert!(says(&bench.last_of(Method::Invite).message), "a re-INVITE");
    bench.place();
    assert!(says(&bench.last_of(Method::Invite).message), "the first INVITE");
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    assert!(says(&bench.last_answer()), "the 2xx");
    bench.ack(&bench.last_answer(), None);
    let up = bench.established(leg);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:carol@192.0.2.30>").sdp(OFFER);
    bench.request(reinvite);
    assert!(bench.last_status() == 200 && says(&bench.last_answer()), "the 2xx to a re-INVITE");
    bench.request(Theirs::outside(Method::Options));
    assert!(bench.last_status() == 200 && says(&bench.last_answer()), "OPTIONS");
}

#[test]
fn where_it_is_off_replaces_is_ignored_and_not_advertised() {
    let mut bench = Bench::with(DialogConfig {
        supported: Vec::new(),
        reliability: Reliability::Never,
        session_timers: SessionTimers::Off,
        ..DialogConfig::default()
    });
    let old = bench.answered_call();
    let up = bench.established(old);
    assert_eq!(refused(&mut bench, replacing_up(&up).header(HeaderId::Require, "replaces")), 420);
    let (_, new) = bench.incoming(replacing_up(&up));
    let call = told(&bench, new);
    assert!(call.replacing.is_none() && call.replaces.is_some());
    accept(&mut bench, new);
    assert!(!bench.last_answer().has(HeaderId::Supported));
    let broken = Theirs { call_id: "another".into(), ..self::call().header(HeaderId::Replaces, "nonsense") };
    let (_, odd) = bench.incoming(broken);
    assert!(told(&bench, odd).replaces.is_none());
    let value = format!("{};to-tag={};from-tag={PEER_TAG}", up.dialog.call_id, up.dialog.local_tag);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(reinvite.header(HeaderId::Replaces, &value));
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn within_a_dialog_replaces_is_488_and_the_call_lives() {
    // covers: TR-123, EC-66
    let mut bench = Bench::new();
    let (old, other) = (bench.answered_call(), bench.placed());
    let (up, another) = (bench.established(old), bench.established(other));
    for named in [&up, &another] {
        let value = format!(
            "{};to-tag={};from-tag={}",
            named.dialog.call_id, named.dialog.local_tag, named.dialog.remote_tag
        );
        let inside = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
        assert_eq!(refused(&mut bench, inside.header(HeaderId::Replaces, &value)), 488);
    }
    let inside = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(inside);
    assert_eq!(bench.last_status(), 200, "the call goes on");
    assert!(bench.ended(old).is_none() && bench.ended(other).is_none());
    // A dialog that is not there.
    let dead = Theirs { to_tag: Some("gone".into()), ..replacing_up(&another) };
    assert_eq!(refused(&mut bench, dead), 481);
}

#[test]
fn ids_are_compared_byte_for_byte_and_what_matches_nothing_is_481() {
    // covers: TR-106, TR-125, EC-70
    let mut bench = Bench::new();
    let theirs = Theirs { call_id: "ABC@h".into(), ..Theirs::outside(Method::Invite) };
    let (_, old) = bench.incoming(theirs.contact("<sip:bob@192.0.2.20>").sdp(OFFER));
    accept(&mut bench, old);
    bench.ack(&bench.last_answer(), None);
    let tag = bench.established(old).dialog.local_tag.to_string();
    let other_case = tag.to_ascii_uppercase();
    // Of the form of ours, but made by another agent with a key of its own.
    let foreign = format!("{}{}", &tag[..31], if tag.ends_with('0') { '1' } else { '0' });
    for (call_id, to_tag, from_tag) in [
        ("abc@h", &*tag, PEER_TAG),
        ("ABC@h", &*tag, "PEER-TAG"),
        ("ABC@h", &*tag, "other"),
        ("ABC@h", &*tag, "0"),
        ("ABC@h", "0", PEER_TAG),
        ("ABC@h", "not-ours", PEER_TAG),
        ("ABC@h", &*other_case, PEER_TAG),
        ("ABC@h", &*foreign, PEER_TAG),
        ("nobodys@h", &*tag, PEER_TAG),
    ] {
        let request = replacing(call_id, to_tag, from_tag);
        assert_eq!(refused(&mut bench, request), 481, "{call_id} {to_tag} {from_tag}");
    }
    bench.incoming(replacing("ABC@h", &tag, PEER_TAG));
}

#[test]
fn a_tag_of_0_stands_for_a_missing_one() {
    // covers: TR-121
    let mut bench = Bench::new();
    let old = bench.place();
    let invite = bench.last_of(Method::Invite);
    bench.reply(&invite, 200, "x", |response| {
        response.contact("<sip:bob@192.0.2.20>").body("application/sdp", ANSWER)
    });
    let up = bench.established(old);
    assert_eq!(refused(&mut bench, replacing(&up.dialog.call_id, &up.dialog.local_tag, "0")), 481);

    let mut bench = Bench::new();
    let old = bench.place();
    let invite = bench.last_of(Method::Invite);
    bench.reply_without_tag(&invite, 200);
    let up = bench.established(old);
    assert_eq!(&*up.dialog.remote_tag, "", "an RFC 2543 peer");
    let (_, new) = bench.incoming(replacing(&up.dialog.call_id, &up.dialog.local_tag, "0"));
    assert_eq!(told(&bench, new).replacing.expect("a match").leg, old);
}

#[test]
fn a_call_that_names_itself_is_481() {
    // covers: TR-124
    let mut bench = Bench::new();
    let (_, ringing) = bench.incoming(call());
    bench.leg(ringing, LegCommand::Ring);
    let tag = bench.last_answer().to_tag().expect("a tag").to_owned();
    // The same INVITE by another way, and once more when it is up.
    assert_eq!(refused(&mut bench, replacing("new-call", &tag, "carol")), 481);
    accept(&mut bench, ringing);
    assert_eq!(refused(&mut bench, replacing("new-call", &tag, "carol")), 481);
    bench.ack(&bench.last_answer(), None);
    assert!(bench.ended(ringing).is_none());
}

#[test]
fn an_ended_dialog_is_603_for_64_t1_and_481_afterwards() {
    // covers: TR-107
    for by_them in [true, false] {
        let mut bench = Bench::new();
        let old = bench.answered_call();
        let up = bench.established(old);
        if by_them {
            let bye = bench.theirs(Method::Bye, &up);
            bench.request(bye);
        } else {
            hang_up(&mut bench, old);
            assert_eq!(refused(&mut bench, replacing_up(&up)), 603, "the BYE is on its way");
            let bye = bench.last_of(Method::Bye);
            bench.ok(&bye);
        }
        assert_eq!(refused(&mut bench, replacing_up(&up)), 603);
        bench.advance(Duration::from_millis(31_999));
        assert_eq!(refused(&mut bench, replacing_up(&up)), 603);
        let other = replacing(&up.dialog.call_id, &up.dialog.local_tag, "other");
        assert_eq!(refused(&mut bench, other), 481, "not this one");
        bench.advance(Duration::from_millis(1));
        assert_eq!(refused(&mut bench, replacing_up(&up)), 481);
    }
}

#[test]
fn a_dialog_with_nothing_but_a_subscription_is_603_and_then_481() {
    // covers: TR-106
    let mut bench = Bench::new();
    let old = bench.answered_call();
    let up = bench.established(old);
    let refer = bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>");
    bench.describe_at_once = true;
    bench.request(refer);
    let subscription = bench.requested();
    let lifetime = Duration::from_mins(2);
    bench.subscription(subscription, SubscriptionCommand::Accept { pending: false, lifetime });
    let notify = bench.last_of(Method::Notify);
    bench.ok(&notify);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    assert_eq!(refused(&mut bench, replacing_up(&up)), 603);
    bench.advance(Duration::from_secs(32));
    assert_eq!(bench.dialogs.load().subscriptions, 1);
    assert_eq!(refused(&mut bench, replacing_up(&up)), 481);
    let last = SubscriptionCommand::Report {
        status: StatusCode::OK,
        headers: Vec::new(),
        last: Some(SubReason::Noresource),
    };
    bench.subscription(subscription, last);
    let notify = bench.last_of(Method::Notify);
    bench.ok(&notify);
    assert_eq!(bench.dialogs.load().dialogs, 0);
    assert_eq!(refused(&mut bench, replacing_up(&up)), 481, "long ago is long ago");
    bench.assert_clean();
}

#[test]
fn early_only_does_not_replace_a_call_that_is_up() {
    // covers: TR-108
    let mut bench = Bench::new();
    let old = bench.answered_call();
    let up = bench.established(old);
    let value =
        format!("{};to-tag={};from-tag={PEER_TAG};early-only", up.dialog.call_id, up.dialog.local_tag);
    let before = format!("{:?}", bench.dialogs);
    assert_eq!(refused(&mut bench, call().header(HeaderId::Replaces, &value)), 486);
    assert_eq!(format!("{:?}", bench.dialogs), before);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(reinvite);
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn a_second_replacement_is_486_until_the_first_has_failed() {
    let mut bench = Bench::new();
    let old = bench.answered_call();
    let up = bench.established(old);
    let (_, first) = bench.incoming(replacing_up(&up));
    let second = || Theirs { call_id: "second".into(), ..replacing_up(&up) };
    assert_eq!(refused(&mut bench, second()), 486);
    bench.leg(first, LegCommand::Reject { status: code(403), retry_after: None });
    let (_, third) = bench.incoming(second());
    assert_eq!(told(&bench, third).replacing.expect("a match").leg, old);
    accept(&mut bench, third);
    assert_eq!(refused(&mut bench, replacing_up(&up)), 486);
    hang_up(&mut bench, old);
    assert_eq!(refused(&mut bench, replacing_up(&up)), 603);
}

#[test]
fn bodies_and_a_full_table_are_told_in_their_turn() {
    let mut bench = Bench::with(DialogConfig { legs: 1, ..DialogConfig::default() });
    let old = bench.answered_call();
    let up = bench.established(old);
    assert_eq!(refused(&mut bench, call()), 503);
    assert_eq!(refused(&mut bench, replacing("nobodys", &up.dialog.local_tag, PEER_TAG)), 481);
    assert_eq!(refused(&mut bench, replacing_up(&up)), 503);
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
    let text = Theirs { body: Some(("text/plain".into(), "x".into())), ..replacing_up(&up) };
    assert_eq!(refused(&mut bench, text), 415, "the same whether or not the dialog is there");
    let text = Theirs { body: Some(("text/plain".into(), "x".into())), ..replacing("nobodys", "x", "y") };
    assert_eq!(refused(&mut bench, text), 415);
}

#[test]
fn the_new_call_tells_when_its_2xx_was_acknowledged() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    let count = |bench: &Bench| {
        bench.leg_events(leg).iter().filter(|event| matches!(event, LegEvent::Acknowledged)).count()
    };
    assert_eq!(count(&bench), 0);
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    bench.ack(&ok, None);
    assert_eq!(count(&bench), 1);
    // An INVITE shows it, too; the ACK that it overtook then says nothing new.
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    let ok = bench.last_answer();
    let up = bench.established(leg);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:carol@192.0.2.30>").sdp(OFFER);
    bench.request(reinvite);
    let second = bench.last_answer();
    bench.ack(&ok, None);
    bench.ack(&second, None);
    let acks = bench.leg_events(leg).into_iter().filter(|event| matches!(event, LegEvent::Acknowledged));
    assert_eq!(acks.count(), 1);
}
