//! Offers before the call is up, and sessions that are timed, between two agents.

use std::time::Duration;

use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, EndReason, LegCommand, LegEvent, LegId, Reliability,
    SessionTimers, Turn,
};
use sip_message::{HeaderId, Message, Method};

use super::Net;

fn config(reliability: Reliability, interval: u32) -> DialogConfig {
    let session_timers = SessionTimers::Offered { interval };
    DialogConfig { reliability, session_timers, ..DialogConfig::default() }
}

/// A call that rings with offer and answer complete; `None` where the INVITE is lost too often.
fn ringing(seed: u64, loss: u32, offerless: bool) -> Option<(Net, LegId, LegId)> {
    let mut net = Net::with(seed, loss, || config(Reliability::WhenSupported, 1800));
    net.agents[1].picks_up = false;
    let leg = net.place_with(offerless);
    net.advance(Duration::from_secs(4));
    let other = net.answered_leg()?;
    net.command(1, DialogCommand::Leg(other, LegCommand::Progress));
    net.advance(Duration::from_secs(8));
    Some((net, leg, other))
}

fn told(net: &Net, agent: usize, wanted: impl Fn(&LegEvent) -> bool) -> usize {
    net.agents[agent].count(|event| matches!(event, DialogEvent::Leg(_, event) if wanted(event)))
}

fn sent(net: &Net, agent: usize, method: Method) -> Vec<Message> {
    let messages = net.agents[agent].log.iter().filter_map(|wire| Message::parse(wire.clone()).ok());
    messages.filter(|message| message.method() == Some(method)).collect()
}

#[test]
fn an_offerless_call_agrees_in_its_reliable_183_and_prack() {
    // covers: TR-230
    for loss in [0, 25] {
        for seed in 1..30 {
            let Some((mut net, _, other)) = ringing(seed, loss, true) else { continue };
            if loss == 0 {
                let pracks = sent(&net, 0, Method::Prack);
                assert_eq!(pracks.len(), 1);
                assert!(pracks[0].has(HeaderId::RAck) && !pracks[0].body().is_empty());
                assert!(sent(&net, 0, Method::Invite)[0].body().is_empty());
            }
            net.command(1, DialogCommand::Leg(other, LegCommand::Accept { contact_user: None }));
            net.advance(Duration::from_mins(1));
            if loss > 0 {
                continue;
            }
            for (agent, turn) in [(0, Turn::Offer), (1, Turn::Answer)] {
                assert_eq!(told(&net, agent, |event| matches!(event, LegEvent::Up(_))), 1);
                let descriptions = told(
                    &net,
                    agent,
                    |event| matches!(event, LegEvent::Described { turn: it, .. } if *it == turn),
                );
                assert_eq!(descriptions, 1);
            }
            assert!(sent(&net, 0, Method::Ack)[0].body().is_empty());
        }
    }
}

#[test]
fn two_updates_at_once_both_come_through() {
    // covers: TR-194, TR-232
    for seed in 1..50 {
        let (mut net, leg, other) = ringing(seed, 0, false).expect("a call came");
        let wish = LegCommand::Reoffer { limit: Duration::from_secs(20) };
        net.command(0, DialogCommand::Leg(leg, wish.clone()));
        net.command(1, DialogCommand::Leg(other, wish));
        net.advance(Duration::from_secs(21));
        for agent in 0..2 {
            assert_eq!(told(&net, agent, |event| matches!(event, LegEvent::Reoffered(Ok(())))), 1, "{seed}");
            assert_eq!(told(&net, agent, |event| matches!(event, LegEvent::Changed)), 1);
            assert_eq!(sent(&net, agent, Method::Update).len(), 2);
        }
    }
}

#[test]
fn a_held_session_of_90_seconds_lives_and_ends_at_both_sides_when_the_network_does() {
    // covers: TR-234
    let mut net = Net::with(1, 0, || config(Reliability::default(), 90));
    let leg = net.place();
    net.advance(Duration::from_secs(1));
    net.command(0, DialogCommand::Leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) }));
    net.advance(Duration::from_mins(10));
    let refreshes = sent(&net, 0, Method::Update).len();
    assert!((13..=14).contains(&refreshes), "one in 45 s: {refreshes}");
    for agent in 0..2 {
        assert_eq!(told(&net, agent, |event| matches!(event, LegEvent::Ended(_))), 0);
    }
    net.loss = 100;
    net.advance(Duration::from_secs(90) + Duration::from_secs(32));
    for agent in 0..2 {
        let expired = told(
            &net,
            agent,
            |event| matches!(event, LegEvent::Ended(cause) if cause.reason == EndReason::SessionExpired),
        );
        assert_eq!(expired, 1);
    }
    net.advance(Duration::from_mins(2));
    assert!(net.agents.iter().all(super::Agent::is_clean));
}

#[test]
fn nothing_is_left_of_early_sessions_on_a_network_that_loses_datagrams() {
    for seed in 1..120 {
        let ringing = ringing(seed, 10 + (seed % 4) as u32 * 15, seed.is_multiple_of(2));
        let Some((mut net, leg, other)) = ringing else { continue };
        let wish = LegCommand::Reoffer { limit: Duration::from_secs(10) };
        net.command(0, DialogCommand::Leg(leg, wish.clone()));
        net.command(1, DialogCommand::Leg(other, wish));
        net.advance(Duration::from_secs(seed % 5));
        if seed % 3 > 0 {
            net.command(1, DialogCommand::Leg(other, LegCommand::Accept { contact_user: None }));
        }
        net.advance(Duration::from_secs(seed % 11));
        net.command(0, DialogCommand::Leg(leg, LegCommand::HangUp { reason: None }));
        net.advance(Duration::from_hours(1));
        net.command(1, DialogCommand::Leg(other, LegCommand::HangUp { reason: None }));
        net.advance(Duration::from_mins(10));
        for agent in &net.agents {
            assert!(agent.is_clean(), "seed {seed}: {:?} {:#?}", agent.timers, agent.dialogs);
        }
        for agent in 0..2 {
            assert_eq!(told(&net, agent, |event| matches!(event, LegEvent::Ended(_))), 1, "{seed}");
        }
    }
}
