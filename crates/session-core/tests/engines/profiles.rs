//! Transfers with peers of a kind that is known: what the profile says is done.

use std::time::Duration;

use session_core::{AttendedOptions, OutcomeKind, PeerProfile, ReferPolicy, engine::Command};

use crate::net::{Net, OK};

const ALICE: usize = 0;
const A_WHILE: Duration = Duration::from_secs(3);

/// Alice, who knows her peers to be of this kind, and two of them.
fn three(profile: &str, refer: ReferPolicy) -> Net {
    let profile = PeerProfile::by_name(profile).expect("a built-in profile");
    Net::configured(&[("alice", OK), ("bob", OK), ("carol", OK)], |config| {
        config.policy.refer = refer;
        config.apply(profile);
    })
}

fn refers(net: &mut Net) -> usize {
    net.sent(ALICE).iter().filter(|line| line.starts_with("REFER")).count()
}

#[test]
fn who_is_known_to_need_a_bridge_and_declines_a_refer_is_bridged() {
    for profile in ["twilio", "teams", "baresip-1"] {
        let mut net = three(profile, ReferPolicy::Deny);
        let session = net.call(ALICE, 1);
        let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
        net.ask(ALICE, Command::Blind { session, target });
        net.run(A_WHILE);
        assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Bridged, Some(603), false)], "{profile}");
        net.ask(ALICE, Command::HangUpAll);
        net.nothing_is_left();
    }
}

#[test]
fn whom_one_does_not_trust_with_replaces_is_not_asked_for_one_but_bridged() {
    for profile in ["twilio", "teams", "baresip-1"] {
        let mut net = three(profile, ReferPolicy::Allow);
        let (session, consultation) = (net.call(ALICE, 1), net.call(ALICE, 2));
        net.ask(ALICE, Command::Attended { session, consultation, options: AttendedOptions::default() });
        net.run(A_WHILE);
        assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Bridged, None, false)], "{profile}");
        assert_eq!(refers(&mut net), 0, "{profile}");
        net.ask(ALICE, Command::HangUpAll);
        net.nothing_is_left();
    }
}

#[test]
fn whoever_needs_no_bridge_is_taken_back_when_it_declines() {
    for profile in ["generic", "asterisk"] {
        let mut net = three(profile, ReferPolicy::Deny);
        let session = net.call(ALICE, 1);
        let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
        net.ask(ALICE, Command::Blind { session, target });
        net.run(A_WHILE);
        assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Recovered, Some(603), true)], "{profile}");
        net.ask(ALICE, Command::HangUpAll);
        net.nothing_is_left();
    }
}
