//! sipp over TCP on both sides, one connection for all that it has with us; and its hold over both transports.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    sipp::{Plan, Report, Sipp},
    sockets::{Connections, Table},
};

use super::{
    Outcome, address_by_transport, last_outcome, names,
    over::Over,
    table::{self, Row, cases},
};

/// The first block of addresses of these cases.
const FIRST_BLOCK: u8 = 13;

/// How many calls share a connection.
const MANY: u32 = 50;

/// What sipp does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// Calls `answer`, holds, resumes, hangs up.
    Calls(Over),
    /// Calls `answer` so often at once.
    CallsManyTimes,
    /// Gives up a call that rings.
    Cancels,
    /// Is called by `call`, held, resumed, hung up on.
    IsCalled,
    /// Is moved by `transfer`.
    IsMoved,
    /// Is told by `transfer` nothing about the end of its own transfer but BYE.
    HangsUp,
    /// Moves `answer` to another `answer`.
    Moves,
}

cases! {
    sipp_and_we_use_one_connection;
    sipp_holds_and_resumes_us_over_udp: Case::Calls(Over::Udp),
    sipp_holds_and_resumes_us_over_tcp: Case::Calls(Over::Tcp),
    sipp_calls_fifty_times_over_one_connection: Case::CallsManyTimes,
    sipp_cancels_over_tcp: Case::Cancels,
    sipp_is_called_held_and_resumed_over_tcp: Case::IsCalled,
    sipp_is_moved_over_one_connection: Case::IsMoved,
    sipp_hangs_up_instead_of_reporting_over_tcp: Case::HangsUp,
    sipp_moves_us_over_one_connection: Case::Moves,
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |&(test, case): &(&'static str, Case)| {
        let (role, kind, with, expected) = match case {
            Case::Calls(Over::Udp) => (
                "caller",
                "call, hold, resume, BYE",
                "`answer`",
                "answers `recvonly`, then `sendrecv`; each hold is told",
            ),
            Case::Calls(_) => {
                ("caller", "call, hold, resume, BYE over TCP", "`answer`", "the same, over one connection")
            }
            Case::CallsManyTimes => (
                "caller",
                "50 calls at once over TCP",
                "`answer --media off`",
                "all go through, over one connection",
            ),
            Case::Cancels => (
                "caller",
                "CANCEL while it rings, over TCP",
                "`answer --after 20`",
                "180, 200 to CANCEL, 487",
            ),
            Case::IsCalled => (
                "called",
                "answers two re-INVITEs over TCP",
                "`call --hold-after`",
                "offers `sendonly`, then `sendrecv`; exit 0; one connection",
            ),
            Case::IsMoved => (
                "transferee",
                "202, NOTIFY 100, NOTIFY 200 terminated, over TCP",
                "`transfer`",
                "Succeeded by notify, BYE, exit 0; REFER and BYE over the connection of the INVITE",
            ),
            Case::HangsUp => (
                "transferee",
                "BYE instead of the final NOTIFY, over TCP",
                "`transfer`",
                "PeerHungUp by bye, exit 1; one connection",
            ),
            Case::Moves => (
                "transferor",
                "REFER in the dialog, answers NOTIFYs, BYE after 200, over TCP",
                "`answer --refer allow`",
                "202, NOTIFYs up to 200 terminated over the connection of the INVITE",
            ),
        };
        Row {
            peer: "sipp",
            role,
            kind,
            with: with.to_owned(),
            media: "signalling only",
            expected: expected.to_owned(),
            outcome: table::Outcome::Passes,
            test,
        }
    };
    CASES.iter().map(row).collect()
}

fn sipp_and_we_use_one_connection(place: u8, case: Case) -> Outcome {
    // covers: TR-202, EC-57
    let [ours, peer, target] = [1, 2, 3].map(|peer| address_by_transport(FIRST_BLOCK + place, peer));
    let connections = Connections::of(peer)?;
    let listen = Over::Tcp.listen(ours);
    let user = Over::Tcp.uri("bob", &peer.to_string());
    match case {
        Case::Calls(over) => {
            let mut answer = Application::start(&["answer", "--listen", &over.listen(ours)])?;
            let sipp = Sipp::start(&Plan { over: over.table(), ..Plan::new("uac-hold", peer, ours) })?;
            let report = sipp.finish(PATIENCE)?;
            let told: Vec<&str> = report.log.lines().filter(|line| line.contains("a=")).collect();
            let expected = ["answered a=sendrecv", "re-INVITE a=recvonly", "re-INVITE a=sendrecv"];
            assert_eq!(told, expected, "{}", report.messages);
            answer.wait_for("call_ended", PATIENCE)?;
            let held: Vec<bool> =
                answer.events().iter().filter_map(|event| event["remote_hold"].as_bool()).collect();
            assert_eq!(held, [true, false], "{}", answer.output());
            assert_eq!(connections.since()?.len(), usize::from(over.connects()));
        }
        Case::CallsManyTimes => {
            let answer = ["answer", "--listen", &listen, "--media", "off"];
            let mut answer = Application::start(&answer)?;
            let sipp = Sipp::start(&Plan { calls: MANY, ..over_tcp("uac", peer, ours) })?;
            sipp.finish(PATIENCE)?;
            let ended = |events: &[serde_json::Value]| {
                names(events).iter().filter(|name| **name == "call_ended").count()
            };
            answer.wait_until("the end of all calls", |events| ended(events) == MANY as usize)?;
            one(&connections)?;
        }
        Case::Cancels => {
            let mut answer = Application::start(&["answer", "--listen", &listen, "--after", "20"])?;
            Sipp::start(&over_tcp("uac-cancel", peer, ours))?.finish(PATIENCE)?;
            answer.wait_for("call_ended", PATIENCE)?;
            one(&connections)?;
        }
        Case::IsCalled => {
            let sipp = Sipp::start(&over_tcp("uas", peer, ours))?;
            let call = ["call", &user, "--listen", &listen, "--duration", "1.5", "--hold-after", "0.5"];
            let (code, events) = Application::start(&call)?.finish(PATIENCE)?;
            let report = sipp.finish(PATIENCE)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", report.messages);
            let offers: Vec<&str> =
                report.log.lines().filter_map(|line| line.strip_prefix("re-INVITE ")).collect();
            assert_eq!(offers, ["a=sendonly", "a=sendrecv"], "{}", report.log);
            one(&connections)?;
        }
        Case::IsMoved => {
            let (code, events, report) = transfer("transferee", &user, &listen, peer, ours, target)?;
            assert_eq!(code, Some(0), "{events:#?}\n{}", report.messages);
            assert_eq!(last_outcome(&events), (Some("Succeeded"), Some("notify"), Some(200)), "{events:#?}");
            one(&connections)?;
        }
        Case::HangsUp => {
            let (code, events, report) = transfer("transferee-bye", &user, &listen, peer, ours, target)?;
            assert_eq!(code, Some(1), "{events:#?}\n{}", report.messages);
            let (outcome, learned_from, _) = last_outcome(&events);
            assert_eq!((outcome, learned_from), (Some("PeerHungUp"), Some("bye")), "{events:#?}");
            one(&connections)?;
        }
        Case::Moves => {
            let answer =
                ["answer", "--listen", &listen, "--refer", "allow", "--allow-target", "127.0.12.0/24"];
            let mut answer = Application::start(&answer)?;
            let mut carol = Application::start(&["answer", "--listen", &Over::Tcp.listen(target)])?;
            let target = Over::Tcp.uri("carol", &target.to_string());
            let plan = Plan { keys: &[("target_uri", &target)], ..over_tcp("transferor", peer, ours) };
            let report = Sipp::start(&plan)?.finish(PATIENCE)?;
            assert!(report.log.contains("SIP/2.0 200"), "{}", report.log);
            assert!(report.log.contains("terminated"), "{}", report.log);
            carol.wait_for("established", PATIENCE)?;
            answer.wait_for("transfer_succeeded", PATIENCE)?;
            one(&connections)?;
        }
    }
    Ok(())
}

fn over_tcp(scenario: &str, own: Ipv4Addr, remote: Ipv4Addr) -> Plan<'_> {
    Plan { over: Table::Tcp, ..Plan::new(scenario, own, remote) }
}

/// `patchcord transfer` of a sipp that plays this scenario.
fn transfer(
    scenario: &str,
    user: &str,
    listen: &str,
    peer: Ipv4Addr,
    ours: Ipv4Addr,
    target: Ipv4Addr,
) -> Result<(Option<i32>, Vec<serde_json::Value>, Report), PeerError> {
    let sipp = Sipp::start(&over_tcp(scenario, peer, ours))?;
    let target = Over::Tcp.uri("carol", &target.to_string());
    let transfer = Application::start(&["transfer", user, &target, "--talk", "0.5", "--listen", listen])?;
    let (code, events) = transfer.finish(PATIENCE)?;
    Ok((code, events, sipp.finish(PATIENCE)?))
}

/// Between the two was never more than one connection. One that was closed still counts.
fn one(connections: &Connections) -> Outcome {
    let connections = connections.since()?;
    assert_eq!(connections.len(), 1, "{connections:?}");
    Ok(())
}
