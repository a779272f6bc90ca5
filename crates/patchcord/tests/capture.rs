//! `--pcap`: what is in the file, and what happens when there can be none. The interop tests have other programs read it.

#![cfg(unix)]

mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use process::{Running, run};

/// A file that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("patchcord-{}-{name}.pcap", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the name is ASCII")
    }

    fn packets(&self) -> Vec<Packet> {
        packets(&fs::read(&self.0).expect("the file is there"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that failed before the file was made has none.
        let _ = fs::remove_file(&self.0);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    at: (u32, u32),
    ports: (u16, u16),
    payload: Vec<u8>,
}

impl Packet {
    /// The first word of a SIP message: the method, or `SIP/2.0`.
    fn sip(&self) -> Option<&str> {
        let word = self.payload.split(|byte| *byte == b' ').next()?;
        let text = str::from_utf8(word).ok()?;
        self.payload.windows(7).any(|text| text == b"SIP/2.0").then_some(text)
    }

    fn is_rtp(&self) -> bool {
        self.payload.len() == 172 && self.payload[0] == 0x80
    }
}

/// Fails if the file has anything but whole IPv4 packets.
fn packets(file: &[u8]) -> Vec<Packet> {
    assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    let mut packets = Vec::new();
    let mut rest = &file[24..];
    while !rest.is_empty() {
        let field = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().expect("four bytes"));
        let (seconds, micros, length) = (field(0), field(4), field(8) as usize);
        let packet = &rest[16..16 + length];
        let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        assert_eq!(packet[0], 0x45);
        assert_eq!((usize::from(word(2)), usize::from(word(24))), (length, length - 20));
        packets.push(Packet {
            at: (seconds, micros),
            ports: (word(20), word(22)),
            payload: packet[28..].to_vec(),
        });
        rest = &rest[16 + length..];
    }
    packets
}

fn answer(pcap: &str) -> (Running, String) {
    let mut running = Running::start(&["answer", "--listen", "udp:127.0.0.1:0", "--pcap", pcap, "--json"]);
    let listening = running.wait("listening");
    let address = listening["addresses"][0].as_str().expect("an address");
    let uri = format!("sip:bob@{}", address.strip_prefix("udp:").expect("udp"));
    (running, uri)
}

fn patchcord(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patchcord"))
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

#[test]
fn the_demo_records_each_packet_once_in_order() {
    let file = Scratch::new("demo");
    let (code, events) = run(&["demo", "--pcap", file.path(), "--json"]);
    assert_eq!(code, Some(0));
    let packets = file.packets();
    let sent = events.iter().filter(|event| event["event"] == "message" && event["sent"] == true).count();
    assert_eq!(packets.iter().filter(|packet| packet.sip().is_some()).count(), sent);
    let words: BTreeSet<&str> = packets.iter().filter_map(Packet::sip).collect();
    assert_eq!(words, BTreeSet::from(["ACK", "BYE", "INVITE", "NOTIFY", "REFER", "SIP/2.0"]));
    assert!(packets.is_sorted_by_key(|packet| packet.at));
    let mut times: BTreeMap<_, usize> = BTreeMap::new();
    for packet in packets.iter().filter(|packet| packet.is_rtp()) {
        *times.entry((packet.ports, &packet.payload[..12])).or_default() += 1;
    }
    assert!(times.len() > 100, "{} RTP packets", times.len());
    assert!(times.values().all(|times| *times == 1));
}

#[test]
fn both_sides_of_a_call_record_both_ways() {
    let (ours, theirs) = (Scratch::new("call"), Scratch::new("answer"));
    // What was in the file is lost.
    fs::write(&ours.0, vec![0xff; 1 << 20]).expect("a temporary file");
    let (mut bob, uri) = answer(theirs.path());
    let words = ["call", &uri, "--listen", "udp:127.0.0.1:0", "--duration", "0.3", "--pcap", ours.path()];
    assert_eq!(patchcord(&words).status.code(), Some(0));
    bob.wait("media_summary");
    assert_eq!(bob.stop(), Some(0));
    let sip = |file: &Scratch| -> Vec<_> {
        let mut packets = file.packets();
        packets.retain(|packet| packet.sip().is_some());
        packets.into_iter().map(|packet| (packet.ports, packet.payload)).collect()
    };
    assert_eq!(sip(&ours), sip(&theirs));
    assert!(sip(&ours).len() >= 5, "INVITE, 200, ACK, BYE, 200");
    for file in [&ours, &theirs] {
        let packets = file.packets();
        let ways: BTreeSet<_> =
            packets.iter().filter(|packet| packet.is_rtp()).map(|packet| packet.ports).collect();
        assert_eq!(ways.len(), 2, "{ways:?}");
    }
}

#[test]
fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let file = Scratch::new("mode");
    let words = ["answer", "--listen", "udp:127.0.0.1:0", "--for", "0", "--pcap", file.path()];
    let output = patchcord(&words);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    let mode = fs::metadata(&file.0).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(file.packets().is_empty());
}

#[test]
fn a_file_that_cannot_be_made_is_the_environments_fault_in_one_line() {
    let output = patchcord(&["demo", "--pcap", "absent/demo.pcap"]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("absent/demo.pcap"), "{text}");
}

#[test]
fn a_full_disk_costs_packets_but_no_call() {
    let (ours, theirs) = (Scratch::new("full"), Scratch::new("not-full"));
    let (bob, uri) = answer(theirs.path());
    // The limit of a file's size, in units of 512 or 1024 bytes, and no signal for it: writing fails.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_patchcord")])
        .args(["call", &uri, "--listen", "udp:127.0.0.1:0", "--duration", "1", "--pcap", ours.path()])
        .stdin(Stdio::null())
        .output()
        .expect("a shell runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let last = text.lines().last().unwrap_or_default();
    assert!(last.contains(ours.path()) && last.contains("packets are missing"), "{text}");
    assert!(ours.packets().len() >= 3, "INVITE, 200, ACK");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_process_that_is_killed_leaves_a_readable_file() {
    let (ours, theirs) = (Scratch::new("alive"), Scratch::new("killed"));
    let (mut bob, uri) = answer(theirs.path());
    let words = ["call", &uri, "--listen", "udp:127.0.0.1:0", "--duration", "1", "--pcap", ours.path()];
    assert_eq!(patchcord(&words).status.code(), Some(0));
    bob.wait("call_ended");
    // Killed, without a chance to end the file.
    drop(bob);
    assert!(theirs.packets().len() > 10);
}
