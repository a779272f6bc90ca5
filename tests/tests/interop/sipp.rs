//! sipp on both sides: caller, called party, transferee, transferor, target.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PATIENCE, PeerError,
    application::Application,
    sipp::{Plan, Report, Sipp},
};
use serde_json::Value;

use super::{
    Outcome, address, enabled, last_outcome, listen, names,
    table::{self, Row, test_name},
    uri,
};

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |role, kind, with: &str, expected: &str, test| Row {
        peer: "sipp",
        role,
        kind,
        with: with.to_owned(),
        media: "signalling only",
        expected: expected.to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    vec![
        row(
            "caller",
            "INVITE with PCMU, PCMA, telephone-event; ACK; BYE",
            "`answer`",
            "200 with SDP and Contact, 200 to BYE",
            test_name!(sipp_calls_answer_and_hangs_up),
        ),
        row(
            "caller",
            "CANCEL while it rings",
            "`answer --after 20`",
            "180, 200 to CANCEL, 487",
            test_name!(sipp_cancels_while_answer_rings),
        ),
        row(
            "anybody",
            "OPTIONS outside a dialog",
            "`answer`",
            "200, Allow names INVITE, REFER, NOTIFY",
            test_name!(sipp_asks_for_options),
        ),
        row(
            "caller",
            "INVITE with Join, which it requires (RFC 3911)",
            "`answer`",
            "420, Unsupported: join; nobody is called",
            test_name!(sipp_joins_no_call),
        ),
        row(
            "called",
            "answers two re-INVITEs",
            "`call --hold-after`",
            "offers `sendonly`, then `sendrecv`; exit 0",
            test_name!(call_holds_and_resumes_sipp),
        ),
        row(
            "called",
            "486",
            "`call`",
            "event with code 486, exit 1",
            test_name!(call_tells_that_sipp_is_busy),
        ),
        row(
            "transferee",
            "202, NOTIFY 100, NOTIFY 200 terminated",
            "`transfer`",
            "Succeeded by notify, BYE, exit 0; Refer-To in brackets, Referred-By names us",
            test_name!(transferee_as_in_rfc_3515),
        ),
        row(
            "transferee",
            "`terminated;reason=reason=noresource`, no Contact, no version (as linphonec 5.1.65)",
            "`transfer`",
            "Succeeded",
            test_name!(transferee_with_malformed_subscription_state),
        ),
        row(
            "transferee",
            "`terminated` in every NOTIFY, also with 100 (as SIP.js 0.21)",
            "`transfer`",
            "Succeeded; the 100 ends nothing",
            test_name!(transferee_that_says_terminated_with_100),
        ),
        row(
            "transferee",
            "200 in an `active` subscription that it never terminates",
            "`transfer`",
            "Succeeded",
            test_name!(transferee_that_never_terminates),
        ),
        row(
            "transferee",
            "no Contact in NOTIFY",
            "`transfer`",
            "Succeeded",
            test_name!(transferee_without_contact_in_notify),
        ),
        row(
            "transferee",
            "final 486",
            "`transfer`",
            "Recovered 486, two-way again, exit 1",
            test_name!(transferee_whose_target_is_busy),
        ),
        row(
            "transferee",
            "final 603",
            "`transfer`",
            "Recovered 603",
            test_name!(transferee_whose_target_declines),
        ),
        row(
            "transferee",
            "REFER answered 603",
            "`transfer`",
            "Recovered 603",
            test_name!(transferee_that_refuses_the_refer),
        ),
        row(
            "transferee",
            "`terminated` without a body",
            "`transfer`",
            "Recovered, no code",
            test_name!(transferee_that_terminates_without_a_result),
        ),
        row(
            "transferee",
            "no final NOTIFY, subscription of 3 s",
            "`transfer`",
            "TimedOut when the subscription has run out, two-way again",
            test_name!(transferee_that_never_reports_the_end),
        ),
        row(
            "transferee",
            "BYE instead of the final NOTIFY",
            "`transfer`",
            "PeerHungUp by bye, exit 1",
            test_name!(transferee_that_hangs_up_instead_of_reporting),
        ),
        row(
            "transferee",
            "NOTIFY 100 before the 202",
            "`transfer`",
            "Succeeded",
            test_name!(transferee_that_notifies_before_the_202),
        ),
        row(
            "transferor",
            "REFER in the dialog, answers NOTIFYs, BYE after 200",
            "`answer --refer allow`",
            "202, NOTIFYs up to 200 terminated, new call to another `answer`",
            test_name!(answer_follows_a_refer_of_sipp),
        ),
        row(
            "transferor",
            "REFER in the dialog",
            "`answer`",
            "603",
            test_name!(answer_refuses_a_refer_of_sipp_by_default),
        ),
        row(
            "transferor and target",
            "REFER; the target is a second sipp",
            "`answer --refer allow`",
            "the target's INVITE carries Referred-By as it came",
            test_name!(a_transfer_from_sipp_to_a_sipp_target_carries_referred_by),
        ),
    ]
}

fn sipp(scenario: &str, own: Ipv4Addr, remote: Ipv4Addr) -> Result<Sipp, PeerError> {
    Sipp::start(&Plan::new(scenario, own, remote))
}

// ---- sipp calls us ----

#[test]
fn sipp_calls_answer_and_hangs_up() -> Outcome {
    if !enabled("sipp calls answer") {
        return Ok(());
    }
    let (ours, peer) = (address(0, 1), address(0, 2));
    let mut answer = Application::start(&["answer", "--listen", &listen(ours)])?;
    let report = sipp("uac", peer, ours)?.finish(PATIENCE)?;
    assert!(report.log.contains("answered"), "{}", report.log);
    answer.wait_for("call_ended", PATIENCE)?;
    Ok(())
}

#[test]
fn sipp_cancels_while_answer_rings() -> Outcome {
    if !enabled("sipp cancels") {
        return Ok(());
    }
    let (ours, peer) = (address(1, 1), address(1, 2));
    let mut answer = Application::start(&["answer", "--listen", &listen(ours), "--after", "20"])?;
    sipp("uac-cancel", peer, ours)?.finish(PATIENCE)?;
    answer.wait_for("call_ended", PATIENCE)?;
    Ok(())
}

#[test]
fn sipp_asks_for_options() -> Outcome {
    if !enabled("sipp asks for options") {
        return Ok(());
    }
    let (ours, peer) = (address(2, 1), address(2, 2));
    let _answer = Application::start(&["answer", "--listen", &listen(ours)])?;
    let report = sipp("options", peer, ours)?.finish(PATIENCE)?;
    assert!(report.log.contains("allows"), "{}", report.log);
    Ok(())
}

#[test]
fn sipp_joins_no_call() -> Outcome {
    // covers: TR-150
    if !enabled("sipp joins a call") {
        return Ok(());
    }
    let (ours, peer) = (address(46, 1), address(46, 2));
    let mut answer = Application::start(&["answer", "--listen", &listen(ours)])?;
    let report = sipp("uac-join", peer, ours)?.finish(PATIENCE)?;
    assert!(report.log.contains("Unsupported: join"), "{}", report.log);
    // It still takes calls, and this is its first.
    sipp("uac", peer, ours)?.finish(PATIENCE)?;
    answer.wait_for("call_ended", PATIENCE)?;
    let called = answer.events();
    assert_eq!(names(&called).iter().filter(|name| **name == "incoming_call").count(), 1, "{called:#?}");
    Ok(())
}

// ---- we call sipp ----

#[test]
fn call_holds_and_resumes_sipp() -> Outcome {
    if !enabled("call to sipp") {
        return Ok(());
    }
    let (ours, peer) = (address(3, 1), address(3, 2));
    let sipp = sipp("uas", peer, ours)?;
    let call = Application::start(&[
        "call",
        &uri("bob", peer),
        "--listen",
        &listen(ours),
        "--duration",
        "3",
        "--hold-after",
        "1",
    ])?;
    let (code, events) = call.finish(PATIENCE)?;
    let report = sipp.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    assert_eq!(names(&events).iter().filter(|name| **name == "hold_changed").count(), 2, "{events:#?}");
    let offers: Vec<&str> = report.log.lines().filter_map(|line| line.strip_prefix("re-INVITE ")).collect();
    assert_eq!(offers, ["a=sendonly", "a=sendrecv"], "{}", report.log);
    Ok(())
}

#[test]
fn call_tells_that_sipp_is_busy() -> Outcome {
    if !enabled("call to a busy sipp") {
        return Ok(());
    }
    let (ours, peer) = (address(4, 1), address(4, 2));
    let sipp = sipp("uas-busy", peer, ours)?;
    let call = Application::start(&["call", &uri("bob", peer), "--listen", &listen(ours)])?;
    let (code, events) = call.finish(PATIENCE)?;
    sipp.finish(PATIENCE)?;
    assert_eq!(code, Some(1), "{events:#?}");
    let ended = events.iter().find(|event| event["event"] == "call_ended");
    assert_eq!(ended.and_then(|event| event["code"].as_u64()), Some(486), "{events:#?}");
    Ok(())
}

// ---- sipp as transferee of our transfer ----

struct Moved {
    code: Option<i32>,
    events: Vec<Value>,
    report: Report,
}

/// `patchcord transfer` of a sipp that plays this scenario.
fn transfer(test: u8, scenario: &str) -> Result<Moved, PeerError> {
    let (ours, peer, target) = (address(test, 1), address(test, 2), address(test, 3));
    let sipp = sipp(scenario, peer, ours)?;
    let transfer = Application::start(&[
        "transfer",
        &uri("bob", peer),
        &uri("carol", target),
        "--talk",
        "1",
        "--listen",
        &listen(ours),
    ])?;
    let (code, events) = transfer.finish(3 * PATIENCE)?;
    let report = sipp.finish(PATIENCE)?;
    Ok(Moved { code, events, report })
}

fn succeeds(test: u8, scenario: &str) -> Outcome {
    if !enabled(scenario) {
        return Ok(());
    }
    let moved = transfer(test, scenario)?;
    assert_eq!(moved.code, Some(0), "{:#?}\n{}", moved.events, moved.report.messages);
    assert_eq!(
        last_outcome(&moved.events),
        (Some("Succeeded"), Some("notify"), Some(200)),
        "{:#?}",
        moved.events
    );
    let (ours, target) = (address(test, 1), address(test, 3));
    assert!(moved.report.log.contains(&format!("Refer-To: <sip:carol@{target}>")), "{}", moved.report.log);
    assert!(moved.report.log.contains(&format!("@{ours}")), "Referred-By names us: {}", moved.report.log);
    Ok(())
}

/// The transfer fails, sipp is taken back by a re-INVITE, and hung up on.
fn recovers(test: u8, scenario: &str, wanted: &str, code: Option<u64>) -> Outcome {
    if !enabled(scenario) {
        return Ok(());
    }
    let moved = transfer(test, scenario)?;
    assert_eq!(moved.code, Some(1), "{:#?}\n{}", moved.events, moved.report.messages);
    let (outcome, _, told) = last_outcome(&moved.events);
    assert_eq!((outcome, told), (Some(wanted), code), "{:#?}", moved.events);
    let resumed = moved.events.iter().rfind(|event| event["event"] == "hold_changed");
    assert_eq!(resumed.and_then(|event| event["local_hold"].as_bool()), Some(false), "{:#?}", moved.events);
    Ok(())
}

#[test]
fn transferee_as_in_rfc_3515() -> Outcome {
    succeeds(5, "transferee")
}

#[test]
fn transferee_with_malformed_subscription_state() -> Outcome {
    succeeds(6, "transferee-malformed")
}

#[test]
fn transferee_that_says_terminated_with_100() -> Outcome {
    succeeds(7, "transferee-terminated-100")
}

#[test]
fn transferee_that_never_terminates() -> Outcome {
    succeeds(8, "transferee-active-200")
}

#[test]
fn transferee_without_contact_in_notify() -> Outcome {
    succeeds(9, "transferee-no-contact")
}

#[test]
fn transferee_that_notifies_before_the_202() -> Outcome {
    succeeds(52, "transferee-early-notify")
}

#[test]
fn transferee_whose_target_is_busy() -> Outcome {
    recovers(10, "transferee-busy", "Recovered", Some(486))
}

#[test]
fn transferee_whose_target_declines() -> Outcome {
    recovers(11, "transferee-declined", "Recovered", Some(603))
}

#[test]
fn transferee_that_refuses_the_refer() -> Outcome {
    recovers(12, "transferee-refuses", "Recovered", Some(603))
}

#[test]
fn transferee_that_terminates_without_a_result() -> Outcome {
    // covers: EC-07
    recovers(13, "transferee-no-body", "Recovered", None)
}

#[test]
fn transferee_that_never_reports_the_end() -> Outcome {
    recovers(14, "transferee-no-final", "TimedOut", None)
}

#[test]
fn transferee_that_hangs_up_instead_of_reporting() -> Outcome {
    if !enabled("transferee-bye") {
        return Ok(());
    }
    let moved = transfer(15, "transferee-bye")?;
    let (outcome, learned_from, _) = last_outcome(&moved.events);
    assert_eq!((outcome, learned_from), (Some("PeerHungUp"), Some("bye")), "{:#?}", moved.events);
    assert_eq!(moved.code, Some(1));
    Ok(())
}

// ---- sipp as transferor ----

#[test]
fn answer_follows_a_refer_of_sipp() -> Outcome {
    if !enabled("sipp as transferor") {
        return Ok(());
    }
    let (ours, peer, target) = (address(16, 1), address(16, 2), address(16, 3));
    let mut answer = Application::start(&[
        "answer",
        "--listen",
        &listen(ours),
        "--refer",
        "allow",
        "--allow-target",
        "127.0.10.0/24",
    ])?;
    let mut carol = Application::start(&["answer", "--listen", &listen(target), "--after", "2"])?;
    let target = uri("carol", target);
    let plan = Plan { keys: &[("target_uri", &target)], ..Plan::new("transferor", peer, ours) };
    let report = Sipp::start(&plan)?.finish(PATIENCE)?;
    assert!(report.log.contains("SIP/2.0 200"), "{}", report.log);
    assert!(report.log.contains("terminated"), "{}", report.log);
    carol.wait_for("established", PATIENCE)?;
    answer.wait_for("transfer_succeeded", PATIENCE)?;
    Ok(())
}

#[test]
fn answer_refuses_a_refer_of_sipp_by_default() -> Outcome {
    if !enabled("sipp as refused transferor") {
        return Ok(());
    }
    let (ours, peer, target) = (address(17, 1), address(17, 2), address(17, 3));
    let _answer = Application::start(&["answer", "--listen", &listen(ours)])?;
    let target = uri("carol", target);
    let plan = Plan { keys: &[("target_uri", &target)], ..Plan::new("transferor-refused", peer, ours) };
    Sipp::start(&plan)?.finish(PATIENCE)?;
    Ok(())
}

#[test]
fn a_transfer_from_sipp_to_a_sipp_target_carries_referred_by() -> Outcome {
    if !enabled("sipp as target") {
        return Ok(());
    }
    let (ours, peer, target) = (address(18, 1), address(18, 2), address(18, 3));
    let answer = Application::start(&[
        "answer",
        "--listen",
        &listen(ours),
        "--refer",
        "allow",
        "--allow-target",
        "127.0.10.0/24",
        "--for",
        "5",
    ])?;
    let called = sipp("uas", target, ours)?;
    let target = uri("carol", target);
    let plan = Plan { keys: &[("target_uri", &target)], ..Plan::new("transferor", peer, ours) };
    Sipp::start(&plan)?.finish(PATIENCE)?;
    let (code, events) = answer.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    let report = called.finish(PATIENCE)?;
    assert!(report.log.contains(&format!("sip:sipp@{peer}")), "Referred-By is copied: {}", report.log);
    Ok(())
}
