//! `patchcord answer` as one telephone among others.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::{PATIENCE, PeerError, application::Application, phone::Phone};

/// The variable that a password is passed in.
const PASSWORD: &str = "PATCHCORD_TEST_PASSWORD";

/// A running `patchcord answer` that follows every REFER and lets itself be replaced by whom its peer refers.
///
/// It answers only: it cannot be asked to call, to hold or to move anybody.
#[derive(Debug)]
pub struct Answer {
    application: Application,
}

impl Answer {
    /// Starts one; it sends this tone, or without one it echoes.
    pub fn start(own: Ipv4Addr, hz: Option<u16>) -> Result<Self, PeerError> {
        Self::start_with(&format!("udp:{own}:5060"), hz, &[], &[])
    }

    /// Starts one that listens here, with more options and variables in its environment.
    pub fn start_with(
        listen: &str,
        hz: Option<u16>,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self, PeerError> {
        let hz = hz.map(|hz| hz.to_string());
        let mut arguments = vec!["answer", "--listen", listen, "--refer", "allow"];
        arguments.extend(["--allow-target", "127.0.0.0/8", "--replaces", "referred-by"]);
        match &hz {
            Some(hz) => arguments.extend(["--tone", hz]),
            None => arguments.push("--echo"),
        }
        arguments.extend(options);
        Ok(Self { application: Application::start_with(&arguments, variables)? })
    }

    /// Starts one that is a user of this registrar, which is its proxy, with this password, and waits until it is registered
    /// there.
    pub fn start_registered(
        user: &str,
        own: Ipv4Addr,
        hz: Option<u16>,
        registrar: Ipv4Addr,
        password: &str,
    ) -> Result<Self, PeerError> {
        let (account, proxy) = (format!("sip:{user}@{registrar}"), format!("sip:{registrar}"));
        let options = ["--account", &account, "--proxy", &proxy, "--password-env", PASSWORD];
        let mut answer = Self::start_with(&format!("udp:{own}:5060"), hz, &options, &[(PASSWORD, password)])?;
        answer.application.wait_for("registration_active", PATIENCE)?;
        Ok(answer)
    }

    fn unable(what: &str) -> Result<(), PeerError> {
        Err(PeerError::Unable { program: "patchcord answer".to_owned(), what: what.to_owned() })
    }
}

impl Phone for Answer {
    fn call(&mut self, _uri: &str) -> Result<(), PeerError> {
        Self::unable("call")
    }

    fn answered(&mut self) -> Result<(), PeerError> {
        self.application.wait_for("incoming_call", PATIENCE)?;
        self.application.wait_for("established", PATIENCE).map(drop)
    }

    /// The tone is not told by the application: that RTP from the negotiated address arrives is all that is known.
    fn hears(&mut self, tone: Option<u16>) -> Result<(), PeerError> {
        if tone.is_none() {
            return Self::unable("tell silence");
        }
        self.application.wait_until("RTP in the newest call", |events| {
            let newest = newest_call(events);
            newest.is_some_and(|call| {
                events.iter().any(|event| event["event"] == "media_flowing" && event["session"] == call)
            })
        })
    }

    fn hold(&mut self) -> Result<(), PeerError> {
        Self::unable("hold")
    }

    fn resume(&mut self) -> Result<(), PeerError> {
        Self::unable("resume")
    }

    fn blind(&mut self, _uri: &str) -> Result<(), PeerError> {
        Self::unable("send a REFER")
    }

    fn attended(&mut self) -> Result<(), PeerError> {
        Self::unable("send a REFER with Replaces")
    }

    fn moved(&mut self) -> Result<(), PeerError> {
        self.application.wait_for("transfer_succeeded", PATIENCE).map(drop)
    }

    fn hang_up(&mut self) -> Result<(), PeerError> {
        Self::unable("hang up")
    }

    fn ended(&mut self) -> Result<(), PeerError> {
        self.application.wait_until("the end of the newest call", |events| newest_call(events).is_none())
    }

    fn output(&mut self) -> String {
        self.application.output()
    }
}

/// The newest call that is established and not ended.
fn newest_call(events: &[Value]) -> Option<&str> {
    let of = |name: &'static str| {
        let named = events.iter().filter(move |event| event["event"] == name);
        named.filter_map(|event| event["session"].as_str())
    };
    let ended: Vec<&str> = of("call_ended").collect();
    of("established").rfind(|call| !ended.contains(call))
}
