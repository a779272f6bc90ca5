//! sipp as the caller, and what it counted.

use std::{
    env,
    error::Error,
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What is called.
pub(crate) struct Caller {
    /// Calls a second.
    pub(crate) rate: u32,
    pub(crate) calls: u32,
    /// How long each is up.
    pub(crate) hold: Duration,
}

/// sipp at work.
pub(crate) struct Calling {
    child: Child,
    counts: PathBuf,
    started: Instant,
    hold: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Calls that went as they should, BYE and its answer included.
    pub(crate) answered: u32,
    /// Requests that sipp sent again, and responses that came again.
    pub(crate) resent: u32,
    /// How long it took, without the time a call is up.
    pub(crate) seconds: f64,
}

impl Caller {
    pub(crate) fn start(&self, to: SocketAddr) -> Result<Calling, Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("patchcord-bench-answer-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let (scenario, counts) = (folder.join("caller.xml"), folder.join("counts.csv"));
        fs::write(&scenario, include_str!("caller.xml"))?;
        if counts.exists() {
            fs::remove_file(&counts)?;
        }
        let child = Command::new("sipp")
            .env("TERM", "dumb")
            .current_dir(&folder)
            .arg("-sf")
            .arg(&scenario)
            .args(["-i", "127.0.0.1", "-nostdin", "-trace_stat", "-fd", "1", "-s", "bench"])
            .arg("-stf")
            .arg(&counts)
            .args(["-r", &self.rate.to_string(), "-m", &self.calls.to_string(), "-l", "100000"])
            .args(["-d", &self.hold.as_millis().to_string(), "-buff_size", "4194304"])
            .arg(to.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sipp: {error}; `cargo xtask setup` installs it"))?;
        Ok(Calling { child, counts, started: Instant::now(), hold: self.hold })
    }
}

impl Calling {
    /// Waits for its end.
    pub(crate) fn outcome(mut self) -> Result<Outcome, Box<dyn Error>> {
        let _failed_calls_are_counted = self.child.wait()?;
        let seconds = self.started.elapsed().saturating_sub(self.hold).as_secs_f64();
        let text = fs::read_to_string(&self.counts)?;
        let names: Vec<&str> = text.lines().next().unwrap_or_default().split(';').collect();
        let last: Vec<&str> = text.lines().last().unwrap_or_default().split(';').collect();
        let count = |name: &str| -> Result<u32, Box<dyn Error>> {
            let place = names.iter().position(|other| *other == name);
            let value =
                place.and_then(|place| last.get(place)).ok_or_else(|| format!("sipp counts no {name}"))?;
            Ok(value.parse()?)
        };
        Ok(Outcome { answered: count("SuccessfulCall(C)")?, resent: count("Retransmissions(C)")?, seconds })
    }
}

impl Outcome {
    /// Fails where a call failed.
    pub(crate) fn all(&self, calls: u32) -> Result<(), Box<dyn Error>> {
        if self.answered < calls {
            return Err(format!("{} of {calls} calls were answered", self.answered).into());
        }
        Ok(())
    }
}
