//! sipp, driven by the scenario files in `tests/interop`.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use super::{
    PATIENCE, PeerError, pcap,
    process::Process,
    scratch,
    sockets::{Table, wait_until_open},
};

/// The port of every peer; each has an address of its own.
pub const PORT: u16 = 5060;

/// Calls that it begins each second where it plays few.
const SLOWEST: u32 = 10;

/// How long the tone is that it plays.
const TONE_SECONDS: u32 = 2;

/// How long its output is read between two looks at its log.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A running sipp that plays the calls of one scenario.
#[derive(Debug)]
pub struct Sipp {
    process: Process,
    folder: PathBuf,
    log: PathBuf,
    messages: PathBuf,
}

/// What a sipp is to do.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The scenario: a file in `tests/interop` without `.xml`.
    pub scenario: &'a str,
    /// Its own address.
    pub own: Ipv4Addr,
    /// The other side's address.
    pub remote: Ipv4Addr,
    /// The user part of whom it calls.
    pub user: &'a str,
    /// Values for `[name]` in the scenario.
    pub keys: &'a [(&'a str, &'a str)],
    /// How many calls it plays; where it is the caller, it begins all of them within a second.
    pub calls: u32,
    /// Whether it sends back the RTP that it gets.
    pub echo: bool,
    /// The tone that its scenario plays from `tone.pcap`, in Hz.
    pub tone: Option<u16>,
    /// What it speaks: UDP, or TCP with one connection for all its calls.
    pub over: Table,
}

impl<'a> Plan<'a> {
    /// One call by UDP, without audio, of or to `bob`.
    pub const fn new(scenario: &'a str, own: Ipv4Addr, remote: Ipv4Addr) -> Self {
        Self {
            scenario,
            own,
            remote,
            user: "bob",
            keys: &[],
            calls: 1,
            echo: false,
            tone: None,
            over: Table::Udp,
        }
    }
}

impl Sipp {
    /// Starts it and waits until its socket is open.
    pub fn start(plan: &Plan<'_>) -> Result<Self, PeerError> {
        let folder = scratch(&format!("sipp-{}-{}", plan.scenario, plan.own))?;
        let (log, messages) = (folder.join("log"), folder.join("messages"));
        let scenario =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(format!("{}.xml", plan.scenario));
        if let Some(hz) = plan.tone {
            pcap::write_tone(&folder.join("tone.pcap"), hz, TONE_SECONDS)?;
        }
        let own = plan.own.to_string();
        let mut command = Command::new("sipp");
        command.env("TERM", "dumb").current_dir(&folder);
        command.arg("-sf").arg(scenario);
        command.args(["-i", &own, "-p", "5060", "-mi", &own, "-mp", "24000", "-nostdin", "-s", plan.user]);
        let calls = plan.calls.to_string();
        command.args(["-m", &calls, "-r", &plan.calls.max(SLOWEST).to_string()]);
        command.args([
            "-t",
            match plan.over {
                Table::Udp => "u1",
                Table::Tcp => "t1",
            },
        ]);
        // Who hangs up may close the connection, too, before the last pause of the scenario is over.
        command.args(["-reconnect_close", "false"]);
        if plan.echo {
            command.arg("-rtp_echo");
        }
        command
            .args(["-trace_logs", "-log_file"])
            .arg(&log)
            .args(["-trace_msg", "-message_file"])
            .arg(&messages);
        for (name, value) in plan.keys {
            command.args(["-key", name, value]);
        }
        command.arg(format!("{}:{PORT}", plan.remote));
        let mut process = Process::spawn(&format!("sipp {}", plan.scenario), &mut command)?;
        wait_until_open(&mut process, plan.over, SocketAddrV4::new(plan.own, PORT))?;
        Ok(Self { process, folder, log, messages })
    }

    /// What its scenario logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until its scenario has logged this.
    pub fn wait_logged(&mut self, text: &str) -> Result<(), PeerError> {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            if !self.process.runs(BETWEEN_LOOKS) || Instant::now() >= deadline {
                return Err(self.process.missing(&format!("`{text}` in its log"), PATIENCE));
            }
        }
        Ok(())
    }

    /// Ends it where its scenario is not to be played to the end.
    pub fn stop(mut self) {
        self.process.end();
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// Waits for its end; an error with all its messages if the scenario did not go through.
    pub fn finish(mut self, limit: Duration) -> Result<Report, PeerError> {
        let status = self.process.wait_exit(limit);
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        let report = Report { log: read(&self.log), messages: read(&self.messages) };
        match status {
            Ok(status) if status.success() => {
                // Kept only where somebody has to look at it.
                let _ = std::fs::remove_dir_all(&self.folder);
                Ok(report)
            }
            Ok(_) | Err(_) => {
                let output = format!("{}\n{}\n{}", report.log, report.messages, self.process.output());
                let program = "sipp".to_owned();
                Err(PeerError::Missing { program, what: "the end of its scenario".to_owned(), limit, output })
            }
        }
    }
}

/// What a sipp saw.
#[derive(Debug)]
pub struct Report {
    /// What its scenario logged.
    pub log: String,
    /// All messages, sent and received.
    pub messages: String,
}
