//! The answering process, and what it uses by the word of Linux.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// One tick of the CPU times in `/proc/PID/stat`: `USER_HZ` is 100 on every architecture that this runs on.
const TICK: Duration = Duration::from_millis(10);

/// The places of `utime` and `stime` behind the name of the process (proc_pid_stat(5), 14 and 15 of all).
const TIMES: [usize; 2] = [11, 12];

/// A process that answers calls; it is ended when this is dropped.
pub(crate) struct Answerer {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Answerer {
    /// Starts patchcord, or this program as the peer of that name, and waits until it listens.
    pub(crate) fn start(patchcord: &Path, peer: Option<&str>) -> Result<Self, Box<dyn Error>> {
        let mut command = match peer {
            Some(name) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["serve", name]);
                command
            }
            None => {
                let mut command = Command::new(patchcord);
                command.args([
                    "answer",
                    "--listen",
                    "udp:127.0.0.1:0",
                    "--media",
                    "off",
                    "--max-calls",
                    "100000",
                ]);
                command
            }
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut out = BufReader::new(out);
        let address = listening(&mut out)?;
        // Whatever it prints about its calls is read and dropped, as by a terminal.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Ok(Self { child, address })
    }

    /// CPU time of all its threads, in the kernel too.
    pub(crate) fn cpu(&self) -> Result<Duration, Box<dyn Error>> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("a stat without a name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let mut ticks = 0;
        for place in TIMES {
            ticks += fields.get(place).ok_or("a short stat")?.parse::<u32>()?;
        }
        Ok(TICK * ticks)
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
        Ok(resident.ok_or("a status without VmRSS")?.trim().parse::<u64>()? * 1024)
    }
}

/// The first address that it prints.
fn listening(out: &mut BufReader<ChildStdout>) -> Result<SocketAddr, Box<dyn Error>> {
    let mut line = String::new();
    while out.read_line(&mut line)? > 0 {
        let mut words = line.split_whitespace().map(|word| word.strip_prefix("udp:").unwrap_or(word));
        if let Some(address) = words.find_map(|word| word.parse().ok()) {
            return Ok(address);
        }
        line.clear();
    }
    Err("an answerer does not listen".into())
}

impl Drop for Answerer {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("an answerer did not end: {error}");
        }
    }
}
