//! The connection that a binding depends on (RFC 5626 §4.4, §4.5).

use std::{net::SocketAddr, time::Duration};

use dialog_core::{RegistrationCommand, RegistrationEvent, RegistrationId};
use sip_message::{HeaderId, Method};
use sip_transport::{CloseCause, FlowId};
use transaction_core::{TxEvent, TxFailure};

use crate::{
    bench::Bench,
    registrar::{
        accept, accept_with, account, command, events, failure, last, outbound_account, register,
        registered_outbound, standing,
    },
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn end(bench: &mut Bench, flow: u64) {
    bench.receive(TxEvent::FlowEnded { flow: FlowId::from(flow), cause: CloseCause::Closed });
}

#[test]
fn a_refresh_goes_by_the_flow_of_the_binding() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    assert_eq!(bench.routes[0].flow, None);
    command(&mut bench, id, RegistrationCommand::Refresh);
    assert_eq!(bench.routes[1].flow, Some(FlowId::from(1)));
}

/// One over UDP whose registrar takes part in outbound, so that it answers STUN.
fn registered_by_udp(bench: &mut Bench) -> RegistrationId {
    let id = register(bench, outbound_account());
    let sent = bench.last_sent();
    accept_with(bench, &sent, |response| response.header(HeaderId::Require, "outbound"));
    assert!(standing(bench, id).outbound);
    id
}

/// The one remote that is kept.
fn kept_remote(bench: &Bench) -> SocketAddr {
    let kept: Vec<_> = bench.kept.keys().collect();
    let [(flow, remote)] = kept[..] else { panic!("one is kept, not {kept:?}") };
    assert_eq!(*flow, FlowId::from(1));
    *remote
}

#[test]
fn a_way_by_udp_is_kept_only_where_outbound_was_granted() {
    let mut bench = Bench::new();
    let id = register(&mut bench, outbound_account());
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 60);
    standing(&bench, id);
    assert!(bench.kept.is_empty(), "nobody has said that it knows STUN");

    let mut bench = Bench::new();
    let id = registered_by_udp(&mut bench);
    assert_eq!(bench.kept.values().copied().collect::<Vec<_>>(), [None]);
    // A registrar that leaves it is not asked any longer.
    command(&mut bench, id, RegistrationCommand::Refresh);
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 3_600);
    assert!(bench.kept.is_empty());
}

#[test]
fn a_way_by_udp_that_has_failed_is_registered_anew_at_once() {
    let mut bench = Bench::new();
    let id = registered_by_udp(&mut bench);
    let (flow, remote) = (FlowId::from(1), kept_remote(&bench));
    bench.advance(seconds(30));
    let other = "192.0.2.99:5060".parse().expect("an address");
    bench.receive(TxEvent::FlowFailed { flow, remote: other });
    assert_eq!(bench.count_of(Method::Register), 1, "it is of another remote");
    bench.receive(TxEvent::FlowFailed { flow, remote });
    assert!(matches!(last(&bench, id), RegistrationEvent::FlowLost));
    assert_eq!(bench.count_of(Method::Register), 2);
    assert!(bench.kept.is_empty());
    let sent = bench.last_sent();
    accept_with(&mut bench, &sent, |response| response.header(HeaderId::Require, "outbound"));
    assert_eq!(kept_remote(&bench), remote);
}

#[test]
fn when_the_connection_ends_it_registers_at_once_by_another() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    bench.advance(seconds(30));
    bench.flow = 2;
    end(&mut bench, 1);
    assert!(matches!(last(&bench, id), RegistrationEvent::FlowLost));
    assert_eq!(bench.count_of(Method::Register), 2);
    assert_eq!(bench.routes[1].flow, None);
    assert!(bench.kept.is_empty());
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 3_600);
    assert_eq!(bench.kept.keys().map(|(flow, _)| *flow).collect::<Vec<_>>(), [FlowId::from(2)]);
}

#[test]
fn a_connection_that_breaks_soon_is_made_again_with_growing_waits() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    for (number, longest) in (2..6).zip([60, 120, 240, 480]) {
        bench.advance(seconds(29));
        bench.flow = number;
        end(&mut bench, number - 1);
        let after = failure(&bench, id).1.expect("it goes on");
        assert!(after >= seconds(longest / 2) && after <= seconds(longest), "{after:?} of {longest}");
        assert_eq!(bench.count_of(Method::Register) as u64, number - 1);
        bench.advance(after);
        assert_eq!(bench.count_of(Method::Register) as u64, number);
        let sent = bench.last_sent();
        accept(&mut bench, &sent, 3_600);
    }
}

#[test]
fn when_no_other_connection_can_be_made_it_waits() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    bench.advance(seconds(30));
    end(&mut bench, 1);
    let sent = bench.last_sent();
    bench.fail(&sent, TxFailure::Flow);
    let after = failure(&bench, id).1.expect("it goes on");
    assert!(after >= seconds(30) && after <= seconds(60));
    assert_eq!(bench.timers.len(), 1);
}

#[test]
fn another_flow_that_ends_changes_nothing() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    end(&mut bench, 9);
    assert_eq!((events(&bench, id).len(), bench.sent.len()), (1, 1));
}

/// Two flows of one agent: while one stands the other one is not in a hurry.
#[test]
fn with_another_binding_of_the_instance_the_waits_are_longer() {
    let mut bench = Bench::new();
    registered_outbound(&mut bench);
    let mut second = outbound_account();
    second.reg_id = Some(2);
    let id = register(&mut bench, second);
    let sent = bench.last_sent();
    bench.fail(&sent, TxFailure::Timeout);
    let after = failure(&bench, id).1.expect("it goes on");
    assert!(after >= seconds(90) && after <= seconds(180), "{after:?}");
}

#[test]
fn a_connection_of_two_accounts_is_kept_for_the_second_when_the_first_is_over() {
    let mut bench = Bench::new();
    let first = registered_outbound(&mut bench);
    let second = register(&mut bench, account());
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 3_600);
    for (id, kept) in [(first, 1), (second, 0)] {
        command(&mut bench, id, RegistrationCommand::Unregister);
        let sent = bench.last_sent();
        bench.reply(&sent, 200, "registrar", |response| response);
        assert_eq!(bench.kept.len(), kept);
    }
    assert!(bench.is_clean());
}
