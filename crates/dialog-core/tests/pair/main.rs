//! Two user agents, each dialogs over transactions, on a network that loses datagrams; in virtual time.

mod agent;
mod early;
mod model;
mod net;
mod registrar;
mod sessions;

use std::time::Duration;

use dialog_core::{
    DialogCommand, DialogEvent, EndReason, LegCommand, LegEvent, ReferAnswer, SubscriptionCommand,
    SubscriptionEnd, SubscriptionEvent,
};
use sip_message::{StatusCode, SubReason};

use crate::net::Net;

#[test]
fn a_call_with_a_transfer_runs_from_end_to_end() {
    let mut net = Net::new(1, 0);
    let leg = net.place();
    net.advance(Duration::from_secs(1));
    assert_eq!(net.agents[0].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Up(_)))), 1);
    assert_eq!(net.agents[1].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Up(_)))), 1);
    net.command(0, DialogCommand::Leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) }));
    let subscription = net.refer(leg);
    net.advance(Duration::from_secs(1));
    assert_eq!(
        net.agents[0].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Reoffered(Ok(()))))),
        1
    );
    assert_eq!(net.agents[1].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Changed))), 1);
    let theirs = net.requested().expect("the REFER came");
    for (status, last) in [(StatusCode::RINGING, None), (StatusCode::OK, Some(SubReason::Noresource))] {
        net.command(
            1,
            DialogCommand::Subscription(
                theirs,
                SubscriptionCommand::Report { status, headers: Vec::new(), last },
            ),
        );
        net.advance(Duration::from_secs(2));
    }
    let told: Vec<u16> = net.agents[0]
        .events
        .iter()
        .filter_map(|event| match event {
            DialogEvent::Subscription(_, SubscriptionEvent::Notified(it)) => {
                it.status.map(StatusCode::as_u16)
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [100, 180, 200]);
    let answered = |event: &DialogEvent| matches!(event, DialogEvent::Subscription(id, SubscriptionEvent::Answered(ReferAnswer::Accepted(_))) if *id == subscription);
    assert_eq!(net.agents[0].count(answered), 1);
    for agent in &net.agents {
        let ended = agent.count(|event| {
            matches!(
                event,
                DialogEvent::Subscription(_, SubscriptionEvent::Ended(SubscriptionEnd::Terminated))
            )
        });
        assert_eq!(ended, 1);
    }
    net.command(0, DialogCommand::Leg(leg, LegCommand::HangUp { reason: None }));
    net.advance(Duration::from_mins(2));
    for agent in &net.agents {
        let bye = |event: &DialogEvent| matches!(event, DialogEvent::Leg(_, LegEvent::Ended(cause)) if cause.reason == EndReason::Bye);
        assert_eq!(agent.count(bye), 1);
        assert!(agent.is_clean(), "{:#?}", agent.dialogs);
    }
}

#[test]
fn repeated_datagrams_make_one_call_and_one_transfer() {
    // covers: TR-191, TR-248
    let mut net = Net::new(1, 0);
    net.copies = 3;
    let leg = net.place();
    net.advance(Duration::from_secs(1));
    net.refer(leg);
    net.advance(Duration::from_secs(1));
    let incoming = |event: &DialogEvent| matches!(event, DialogEvent::Leg(_, LegEvent::Incoming(_)));
    let requested =
        |event: &DialogEvent| matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Requested(_)));
    assert_eq!((net.agents[1].count(incoming), net.agents[1].count(requested)), (1, 1));
    let answered =
        |event: &DialogEvent| matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Answered(_)));
    let notified =
        |event: &DialogEvent| matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Notified(_)));
    assert_eq!((net.agents[0].count(answered), net.agents[0].count(notified)), (1, 1));
}

#[test]
fn two_offers_at_once_both_come_through() {
    // covers: TR-194
    for seed in 0..50 {
        let mut net = Net::new(seed, 0);
        let leg = net.place();
        net.advance(Duration::from_secs(1));
        let other = net.answered_leg().expect("a call came");
        net.command(0, DialogCommand::Leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(20) }));
        net.command(1, DialogCommand::Leg(other, LegCommand::Reoffer { limit: Duration::from_secs(20) }));
        net.advance(Duration::from_secs(21));
        for agent in &net.agents {
            assert_eq!(
                agent.count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Reoffered(Ok(()))))),
                1
            );
        }
    }
}

#[test]
fn nothing_is_left_on_a_network_that_loses_datagrams() {
    for seed in 1..150 {
        let mut net = Net::new(seed, 10 + (seed % 4) as u32 * 15);
        let leg = net.place();
        net.advance(Duration::from_secs(5));
        net.command(0, DialogCommand::Leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) }));
        net.refer(leg);
        net.advance(Duration::from_secs(3));
        if let Some(theirs) = net.requested() {
            let last = Some(SubReason::Noresource);
            let report = SubscriptionCommand::Report { status: StatusCode::OK, headers: Vec::new(), last };
            net.command(1, DialogCommand::Subscription(theirs, report));
        }
        net.advance(Duration::from_secs(seed % 7));
        let hang_up = LegCommand::HangUp { reason: None };
        if seed % 3 == 0
            && let Some(other) = net.answered_leg()
        {
            net.command(1, DialogCommand::Leg(other, hang_up));
        } else {
            net.command(0, DialogCommand::Leg(leg, hang_up));
        }
        net.advance(Duration::from_mins(2));
        if let Some(theirs) = net.requested() {
            let last = Some(SubReason::Noresource);
            let report = SubscriptionCommand::Report { status: StatusCode::OK, headers: Vec::new(), last };
            net.command(1, DialogCommand::Subscription(theirs, report));
        }
        net.advance(Duration::from_mins(10));
        // One side may not have heard of the other's end, where every BYE was lost.
        for (agent, leg) in [(0, Some(leg)), (1, net.answered_leg())] {
            if let Some(leg) = leg {
                net.command(agent, DialogCommand::Leg(leg, LegCommand::HangUp { reason: None }));
            }
        }
        net.advance(Duration::from_mins(10));
        for agent in &net.agents {
            assert!(agent.is_clean(), "seed {seed}: {:?} {:#?}", agent.timers, agent.dialogs);
            let ends = agent.count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Ended(_))));
            let begun = agent.count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Incoming(_))));
            assert!(ends == 1 || begun == 0);
        }
    }
}
