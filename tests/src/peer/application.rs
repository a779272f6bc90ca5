//! The `patchcord` application as a child process, read by its `--json` events.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use super::{PATIENCE, PeerError, process::Process};

/// A running `patchcord`.
#[derive(Debug)]
pub struct Application {
    process: Process,
}

impl Application {
    /// The binary: `PATCHCORD_BIN`; without it the newer one of those of the release profile and of the profile of this
    /// test, in the target folder that this test was built into.
    pub fn binary() -> PathBuf {
        if let Some(path) = std::env::var_os("PATCHCORD_BIN") {
            return PathBuf::from(path);
        }
        // target/PROFILE/deps/interop-HASH
        let test = std::env::current_exe().unwrap_or_default();
        let profile = test.ancestors().nth(2).unwrap_or(&test);
        let built = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).ok();
        let candidates = [profile.join("patchcord"), profile.with_file_name("release").join("patchcord")];
        let newest = candidates.iter().filter(|path| path.exists()).max_by_key(|path| built(path));
        newest.unwrap_or(&candidates[1]).clone()
    }

    /// Starts it with these arguments and `--json`, and waits until it listens.
    pub fn start(arguments: &[&str]) -> Result<Self, PeerError> {
        let name = format!("patchcord {}", arguments.first().copied().unwrap_or_default());
        let mut process = Process::spawn(&name, Command::new(Self::binary()).args(arguments).arg("--json"))?;
        process.wait_for("listening", PATIENCE, |line| {
            event(line).is_some_and(|event| event["event"] == "listening")
        })?;
        Ok(Self { process })
    }

    /// Waits for an event of this name.
    pub fn wait_for(&mut self, name: &str, limit: Duration) -> Result<Value, PeerError> {
        let line = self
            .process
            .wait_for(name, limit, |line| event(line).is_some_and(|event| event["event"] == name))?;
        Ok(event(&line).unwrap_or_default())
    }

    /// Waits for its end: the exit code, and all events.
    pub fn finish(mut self, limit: Duration) -> Result<(Option<i32>, Vec<Value>), PeerError> {
        let status = self.process.wait_exit(limit)?;
        let events = self.process.lines().iter().filter_map(|line| event(line)).collect();
        Ok((status.code(), events))
    }

    /// The events so far.
    pub fn events(&mut self) -> Vec<Value> {
        self.process.output().lines().filter_map(event).collect()
    }

    /// Everything that it wrote.
    pub fn output(&mut self) -> String {
        self.process.output()
    }
}

fn event(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok().filter(|value: &Value| value.get("event").is_some())
}
