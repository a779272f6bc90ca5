//! The events of a child process that writes one JSON object a line.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{PeerError, process::Process};

/// A running child and its events. Each event is taken once, in any order: what was not asked for yet waits.
#[derive(Debug)]
pub struct Events {
    process: Process,
    all: Vec<Value>,
    taken: Vec<bool>,
}

impl Events {
    /// Starts the program.
    pub fn spawn(name: &str, command: &mut Command) -> Result<Self, PeerError> {
        Ok(Self { process: Process::spawn(name, command)?, all: Vec::new(), taken: Vec::new() })
    }

    /// Takes the first event that fits and was not taken before, or waits for one.
    pub fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Value, PeerError> {
        let deadline = Instant::now() + limit;
        loop {
            let place = (0..self.all.len()).find(|&place| !self.taken[place] && fits(&self.all[place]));
            if let Some(place) = place {
                self.taken[place] = true;
                return Ok(self.all[place].clone());
            }
            if !self.read(deadline) {
                return Err(self.process.missing(what, limit));
            }
        }
    }

    /// Takes the first event of this name that was not taken before, or waits for one.
    pub fn wait_named(&mut self, name: &str, limit: Duration) -> Result<Value, PeerError> {
        self.wait_for(name, limit, |event| event["event"] == name)
    }

    /// Waits until all events so far, taken or not, say what is wanted.
    pub fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        holds: impl Fn(&[Value]) -> bool,
    ) -> Result<(), PeerError> {
        let deadline = Instant::now() + limit;
        while !holds(&self.all) {
            if !self.read(deadline) {
                return Err(self.process.missing(what, limit));
            }
        }
        Ok(())
    }

    /// Every event so far, taken or not.
    pub fn all(&mut self) -> &[Value] {
        while self.read(Instant::now()) {}
        &self.all
    }

    /// Gives a line to its standard input.
    pub fn say(&mut self, line: &str) -> Result<(), PeerError> {
        self.process.say(line)
    }

    /// Interrupts it as Ctrl-C does.
    pub fn interrupt(&self) -> Result<(), PeerError> {
        self.process.interrupt()
    }

    /// Everything that it wrote.
    pub fn output(&mut self) -> String {
        self.all();
        self.process.output()
    }

    /// Waits for its end: the exit code.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<Option<i32>, PeerError> {
        let deadline = Instant::now() + limit;
        while self.read(deadline) {}
        let status = self.process.wait_exit(deadline.saturating_duration_since(Instant::now()))?;
        Ok(status.code())
    }

    /// Reads one event on; false when the time is over or the process has ended.
    fn read(&mut self, deadline: Instant) -> bool {
        while let Some(line) = self.process.next_line(deadline.saturating_duration_since(Instant::now())) {
            let event = serde_json::from_str(&line).ok().filter(|value: &Value| value.get("event").is_some());
            if let Some(event) = event {
                self.all.push(event);
                self.taken.push(false);
                return true;
            }
        }
        false
    }
}
