//! The reports of transfers as people read them, and that nothing of them is left or leaks.

use std::{env, fs, path::Path, time::Duration};

use session_core::{
    AttendedOptions, Completion, EventKind, ReferOptions, ReferPlacement, SessionId, StatusCode,
    TransferStage,
    engine::{Command, Reply},
    report::Reporter,
};

use crate::net::{Net, OK};

const BUSY: Option<StatusCode> = Some(StatusCode::BUSY_HERE);

fn uri(net: &Net, name: &str, party: usize) -> sip_message::UriBuf {
    format!("sip:{name}@{}", net.parties[party].address).parse().expect("test URI")
}

/// Alice, who is connected with Bob, and Carol, who answers so.
fn three(carol: Option<StatusCode>) -> (Net, SessionId) {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", carol)]);
    let call = net.call(0, 1);
    (net, call)
}

fn blind(net: &mut Net, call: SessionId, limit: Duration) {
    let target = uri(net, "carol", 2);
    net.ask(0, Command::Blind { session: call, target });
    net.run(limit);
}

fn consult(net: &mut Net, call: SessionId, completion: Completion) {
    let target = uri(net, "carol", 2);
    let options = AttendedOptions::default();
    net.ask(0, Command::Consult { session: call, target, options, completion });
    net.run(Duration::from_secs(5));
}

/// The call that a party took.
fn taken(net: &mut Net, party: usize) -> SessionId {
    let events = &net.parties[party].engine.tap().events;
    let mut up = events.iter().filter(|event| matches!(event.kind, EventKind::Established { .. }));
    up.next().and_then(|event| event.session).expect("a call")
}

/// Compares a party's last report with the file of this name.
fn is_golden(net: &mut Net, party: usize, name: &str) {
    let report = net.parties[party].engine.tap().reports.reports().last().cloned().expect("a report");
    let text = format!("{report}\n\n{}\n{}", report.ladder(), report.mermaid());
    assert_eq!(report.to_string().lines().count(), 5);
    for secret in ["tag=", "Replaces=", "branch", "z9hG4bK"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/engines/reports/{name}.txt"));
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &text).expect("the snapshot can be written");
    }
    let golden = fs::read_to_string(&path).expect("UPDATE_SNAPSHOTS=1 writes it");
    assert_eq!(text, golden, "{} is out of date; UPDATE_SNAPSHOTS=1 writes it", path.display());
}

/// What collects reports holds no live transfer once all have ended.
fn nothing_is_followed(net: &mut Net) {
    for party in 0..net.parties.len() {
        assert_eq!(net.parties[party].engine.tap().reports.live(), 0);
    }
}

#[test]
fn the_report_of_a_blind_success_names_the_final_notify() {
    let (mut net, call) = three(OK);
    blind(&mut net, call, Duration::from_secs(5));
    is_golden(&mut net, 0, "blind");
    is_golden(&mut net, 1, "blind_transferee");
    nothing_is_followed(&mut net);
}

#[test]
fn the_report_of_a_refer_in_a_dialog_of_its_own_has_its_messages() {
    let (mut net, call) = three(OK);
    let target = uri(&net, "carol", 2);
    let options = ReferOptions { placement: ReferPlacement::OutOfDialog, ..ReferOptions::default() };
    net.ask(0, Command::BlindWith { session: call, target, options: Box::new(options) });
    net.run(Duration::from_secs(5));
    is_golden(&mut net, 0, "blind_outside");
    is_golden(&mut net, 1, "blind_outside_transferee");
    for party in 0..2 {
        let report = net.parties[party].engine.tap().reports.reports().last().cloned().expect("a report");
        for message in ["REFER: call carol", "202 Accepted (REFER)", "NOTIFY 200 OK, final"] {
            assert!(report.ladder().contains(message), "{message} is missing in {}", report.ladder());
        }
    }
    nothing_is_followed(&mut net);
}

#[cfg(feature = "serde")]
#[test]
fn the_report_for_machines_has_what_people_read_and_no_dialog_ids() {
    let (mut net, call) = three(BUSY);
    consult(&mut net, call, Completion::OnCommand);
    let report = net.parties[0].engine.tap().reports.reports().last().cloned().expect("a report");
    let value = serde_json::to_value(&*report).expect("a report has a JSON form");
    for (field, wanted) in [
        ("role", "transferor"),
        ("kind", "attended"),
        ("stage", "Failed"),
        ("outcome", "Recovered"),
        ("learned_from", "local"),
        ("peer", report.peer.as_str()),
        ("text", &report.to_string()),
    ] {
        assert_eq!(value[field], wanted, "{field}");
    }
    assert_eq!((&value["code"], &value["decisive"]["method"]), (&486.into(), &"INVITE".into()));
    assert!(value["steps"].as_array().is_some_and(|steps| steps.len() > 10 && steps[0]["sent"] == true));
    assert!(!value.to_string().contains("tag="));
}

#[test]
fn the_report_of_a_busy_target_says_that_the_party_is_back() {
    let (mut net, call) = three(BUSY);
    blind(&mut net, call, Duration::from_secs(5));
    is_golden(&mut net, 0, "busy");
    is_golden(&mut net, 1, "busy_transferee");
    nothing_is_followed(&mut net);
}

#[test]
fn the_report_of_a_silent_peer_says_that_its_acceptance_meant_nothing() {
    let (mut net, call) = three(OK);
    net.loses = Some("NOTIFY");
    blind(&mut net, call, Duration::from_mins(5));
    is_golden(&mut net, 0, "silent");
    nothing_is_followed(&mut net);
}

#[test]
fn the_report_of_a_peer_that_hung_up_names_the_bye() {
    let (mut net, call) = three(None);
    blind(&mut net, call, Duration::from_secs(1));
    net.loses = Some("NOTIFY");
    let moved = taken(&mut net, 1);
    net.ask(1, Command::HangUp { session: moved });
    net.run(Duration::from_mins(5));
    is_golden(&mut net, 0, "hung_up");
    nothing_is_followed(&mut net);
}

#[test]
fn the_report_of_an_attended_success_shows_both_calls_and_no_dialog_ids() {
    let (mut net, call) = three(OK);
    consult(&mut net, call, Completion::OnAnswer);
    is_golden(&mut net, 0, "attended");
    is_golden(&mut net, 1, "attended_transferee");
    nothing_is_followed(&mut net);
}

#[test]
fn the_report_of_a_refused_consultation_names_the_response() {
    let (mut net, call) = three(BUSY);
    consult(&mut net, call, Completion::OnCommand);
    is_golden(&mut net, 0, "consultation_refused");
    nothing_is_followed(&mut net);
}

#[test]
fn the_last_reports_are_kept_up_to_the_bound_and_with_none_nothing_is_collected() {
    let (mut net, call) = three(BUSY);
    net.parties[0].engine.tap().reports = Reporter::new(2);
    net.parties[1].engine.tap().reports = Reporter::new(0);
    for _ in 0..3 {
        blind(&mut net, call, Duration::from_mins(2));
    }
    let ids: Vec<_> = net.parties[0]
        .engine
        .tap()
        .events
        .iter()
        .filter(|event| event.stage().is_some_and(TransferStage::is_last))
        .filter_map(|event| event.transfer)
        .collect();
    assert_eq!(ids.len(), 3);
    let reports = &net.parties[0].engine.tap().reports;
    let kept: Vec<bool> = ids.iter().map(|id| reports.report(*id).is_some()).collect();
    assert_eq!(kept, [false, true, true]);
    assert_eq!(net.parties[1].engine.tap().reports.reports().len(), 0);
    nothing_is_followed(&mut net);
}

#[test]
fn the_list_of_transfers_has_the_stage_that_the_events_have_told() {
    let (mut net, call) = three(None);
    let target = uri(&net, "carol", 2);
    net.ask(0, Command::Blind { session: call, target });
    for _ in 0..10 {
        for party in 0..2 {
            let list = net.ask(party, Command::ListTransfers);
            let told: Vec<_> = net.parties[party]
                .engine
                .tap()
                .events
                .iter()
                .filter_map(|event| Some((event.transfer?, event.stage()?)))
                .collect();
            let Some(Ok(Reply::Transfers(transfers))) = net.reply(party, list) else { panic!("no list") };
            for info in transfers {
                let last = told.iter().rev().find(|(transfer, _)| *transfer == info.transfer);
                assert_eq!(last.map(|(_, stage)| *stage), Some(info.stage));
                assert!(!info.stage.is_last());
            }
        }
        net.run(Duration::from_millis(200));
    }
    net.run(Duration::from_mins(3));
    for party in 0..2 {
        let list = net.ask(party, Command::ListTransfers);
        assert!(
            matches!(net.reply(party, list), Some(Ok(Reply::Transfers(transfers))) if transfers.is_empty())
        );
        let refused = |event: &&session_core::SessionEvent| event.name() == "transfer_stage_refused";
        assert!(net.parties[party].engine.tap().events.iter().find(refused).is_none());
    }
}
