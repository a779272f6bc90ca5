//! What tshark says of a capture.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use patchcord_tests::peer::{PeerError, scratch};

use super::Outcome;

/// A folder that is gone after the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Result<Self, PeerError> {
        scratch(name).map(Self)
    }

    /// The path of a file in it, for a command line.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It holds only what was written here.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a reader to its end and gives what it wrote; one that is missing or complains fails the test.
pub(crate) fn read(program: &str, arguments: &[&str]) -> Result<Vec<String>, PeerError> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|source| PeerError::Start { program: program.to_owned(), source })?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// What tshark says of the packets that pass a filter: these fields, one packet a line.
pub(crate) fn tshark(file: &str, filter: &str, fields: &[&str]) -> Result<Vec<String>, PeerError> {
    let mut arguments = vec!["-n", "-r", file, "-Y", filter, "-T", "fields"];
    arguments.extend(["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]);
    // A few of the system's free ports are those of other protocols, EtherCAT's 34980 for one, which tshark would read as
    // such without looking at what is in the packet.
    arguments.extend(["-o", "udp.try_heuristic_first:TRUE"]);
    // linphonec keeps its ports open by STUN. Once tshark has found that by itself, it takes all packets of the port for it.
    arguments.extend(["--disable-heuristic", "stun_udp", "-o", "rtp.version0_type:STUN"]);
    for field in fields {
        arguments.extend(["-e", field]);
    }
    read("tshark", &arguments)
}

/// Everything is SIP, RTP or RTCP, secured or not, or a peer's STUN, and nothing is wrong with it.
pub(crate) fn sound(file: &str) -> Outcome {
    let faults = [
        "_ws.malformed",
        "_ws.expert.severity >= \"Error\"",
        "!(sip or rtp or rtcp or srtcp or stun)",
        "(rtp and !(rtp.setup-method == \"SDP\"))",
        "!(ip.checksum.status == \"Good\" and udp.checksum.status == \"Good\")",
        "frame.time_delta < 0",
    ];
    let faulty = tshark(file, &faults.join(" or "), &["frame.number", "_ws.col.Info"])?;
    assert!(faulty.is_empty(), "{file}: {faulty:#?}");
    Ok(())
}

pub(crate) fn distinct(lines: Vec<String>) -> BTreeSet<String> {
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}
