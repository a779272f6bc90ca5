//! The answering process, and what it uses by the word of Linux.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// One tick of the CPU times in `/proc/PID/stat`: `USER_HZ` is 100 on every architecture that this runs on.
const TICK: Duration = Duration::from_millis(10);

/// The places of `utime` and `stime` behind the name of the process (proc_pid_stat(5), 14 and 15 of all).
const TIMES: [usize; 2] = [11, 12];

/// A server that runs; it is ended when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// What a process has used.
pub(crate) struct Usage {
    /// CPU time of all its threads, in the kernel too.
    pub(crate) cpu: Duration,
    /// Resident memory now, in bytes.
    pub(crate) resident: u64,
    /// Its growth since the usage before, in bytes.
    pub(crate) grown: u64,
}

impl Server {
    /// Starts this program as the contender of that name, and waits until it listens.
    pub(crate) fn start(name: &str) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(out) = &mut child.stdout {
            BufReader::new(out).read_line(&mut line)?;
        }
        let address = line.trim_end().parse().map_err(|_| format!("{name} does not listen: `{line}`"))?;
        Ok(Self { child, address })
    }

    pub(crate) fn usage(&self) -> Result<Usage, Box<dyn Error>> {
        let process = format!("/proc/{}", self.child.id());
        let stat = fs::read_to_string(format!("{process}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("a stat without a name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let mut ticks = 0;
        for place in TIMES {
            ticks += fields.get(place).ok_or("a short stat")?.parse::<u32>()?;
        }
        let status = fs::read_to_string(format!("{process}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
        let resident = resident.ok_or("a status without VmRSS")?.trim().parse::<u64>()? * 1024;
        Ok(Usage { cpu: TICK * ticks, resident, grown: 0 })
    }
}

impl Usage {
    /// What was used since then.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let (cpu, grown) = (self.cpu - before.cpu, self.resident.saturating_sub(before.resident));
        Self { cpu, resident: self.resident, grown }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends as its standard input does.
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            eprintln!("a server did not end: {error}");
        }
    }
}
