//! A report for machines: flat fields with the names of `docs/cli.md`.

use serde::{Serialize, Serializer};
use sip_message::StatusCode;
use transfer::Role;

use super::{Decisive, Passed, Step, TransferReport, rule::rule};
use crate::describe::{learned_name, outcome_name};

#[derive(Serialize)]
struct Fields<'a> {
    transfer: String,
    role: &'static str,
    kind: &'static str,
    session: String,
    peer: &'a str,
    target: &'a str,
    began_ms: u128,
    took_ms: u128,
    stage: &'static str,
    outcome: &'static str,
    learned_from: &'static str,
    code: Option<u16>,
    reason: Option<String>,
    call_kept: bool,
    on_hold: bool,
    retry_after_s: Option<u64>,
    decisive: Option<Message<'a>>,
    rule: &'static str,
    accepted: Option<u16>,
    progress: Option<u16>,
    calls: Vec<Call<'a>>,
    steps: Vec<Line<'a>>,
    omitted_steps: u32,
    text: String,
}

#[derive(Serialize)]
struct Message<'a> {
    method: &'a str,
    code: Option<u16>,
    sent: bool,
    peer: &'a str,
}

#[derive(Serialize)]
struct Call<'a> {
    session: String,
    peer: &'a str,
    ended: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    at_ms: u128,
    session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<bool>,
    words: &'a str,
    times: u32,
}

impl Serialize for TransferReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, omitted_steps, last) = self.steps.parts();
        let code = |status: Option<StatusCode>| status.map(StatusCode::as_u16);
        Fields {
            transfer: self.transfer.to_string(),
            role: match self.role {
                Role::Transferor => "transferor",
                Role::Transferee => "transferee",
            },
            kind: self.kind.name(),
            session: self.session.to_string(),
            peer: &self.peer,
            target: &self.target,
            began_ms: self.began.as_millis(),
            took_ms: self.took.as_millis(),
            stage: self.stage.name(),
            outcome: outcome_name(self.outcome.kind),
            learned_from: learned_name(self.outcome.learned_from),
            code: code(self.outcome.code),
            reason: self.outcome.failure.map(|failure| failure.to_string()),
            call_kept: self.outcome.call_kept,
            on_hold: self.outcome.on_hold,
            retry_after_s: self.outcome.retry_after.map(|wait| wait.as_secs()),
            decisive: self.decisive.as_ref().map(message),
            rule: rule(self.role, &self.outcome),
            accepted: code(self.accepted),
            progress: code(self.progress),
            calls: self
                .calls
                .iter()
                .map(|part| Call { session: part.session.to_string(), peer: &part.peer, ended: part.ended })
                .collect(),
            steps: first.iter().chain(last).map(line).collect(),
            omitted_steps,
            text: self.to_string(),
        }
        .serialize(serializer)
    }
}

fn message(decisive: &Decisive) -> Message<'_> {
    match decisive {
        Decisive::Notify { status, sent, peer } => {
            Message { method: "NOTIFY", code: status.map(StatusCode::as_u16), sent: *sent, peer }
        }
        Decisive::Response { status, method, peer } => {
            Message { method, code: Some(status.as_u16()), sent: false, peer }
        }
        Decisive::Bye { peer } => Message { method: "BYE", code: None, sent: false, peer },
    }
}

fn line(step: &Step) -> Line<'_> {
    let (sent, words, times) = match &step.what {
        Passed::Message { sent, label, times, .. } => (Some(*sent), label, *times),
        Passed::Remark(words) => (None, words, 1),
    };
    Line { at_ms: step.at.as_millis(), session: step.session.to_string(), sent, words, times }
}
