use super::{
    super::draft::{MOST_BYTES, MOST_NOTES},
    *,
};
use crate::engine::sent_tests::outbound;

const TRANSFER: u64 = 1;

fn request(method: &str, call_id: &str, headers: &str) -> String {
    format!(
        "{method} sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1\r\nFrom: <sip:a@h>;tag=1\r\n\
         To: <sip:b@h>;tag=2\r\nCall-ID: {call_id}\r\nCSeq: 7 {method}\r\n{headers}Content-Length: 0\r\n\r\n"
    )
}

fn following(call_id: &str) -> Reporter {
    let mut reporter = Reporter::default();
    let (transfer, session) = (TransferId::from(TRANSFER), SessionId::from(2));
    reporter.seen(Tick::default(), Seen::TakesPart { transfer, session, call_id, peer: "<sip:b@h>" });
    reporter
}

/// Whether the reporter read a message that is sent when it saw it, and how many messages its transfer has.
fn sees(reporter: &mut Reporter, text: &str) -> (bool, usize) {
    let outbound = outbound(text);
    let sent = Sent::new(&outbound);
    reporter.seen(Tick::default(), Seen::Sent(&sent));
    (sent.is_read(), reporter.live.values().map(|draft| draft.noted().0).sum())
}

#[test]
fn of_what_is_sent_only_messages_of_a_transfers_calls_are_noted_and_none_is_read() {
    let mut reporter = following("ours@h");
    assert_eq!(sees(&mut reporter, &request("BYE", "other@h", "")), (false, 0));
    assert_eq!(sees(&mut reporter, &request("BYE", "ours@h", "")), (false, 1));
    let mut nobody = Reporter::default();
    assert_eq!(sees(&mut nobody, &request("BYE", "ours@h", "")), (false, 0));
}

#[test]
fn a_refer_in_a_dialog_of_its_own_brings_what_follows_it() {
    let mut reporter = following("ours@h");
    let about = |call: &str| format!("Target-Dialog: {call};local-tag=2;remote-tag=1\r\n");
    sees(&mut reporter, &request("REFER", "stranger@h", &about("other@h")));
    assert_eq!(sees(&mut reporter, &request("SUBSCRIBE", "stranger@h", "")), (false, 0));
    assert_eq!(sees(&mut reporter, &request("REFER", "refer@h", &about("ours@h"))), (true, 1));
    assert_eq!(sees(&mut reporter, &request("SUBSCRIBE", "refer@h", "")), (false, 2));
}

#[test]
fn so_many_messages_wait_to_be_read_and_with_one_more_all_are() {
    let mut reporter = following("ours@h");
    let noted = |reporter: &Reporter| reporter.live.values().map(Draft::noted).next().expect("one transfer");
    for number in 0..MOST_NOTES {
        sees(&mut reporter, &request(&format!("X{number}"), "ours@h", ""));
    }
    assert_eq!(noted(&reporter), (MOST_NOTES, 0));
    sees(&mut reporter, &request("BYE", "ours@h", ""));
    let (all, read) = noted(&reporter);
    assert!(all > 0 && all == read, "{all} are kept, {read} of them read");
}

#[test]
fn so_many_bytes_wait_to_be_read_and_with_one_more_all_are() {
    let mut reporter = following("ours@h");
    let noted = |reporter: &Reporter| reporter.live.values().map(Draft::noted).next().expect("one transfer");
    let head = request("INFO", "ours@h", "Subject: \r\n").len();
    let subject = "x".repeat(MOST_BYTES / 8 - head);
    for _ in 0..8 {
        sees(&mut reporter, &request("INFO", "ours@h", &format!("Subject: {subject}\r\n")));
    }
    assert_eq!(noted(&reporter), (8, 0));
    sees(&mut reporter, &request("BYE", "ours@h", ""));
    // The eight are one message that was sent eight times.
    assert_eq!(noted(&reporter), (2, 2));
}
