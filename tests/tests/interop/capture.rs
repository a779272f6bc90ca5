//! What patchcord writes with `--pcap`, read by tshark and sngrep.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use patchcord_tests::peer::{PATIENCE, PeerError, application::Application};

use super::{
    Outcome, address, enabled, listen,
    tshark::{Folder, distinct, read, sound, tshark},
    uri,
};

/// Eleven scenarios of some four seconds each.
const DEMO: Duration = Duration::from_secs(90);

/// How many SIP messages have each Call-ID.
fn calls(file: &str) -> Result<BTreeMap<String, usize>, PeerError> {
    let mut calls = BTreeMap::new();
    for call in tshark(file, "sip", &["sip.Call-ID"])? {
        *calls.entry(call).or_default() += 1;
    }
    Ok(calls)
}

/// The same of what sngrep takes for calls and saves.
fn sngrep(folder: &Folder, file: &str) -> Result<BTreeMap<String, usize>, PeerError> {
    let saved = folder.file("sngrep.pcap");
    read("sngrep", &["-F", "-N", "-q", "-c", "-I", file, "-O", &saved])?;
    assert!(folder.path("sngrep.pcap").exists(), "sngrep saved nothing");
    calls(&saved)
}

#[test]
fn tshark_and_sngrep_read_the_demo() -> Outcome {
    if !enabled("tshark and sngrep read the demo") {
        return Ok(());
    }
    let folder = Folder::new("demo")?;
    let file = folder.file("demo.pcap");
    let (code, events) = Application::start(&["demo", "all", "--pcap", &file])?.finish(DEMO)?;
    assert_eq!(code, Some(0), "{events:?}");
    sound(&file)?;
    let methods = distinct(tshark(&file, "sip.Method", &["sip.Method"])?);
    let expected = ["ACK", "BYE", "CANCEL", "INVITE", "NOTIFY", "REFER"].map(str::to_owned);
    assert_eq!(methods, BTreeSet::from(expected));
    let codes = distinct(tshark(&file, "sip.Status-Code", &["sip.Status-Code"])?);
    for code in ["180", "200", "202", "403", "486", "487", "603"] {
        assert!(codes.contains(code), "{code} is not in {codes:?}");
    }
    let sent = events.iter().filter(|event| event["event"] == "message" && event["sent"] == true).count();
    let calls = calls(&file)?;
    // One that is lost on purpose was sent, too.
    assert_eq!(calls.values().sum::<usize>(), sent);
    // In each of the eleven scenarios Alice calls Bob. Bob calls Carol in the five that are not attended; in another five
    // Alice calls her first, and in all but one of them Bob calls her then. In the last one only Alice calls her.
    assert_eq!(calls.len(), 11 + 5 + 5 + 4 + 1, "{calls:?}");
    assert_eq!(sngrep(&folder, &file)?, calls);
    // Both ways of Alice's call with Bob, eleven times; of the new pair's, five times; of Alice's call with Carol through which
    // Bob is heard; and of the consultation, which is heard in the two where it is talked in and may end before its first
    // packet where it is not.
    let rtp = tshark(&file, "rtp", &["rtp.ssrc", "rtp.seq"])?;
    let streams =
        distinct(rtp.iter().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect());
    let least = 11 * 2 + 5 * 2 + 2 + 2 * 2;
    assert!((least..=least + 2 * 2).contains(&streams.len()), "{streams:?}");
    let count = rtp.len();
    assert_eq!(distinct(rtp).len(), count, "each packet once");
    Ok(())
}

#[test]
fn each_side_of_a_transfer_records_what_it_saw() -> Outcome {
    if !enabled("each side of a transfer records what it saw") {
        return Ok(());
    }
    let folder = Folder::new("transfer")?;
    let (alice, bob, carol) = (folder.file("alice.pcap"), folder.file("bob.pcap"), folder.file("carol.pcap"));
    let (alice_at, bob_at, carol_at) = (address(25, 1), address(25, 2), address(25, 3));
    let (from, first, target) = (listen(alice_at), uri("bob", bob_at), uri("carol", carol_at));
    let answer = |at, file, seconds, policy: &[&str]| {
        let words = ["answer", "--listen", &listen(at), "--pcap", file, "--for", seconds];
        Application::start(&[words.as_slice(), policy].concat())
    };
    let carols = answer(carol_at, &carol, "9", &[])?;
    let bobs = answer(bob_at, &bob, "8", &["--refer", "allow", "--allow-target", "127.0.0.0/8"])?;
    let words = ["transfer", &first, &target, "--listen", &from, "--talk", "0.5", "--pcap", &alice];
    for party in [Application::start(&words)?, bobs, carols] {
        let (code, events) = party.finish(PATIENCE)?;
        assert_eq!(code, Some(0), "{events:?}");
    }
    for (file, calls) in [(&alice, 1), (&bob, 2), (&carol, 1)] {
        sound(file)?;
        assert_eq!(sngrep(&folder, file)?.len(), calls, "{file}");
        let ways = distinct(tshark(file, "rtp", &["ip.src", "ip.dst"])?);
        assert_eq!(ways.len(), 2 * calls, "{file}: {ways:?}");
    }
    let refer = ["sip.CSeq.method", "sip.Status-Code", "ip.src", "ip.dst"];
    let refers = tshark(&alice, "sip.CSeq.method == \"REFER\"", &refer)?;
    assert_eq!(
        refers,
        [format!("REFER\t\t{alice_at}\t{bob_at}"), format!("REFER\t202\t{bob_at}\t{alice_at}")]
    );
    Ok(())
}
