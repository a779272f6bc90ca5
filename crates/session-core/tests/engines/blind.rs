//! Calls and blind transfers.

use std::time::Duration;

use session_core::{
    ByeOwner, CallOptions, EventKind, OutcomeKind, PeerProfile, ReferOptions, ReferSubscription, StatusCode,
    UserToUser,
    engine::{Command, Reply},
};

use crate::net::{Net, OK};

#[test]
fn a_call_comes_up_is_held_resumed_and_ended() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK)]);
    let call = net.call(0, 1);
    let hold = net.ask(0, Command::Hold { session: call });
    assert!(matches!(net.reply(0, hold), Some(Ok(Reply::Hold(state))) if state.local && !state.remote));
    let resume = net.ask(0, Command::Resume { session: call });
    assert!(matches!(net.reply(0, resume), Some(Ok(Reply::Hold(state))) if !state.local));
    let end = net.ask(0, Command::HangUp { session: call });
    assert!(matches!(net.reply(0, end), Some(Ok(Reply::Done))));
    net.nothing_is_left();
}

#[test]
fn a_call_that_nobody_decides_about_ends_by_its_own_limit_before_its_transaction_does() {
    let mut net = Net::new(&[("alice", OK), ("bob", Some(StatusCode::TRYING))]);
    let target = format!("sip:bob@{}", net.parties[1].address).parse().expect("test URI");
    let options = CallOptions { ring_limit: Some(Duration::from_mins(10)), ..CallOptions::default() };
    net.ask(0, Command::Call { target, options });
    net.run(Duration::from_millis(179_900));
    assert_eq!(net.sent(1), ["SIP/2.0 100"]);
    net.run(Duration::from_millis(200));
    assert_eq!(net.sent(1)[1], "SIP/2.0 480");
    net.run(Duration::from_mins(10));
    assert!(!net.sent(1).iter().any(|line| line == "SIP/2.0 408"));
    net.nothing_is_left();
}

#[test]
fn a_blind_transfer_moves_the_party_and_ends_our_call() {
    // covers: TR-161, TR-162
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    assert_eq!(net.outcomes(1).len(), 1);
    let requests: Vec<String> = net.sent(0).into_iter().filter(|line| !line.starts_with("SIP")).collect();
    let methods: Vec<&str> = requests.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(methods, ["INVITE", "ACK", "INVITE", "ACK", "REFER", "BYE"]);
    let id = net.parties[1].engine.tap().events.iter().find_map(|event| match event.kind {
        EventKind::TransferConnected { to } => Some(to),
        _ => None,
    });
    net.ask(1, Command::HangUp { session: id.expect("the new call") });
    net.nothing_is_left();
}

#[test]
fn a_busy_target_gives_the_party_back() {
    // covers: TR-163, TR-178
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::BUSY_HERE))]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(5));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(486), true)]);
    let end = net.ask(0, Command::HangUp { session: call });
    net.run(Duration::from_secs(1));
    assert!(matches!(net.reply(0, end), Some(Ok(Reply::Done))));
    net.nothing_is_left();
}

#[test]
fn a_silent_target_is_cancelled_and_gives_the_party_back() {
    // covers: TR-164
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None)]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(70));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(487), true)]);
    assert!(net.sent(1).iter().any(|line| line.starts_with("CANCEL")));
    net.ask(0, Command::HangUp { session: call });
    net.nothing_is_left();
}

#[test]
fn who_hangs_up_while_being_moved_reports_before_the_bye() {
    // covers: TR-256
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None)]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(2));
    let moved = net.parties[1].engine.tap().events.iter().find_map(|event| match event.kind {
        EventKind::Established { .. } => event.session,
        _ => None,
    });
    net.ask(1, Command::HangUp { session: moved.expect("the call with Alice") });
    net.run(Duration::from_secs(2));
    let sent = net.sent(1);
    let at = |method: &str| sent.iter().rposition(|line| line.starts_with(method)).expect(method);
    assert!(at("CANCEL") < at("BYE") && at("NOTIFY") < at("BYE"), "{sent:#?}");
    assert_eq!(net.outcomes(0).len(), 1);
    net.nothing_is_left();
}

/// The transfer of the call to bob, begun with these options.
fn moved(net: &mut Net, options: ReferOptions) -> session_core::SessionId {
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::BlindWith { session: call, target, options: Box::new(options) });
    call
}

#[test]
fn a_transfer_without_a_subscription_ends_as_accepted_and_the_party_is_moved() {
    // covers: TR-077, TR-084
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let options = ReferOptions {
        subscription: ReferSubscription::None,
        user_to_user: Some(UserToUser::hex(b"case 17").expect("octets")),
        ..ReferOptions::default()
    };
    moved(&mut net, options);
    net.run(Duration::from_secs(2));
    let [(kind, Some(200..=202), false)] = net.outcomes(0)[..] else { panic!("{:?}", net.outcomes(0)) };
    assert_eq!(kind, OutcomeKind::AcceptedWithoutProgress);
    assert!(!net.sent(1).iter().any(|line| line.starts_with("NOTIFY")), "{:#?}", net.sent(1));
    let invites = net.sent(1).iter().filter(|line| line.starts_with("INVITE")).count();
    assert_eq!(invites, 1, "bob has called carol");
    let id = net.parties[1].engine.tap().events.iter().find_map(|event| match event.kind {
        EventKind::TransferConnected { to } => Some(to),
        _ => None,
    });
    net.ask(1, Command::HangUp { session: id.expect("the new call") });
    net.nothing_is_left();
}

#[test]
fn who_lets_go_of_a_transfer_is_gone_and_hears_the_outcome() {
    // covers: TR-165, TR-180
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    moved(&mut net, ReferOptions::default());
    let transfer = net.parties[0].engine.tap().events.iter().find_map(|event| event.transfer);
    net.ask(0, Command::Detach { transfer: transfer.expect("a transfer") });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    let id = net.parties[1].engine.tap().events.iter().find_map(|event| match event.kind {
        EventKind::TransferConnected { to } => Some(to),
        _ => None,
    });
    net.ask(1, Command::HangUp { session: id.expect("the new call") });
    net.nothing_is_left();
}

#[test]
fn a_profile_sets_how_transfers_are_done() {
    let mut config =
        session_core::engine::EngineConfig::new("<sip:us@example.com>".parse().expect("an address"));
    let profile = PeerProfile::by_name("oracle").expect("a profile");
    config.apply(profile);
    assert_eq!(config.refer, profile.refer_options());
    assert_eq!((config.profile, config.hold_before_transfer), (profile, true));
    assert_eq!(config.policy.bye, ByeOwner::Transferor);
}

#[test]
fn a_sips_target_is_called_and_without_tls_the_network_says_why_it_is_not_reached() {
    let mut net = Net::new(&[("alice", OK)]);
    let target = "sips:bob@192.0.2.2".parse().expect("test URI");
    let id = net.ask(0, Command::Call { target, options: session_core::CallOptions::default() });
    assert!(matches!(net.reply(0, id), Some(Ok(Reply::Session(_)))), "{:?}", net.reply(0, id));
    net.run(Duration::from_secs(1));
    let events = &net.parties[0].engine.tap().events;
    let cause = events.iter().find_map(|event| match &event.kind {
        EventKind::CallEnded { cause } => Some(cause.clone()),
        _ => None,
    });
    let error = session_core::SessionError::Ended(cause.expect("the call is over"));
    assert!(error.network().is_some(), "{error}");
    net.nothing_is_left();
}
