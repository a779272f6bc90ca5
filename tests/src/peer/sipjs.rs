//! SIP.js in node, driven over the standard input of `tests/interop/sipjs/peer.mjs`.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use super::{PATIENCE, PeerError, events::Events, phone::Phone, tone::same};

/// What it does about calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming {
    /// Answers at once.
    Answer,
    /// Refuses with 486.
    Busy,
    /// Rings and no more.
    Ring,
}

impl Incoming {
    /// Its name on the command line.
    const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Busy => "busy",
            Self::Ring => "ring",
        }
    }
}

/// A running telephone made of SIP.js.
#[derive(Debug)]
pub struct SipJs {
    events: Events,
}

impl SipJs {
    /// The folder of node modules that holds sip.js: `PATCHCORD_SIPJS`; without it where `cargo xtask setup` puts it,
    /// below the target folder that this test was built into.
    pub fn modules() -> PathBuf {
        if let Some(path) = std::env::var_os("PATCHCORD_SIPJS") {
            return PathBuf::from(path);
        }
        // target/PROFILE/deps/interop-HASH
        let test = std::env::current_exe().unwrap_or_default();
        test.ancestors().nth(3).unwrap_or(&test).join("peers/sipjs/node_modules")
    }

    /// Starts one that answers every call and sends a tone.
    pub fn start(user: &str, own: Ipv4Addr, hz: u16) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, Incoming::Answer)
    }

    /// Starts one, and waits until it listens.
    pub fn start_with(user: &str, own: Ipv4Addr, hz: u16, incoming: Incoming) -> Result<Self, PeerError> {
        Self::spawn(user, own, hz, |command| {
            command.args(["--incoming", incoming.name()]);
        })
    }

    /// Starts one that answers every call and refuses every REFER with this status.
    pub fn start_refusing(user: &str, own: Ipv4Addr, hz: u16, status: u16) -> Result<Self, PeerError> {
        Self::spawn(user, own, hz, |command| {
            command.args(["--refer", &status.to_string()]);
        })
    }

    /// Starts one that is a user of this registrar, with this password, and waits until it is registered there.
    pub fn start_registered(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        registrar: Ipv4Addr,
        password: &str,
    ) -> Result<Self, PeerError> {
        Self::spawn(user, own, hz, |command| {
            command.args(["--registrar", &registrar.to_string(), "--password", password]);
        })
    }

    /// Starts one that is the client of this WebSocket, `ws:` or `wss:`, and waits until it is connected. Its RTP has this
    /// address. `roots` is a file with the authority that it trusts beside those of node.
    pub fn start_websocket(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        server: &str,
        roots: &Path,
    ) -> Result<Self, PeerError> {
        Self::spawn(user, own, hz, |command| {
            command.args(["--server", server]).env("NODE_EXTRA_CA_CERTS", roots);
        })
    }

    fn spawn(user: &str, own: Ipv4Addr, hz: u16, set: impl FnOnce(&mut Command)) -> Result<Self, PeerError> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/sipjs/peer.mjs");
        let mut command = Command::new("node");
        command.arg(program).arg("--modules").arg(Self::modules());
        command.args(["--address", &own.to_string(), "--user", user, "--tone", &hz.to_string()]);
        set(&mut command);
        let mut events = Events::spawn("SIP.js", &mut command)?;
        events.wait_named("ready", PATIENCE)?;
        Ok(Self { events })
    }

    /// Gives a command that [`Phone`] does not have.
    pub fn say(&mut self, command: &str) -> Result<(), PeerError> {
        self.events.say(command)
    }

    /// Takes the first event that fits and was not taken before, or waits for one.
    pub fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Value, PeerError> {
        self.events.wait_for(what, limit, fits)
    }

    /// What it says of its calls: packets each way, those from elsewhere, and the tone of each 100 ms.
    pub fn report(&mut self) -> Result<Value, PeerError> {
        self.events.say("report")?;
        self.events.wait_named("report", PATIENCE)
    }

    fn state(&mut self, wanted: &str) -> Result<Value, PeerError> {
        self.events.wait_for(&format!("a call in state {wanted}"), PATIENCE, |event| {
            event["event"] == "state" && event["state"] == wanted
        })
    }

    fn transferred(&mut self) -> Result<(), PeerError> {
        self.events.wait_named("transferred", PATIENCE)?;
        self.ended()
    }
}

impl Phone for SipJs {
    fn call(&mut self, uri: &str) -> Result<(), PeerError> {
        self.events.say(&format!("call {uri}"))?;
        self.state("Established").map(drop)
    }

    fn answered(&mut self) -> Result<(), PeerError> {
        self.events.wait_named("incoming", PATIENCE)?;
        self.state("Established").map(drop)
    }

    fn hears(&mut self, tone: Option<u16>) -> Result<(), PeerError> {
        self.events.wait_until(&format!("{tone:?} Hz in the newest call"), PATIENCE, |events| {
            let newest = newest_call(events);
            newest.is_some_and(|call| same(heard(events, call), tone))
        })
    }

    fn hold(&mut self) -> Result<(), PeerError> {
        self.events.say("hold 1")?;
        self.events.wait_named("held", PATIENCE).map(drop)
    }

    fn resume(&mut self) -> Result<(), PeerError> {
        self.events.say("resume 1")?;
        self.events.wait_named("resumed", PATIENCE).map(drop)
    }

    fn blind(&mut self, uri: &str) -> Result<(), PeerError> {
        self.events.say(&format!("blind {uri} 1"))?;
        self.transferred()
    }

    fn attended(&mut self) -> Result<(), PeerError> {
        self.events.say("attended")?;
        self.transferred()
    }

    fn hang_up(&mut self) -> Result<(), PeerError> {
        self.events.say("bye")?;
        self.state("Terminated").map(drop)
    }

    /// None of its calls is left, so that all have ended.
    fn ended(&mut self) -> Result<(), PeerError> {
        self.events.wait_until("the end of all calls", PATIENCE, |events| newest_call(events).is_none())
    }

    fn output(&mut self) -> String {
        self.events.output()
    }
}

/// The number of the newest call that is established and not ended.
fn newest_call(events: &[Value]) -> Option<u64> {
    let number = |event: &Value| event["call"].as_u64();
    let in_state = |state: &'static str| {
        events.iter().filter(move |event| event["event"] == "state" && event["state"] == state)
    };
    let ended: Vec<u64> = in_state("Terminated").filter_map(number).collect();
    in_state("Established").filter_map(number).rfind(|call| !ended.contains(call))
}

/// What a call heard at last.
fn heard(events: &[Value], call: u64) -> Option<u16> {
    let last = events.iter().rfind(|event| event["event"] == "heard" && event["call"] == call)?;
    last["hz"].as_u64().and_then(|hz| u16::try_from(hz).ok())
}
