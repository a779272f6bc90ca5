//! The order of SRV records (RFC 2782).

use std::collections::BTreeMap;

use sip_transport::{Question, Records, Srv, targets::Maddr};

use crate::zone::{Zone, offered, srv};

const RUNS: u64 = 10_000;

/// How often each order of ports comes in so many runs.
fn orders(records: &[Srv]) -> BTreeMap<Vec<u16>, u64> {
    let mut zone = Zone::of("a.example.com A 192.0.2.1");
    zone.0.insert(Question::Srv("_sip._udp.example.com".into()), Ok(Records::Srv(records.into())));
    let mut orders = BTreeMap::new();
    for seed in 0..RUNS {
        let found = zone.find("sip:example.com;transport=udp", offered("udp4"), Maddr::Refused, seed);
        let (targets, _) = found.result.expect("targets");
        *orders.entry(targets.iter().map(|target| target.port).collect()).or_default() += 1;
    }
    orders
}

/// The lot goes from 0 to 4 and the heavier one has 0 to 3.
#[test]
fn weights_are_shares() {
    for records in [
        [srv(0, 1, 1001, "a.example.com"), srv(0, 3, 1003, "a.example.com")],
        [srv(0, 3, 1003, "a.example.com"), srv(0, 1, 1001, "a.example.com")],
    ] {
        let orders = orders(&records);
        let heavier = orders[&vec![1003, 1001]];
        assert!(heavier.abs_diff(RUNS * 4 / 5) < RUNS / 50, "{orders:?}");
        assert_eq!(heavier + orders[&vec![1001, 1003]], RUNS);
    }
    let orders = orders(&[srv(0, 100, 1001, "a.example.com"), srv(0, 300, 1003, "a.example.com")]);
    assert!(orders[&vec![1003, 1001]].abs_diff(RUNS * 3 / 4) < RUNS / 50, "{orders:?}");
}

#[test]
fn what_is_left_is_drawn_by_weight_again() {
    let records = [
        srv(0, 100, 1001, "a.example.com"),
        srv(0, 200, 1002, "a.example.com"),
        srv(0, 700, 1007, "a.example.com"),
    ];
    let orders = orders(&records);
    // 0.7 * 2/3 and so on.
    for (order, share) in [
        ([1007, 1002, 1001], 4667),
        ([1007, 1001, 1002], 2333),
        ([1002, 1007, 1001], 1750),
        ([1002, 1001, 1007], 250),
        ([1001, 1007, 1002], 778),
        ([1001, 1002, 1007], 222),
    ] {
        assert!(orders[&order.to_vec()].abs_diff(share) < RUNS / 50, "{orders:?}");
    }
}

#[test]
fn weight_0_is_rarely_first_and_never_left_out() {
    let orders = orders(&[srv(0, 0, 1000, "a.example.com"), srv(0, 9, 1009, "a.example.com")]);
    let zero_first = orders[&vec![1000, 1009]];
    assert!(zero_first.abs_diff(RUNS / 10) < RUNS / 50, "{orders:?}");
    assert_eq!(zero_first + orders[&vec![1009, 1000]], RUNS);
}

#[test]
fn without_weights_the_order_is_kept() {
    let records = [
        srv(0, 0, 1003, "a.example.com"),
        srv(0, 0, 1001, "a.example.com"),
        srv(0, 0, 1002, "a.example.com"),
    ];
    assert_eq!(orders(&records), BTreeMap::from([(vec![1003, 1001, 1002], RUNS)]));
}

#[test]
fn a_lower_priority_comes_first_whatever_its_weight() {
    let records = [srv(2, 65_535, 1002, "a.example.com"), srv(1, 0, 1001, "a.example.com")];
    assert_eq!(orders(&records), BTreeMap::from([(vec![1001, 1002], RUNS)]));
}

#[test]
fn the_heaviest_weights_do_not_overflow() {
    let records: Vec<Srv> = (1..=4).map(|port| srv(0, u16::MAX, port, "a.example.com")).collect();
    let orders = orders(&records);
    assert_eq!(orders.len(), 24, "every order comes");
}
