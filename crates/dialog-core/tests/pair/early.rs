//! Early sessions of a call that is being cancelled, or that comes up meanwhile.

use std::time::Duration;

use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, LegCommand, LegEvent, LegId, Reliability, ReofferError,
};

use crate::net::{Fate, Net};

const HANG_UP: LegCommand = LegCommand::HangUp { reason: None };

/// A call that has come to the callee, who answers reliably where it can.
fn called() -> (Net, LegId, LegId) {
    let mut net = Net::silent(1, |_| DialogConfig {
        reliability: Reliability::WhenSupported,
        ..DialogConfig::default()
    });
    let leg = net.place();
    net.advance(Duration::from_millis(100));
    let other = net.answered_leg().expect("a call came");
    (net, leg, other)
}

fn ask(net: &mut Net, agent: usize, leg: LegId, command: LegCommand) {
    net.command(agent, DialogCommand::Leg(leg, command));
}

/// Asserts that the caller is told nothing of a description once it is ending the call, and when that is over.
fn assert_silent(mut net: Net) -> Net {
    net.advance(Duration::from_mins(3));
    let closing =
        net.agents[0].events.iter().position(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Closing)));
    let later = &net.agents[0].events[closing.expect("it ends the call")..];
    assert!(!later.iter().any(|event| matches!(
        event,
        DialogEvent::Leg(_, LegEvent::Described { .. } | LegEvent::NeedDescription { .. })
    )));
    assert!(matches!(later.last(), Some(DialogEvent::Leg(_, LegEvent::Ended(_)))));
    assert!(net.agents.iter().all(crate::agent::Agent::is_clean));
    net
}

#[test]
fn a_wish_ends_with_the_call_that_is_cancelled_though_its_update_is_accepted() {
    let (mut net, leg, other) = called();
    ask(&mut net, 1, other, LegCommand::Progress);
    net.advance(Duration::from_millis(100));
    ask(&mut net, 0, leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    net.fates[0].push_back(Fate::Late(500));
    ask(&mut net, 0, leg, HANG_UP);
    let ended = |event: &DialogEvent| {
        matches!(event, DialogEvent::Leg(_, LegEvent::Reoffered(Err(ReofferError::Ended))))
    };
    assert_eq!(net.agents[0].count(ended), 1);
    let changed = |event: &DialogEvent| matches!(event, DialogEvent::Leg(_, LegEvent::Changed));
    let net = assert_silent(net);
    assert_eq!(net.agents[1].count(changed), 1, "the callee has accepted it");
}

#[test]
fn an_update_in_a_call_that_is_being_cancelled_is_refused() {
    let (mut net, leg, other) = called();
    // The 183 comes when the call is being cancelled, and the CANCEL after the UPDATE.
    net.fates[1].push_back(Fate::Late(200));
    ask(&mut net, 1, other, LegCommand::Progress);
    net.advance(Duration::from_millis(100));
    net.fates[0].push_back(Fate::Late(400));
    ask(&mut net, 0, leg, HANG_UP);
    net.advance(Duration::from_millis(150));
    ask(&mut net, 1, other, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    net.advance(Duration::from_millis(100));
    let net = assert_silent(net);
    let refused = |event: &DialogEvent| matches!(event, DialogEvent::Leg(_, LegEvent::Reoffered(Err(ReofferError::Refused(status)))) if status.as_u16() == 488);
    assert_eq!(net.agents[1].count(refused), 1);
}

#[test]
fn a_wish_whose_update_meets_theirs_goes_by_reinvite_once_the_call_is_up() {
    // covers: TR-194
    let (mut net, leg, other) = called();
    let wish = LegCommand::Reoffer { limit: Duration::from_secs(9) };
    ask(&mut net, 1, other, LegCommand::Progress);
    net.advance(Duration::from_millis(100));
    ask(&mut net, 1, other, wish.clone());
    ask(&mut net, 1, other, LegCommand::Accept { contact_user: None });
    ask(&mut net, 0, leg, wish);
    net.advance(Duration::from_secs(9));
    for agent in &net.agents {
        let done = |event: &DialogEvent| matches!(event, DialogEvent::Leg(_, LegEvent::Reoffered(Ok(()))));
        assert_eq!(agent.count(done), 1);
    }
}
