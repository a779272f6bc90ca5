//! The `patchcord` application as a child process, read by its `--json` events.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use super::{PATIENCE, PeerError, events::Events};

/// A running `patchcord`.
#[derive(Debug)]
pub struct Application {
    events: Events,
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
        Self::start_with(arguments, &[])
    }

    /// The same with variables in its environment.
    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self, PeerError> {
        let name = format!("patchcord {}", arguments.first().copied().unwrap_or_default());
        let mut command = Command::new(Self::binary());
        command.args(arguments).arg("--json").envs(variables.iter().copied());
        let mut events = Events::spawn(&name, &mut command)?;
        events.wait_named("listening", PATIENCE)?;
        Ok(Self { events })
    }

    /// Takes the first event of this name that was not taken before, or waits for one.
    pub fn wait_for(&mut self, name: &str, limit: Duration) -> Result<Value, PeerError> {
        self.events.wait_named(name, limit)
    }

    /// Takes the first event that fits and was not taken before, or waits for one.
    pub fn wait_for_event(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value, PeerError> {
        self.events.wait_for(what, PATIENCE, fits)
    }

    /// Waits until all events so far, taken or not, say what is wanted.
    pub fn wait_until(&mut self, what: &str, holds: impl Fn(&[Value]) -> bool) -> Result<(), PeerError> {
        self.events.wait_until(what, PATIENCE, holds)
    }

    /// Interrupts it as Ctrl-C does: it ends every call with BYE, then itself.
    pub fn interrupt(&self) -> Result<(), PeerError> {
        self.events.interrupt()
    }

    /// Waits for its end: the exit code, and all events.
    pub fn finish(mut self, limit: Duration) -> Result<(Option<i32>, Vec<Value>), PeerError> {
        let code = self.events.wait_exit(limit)?;
        Ok((code, self.events.all().to_vec()))
    }

    /// The events so far.
    pub fn events(&mut self) -> Vec<Value> {
        self.events.all().to_vec()
    }

    /// Everything that it wrote.
    pub fn output(&mut self) -> String {
        self.events.output()
    }
}
