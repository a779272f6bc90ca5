//! What our messages say that we can do, on which peers decide what to offer.

use std::time::Duration;

use session_core::{OutcomeKind, engine::Command};

use crate::net::{Net, OK};

/// The values of a header of one message, each item.
fn items(message: &str, name: &str) -> Vec<String> {
    let lines = message.lines().filter_map(|line| line.split_once(':'));
    let values = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    values.flat_map(|value| value.split(',')).map(|item| item.trim().to_owned()).collect()
}

#[test]
fn every_message_that_peers_judge_us_by_says_replaces_refer_and_notify_and_where_we_are() {
    // covers: EC-50
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)]);
    let mut judged = [0; 3];
    for (party, judged) in judged.iter_mut().enumerate() {
        let address = net.parties[party].address.to_string();
        for message in net.parties[party].engine.tap().wire.clone() {
            let first = message.lines().next().unwrap_or_default();
            let answers_invite = items(&message, "CSeq").iter().any(|cseq| cseq.ends_with(" INVITE"));
            let asks = first.starts_with("INVITE ");
            if asks || first.starts_with("SIP/2.0 200") && answers_invite {
                *judged += 1;
                assert!(items(&message, "Supported").contains(&"replaces".to_owned()), "{message}");
                let allow = items(&message, "Allow");
                assert!(allow.contains(&"REFER".to_owned()), "{message}");
                assert!(allow.contains(&"NOTIFY".to_owned()), "{message}");
            }
            if asks || first.starts_with("REFER ") {
                let contact = items(&message, "Contact");
                assert!(matches!(&contact[..], [only] if only.contains(&address)), "{message}");
            }
        }
    }
    // Alice: call and hold; Bob: both 200, the call to Carol; Carol: 200.
    assert_eq!(judged, [2, 3, 1]);
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}
