//! Route sets and remote targets.

use patchcord_tests::{journal::Way, play::Played};
use sip_message::{HeaderId, Message};

use crate::golden::golden_run;

/// What a party asked within dialogs: method, Request-URI and Route of each request, in order.
fn asked(played: &Played, party: usize) -> Vec<(String, String, Vec<String>)> {
    let within = |message: &Message| message.method().is_some() && message.to_tag().is_some();
    let sent = played.journal.messages(party).filter(|(_, way, message)| *way == Way::Out && within(message));
    sent.map(|(_, _, message)| {
        let method = message.method().map(|method| method.to_string()).unwrap_or_default();
        let routes =
            message.all(HeaderId::Route).flat_map(|line| line.split(", ")).map(str::to_owned).collect();
        (method, message.request_uri().unwrap_or_default().to_owned(), routes)
    })
    .collect()
}

#[test]
fn accepted_offers_move_the_target_and_nothing_moves_the_route_set() {
    // covers: TR-190, TR-235, TR-236
    let (trace, played) = golden_run("route-caller");
    let asked = asked(&played, 0);
    let of_bob = |method: &str, number: u8| {
        (
            method.to_owned(),
            format!("sip:bob@198.51.100.{number}"),
            vec!["<sip:192.0.2.2:5060;lr>".to_owned()],
        )
    };
    let expected = [
        of_bob("ACK", 1),
        // The hold is accepted from another address.
        of_bob("INVITE", 1),
        of_bob("ACK", 2),
        // The ACK of a refusal goes where its INVITE went.
        of_bob("INVITE", 2),
        of_bob("ACK", 2),
        of_bob("INVITE", 2),
        of_bob("ACK", 2),
        // It has sent a re-INVITE meanwhile.
        of_bob("BYE", 4),
    ];
    assert_eq!(asked, expected, "{trace}");
}

#[test]
fn whoever_was_called_keeps_the_order_of_the_routes_and_knows_strict_routers() {
    // covers: TR-190
    let (trace, played) = golden_run("route-called");
    let asked = asked(&played, 2);
    let routes = |names: [&str; 2]| names.map(|name| format!("<sip:{name}>")).to_vec();
    let loose = ("sip:alice@198.51.100.2".to_owned(), routes(["192.0.2.1:5060;lr", "198.51.100.1;lr"]));
    let strict = ("sip:192.0.2.2:5060".to_owned(), routes(["198.51.100.1;lr", "dave@198.51.100.3"]));
    for (method, uri, route) in asked {
        let expected = if uri.contains("alice") { &loose } else { &strict };
        assert_eq!(&(uri, route), expected, "{method}\n{trace}");
    }
}
