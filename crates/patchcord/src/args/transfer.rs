//! `patchcord transfer` on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use session_core::{PeerProfile, ReferOptions};

use super::{AccountArgs, AudioArgs, Listen, NetworkArgs, OutputArgs, SoundArgs, values};

/// `patchcord transfer`.
#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// Whom to call first, and then to move: sip:[USER@]HOST[:PORT], or the same with sips:
    #[arg(value_name = "FIRST_URI", value_parser = values::callee)]
    pub(crate) first: String,
    /// Where to move the first party: sip:, sips: or tel:, without headers and method
    #[arg(value_name = "TARGET_URI", value_parser = values::target)]
    pub(crate) target: String,
    /// How to move it
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Kind::Blind)]
    pub(crate) kind: Kind,
    /// Talk this long before moving on, 0 to 3600 seconds
    ///
    /// To the first party, and with --kind consultative as long to the target.
    #[arg(long, verbatim_doc_comment, value_name = "SECONDS", allow_negative_numbers = true, value_parser = values::hour, default_value = "2")]
    pub(crate) talk: Duration,
    /// Let the target ring this long when it is called first, 1 to 3600 seconds [default: 45]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = values::ring)]
    pub(crate) consult_limit: Option<Duration>,
    /// Which address of a target that was called first the REFER names [default: contact]
    ///
    /// The other one is tried once if that leads nowhere.
    #[arg(long, verbatim_doc_comment, value_enum, value_name = "ADDRESS")]
    pub(crate) refer_to: Option<ReferTo>,
    /// Transfer as peers of this kind need it: how the REFER is sent, hold, who hangs up
    #[arg(long, value_name = "NAME", value_parser = values::profile)]
    pub(crate) profile: Option<PeerProfile>,
    /// Put this header into the REFER, NAME:VALUE; may be given more than once
    #[arg(long, value_name = "NAME:VALUE", value_parser = values::header)]
    pub(crate) header: Vec<(String, String)>,
    /// What to do if the first party cannot or will not be referred [default: none]
    ///
    /// It names its methods and REFER is not among them, it answers 405, 501 or 603, or the call
    /// to the target cannot be replaced. A --profile may say bridge, too.
    #[arg(long, verbatim_doc_comment, value_enum, value_name = "FALLBACK")]
    pub(crate) fallback: Option<Fallback>,
    /// Tell in the end what happened, in this form
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) report: Option<ReportForm>,
    /// With --kind warm: play this WAV file to the target once it has answered
    #[arg(long, value_name = "FILE.wav")]
    pub(crate) briefing: Option<PathBuf>,
    /// With --kind warm: let the target decide this long, 1 to 3600 seconds [default: 60]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = values::ring)]
    pub(crate) decide_limit: Option<Duration>,
    /// Listen here; may be given more than once
    ///
    /// TRANSPORT:IP:PORT, where TRANSPORT is udp, tcp, tls, ws or wss, port 0 is any free port,
    /// 0.0.0.0 is every local address, and IPv6 addresses stand in brackets: udp:[::1]:5060.
    /// tls and wss need --tls-cert and --tls-key. Calls go out from here by any transport.
    #[arg(long, verbatim_doc_comment, value_name = "TRANSPORT:IP:PORT", value_parser = values::listen, default_value = "udp:0.0.0.0:0")]
    pub(crate) listen: Vec<Listen>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) audio: AudioArgs,
    #[command(flatten)]
    pub(crate) sound: SoundArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl TransferArgs {
    /// Checks what one value cannot tell alone.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        if self.output.json && self.report.is_some_and(|report| report != ReportForm::Json) {
            return Err((
                ErrorKind::ArgumentConflict,
                "'--report' with '--json' is '--report json'".to_owned(),
            ));
        }
        if let Some((flag, kinds)) = self.misplaced() {
            return Err((ErrorKind::ArgumentConflict, format!("'{flag}' is for {kinds}")));
        }
        let mut refer = ReferOptions::default();
        self.add_headers(&mut refer);
        refer.check_headers().map_err(|why| {
            (ErrorKind::ValueValidation, format!("invalid value for '--header <NAME:VALUE>': {why}"))
        })?;
        // Whom we call must be somebody whom we can call.
        let when = match (self.kind, self.fallback) {
            (Kind::Blind, None | Some(Fallback::None)) => return Ok(()),
            (Kind::Blind, Some(Fallback::Bridge)) => "for a bridge",
            _ => "first",
        };
        let target = &self.target;
        values::callee(target).map(drop).map_err(|why| {
            let text = format!("invalid value '{target}' for '<TARGET_URI>': to be called {when}, it {why}");
            (ErrorKind::ValueValidation, text)
        })
    }

    /// Puts the headers that were given into the REFER.
    pub(crate) fn add_headers(&self, refer: &mut ReferOptions) {
        let headers = self.header.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into()));
        refer.headers.extend(headers);
    }

    /// A flag that means nothing for this kind, and for which it does.
    fn misplaced(&self) -> Option<(&'static str, &'static str)> {
        const ASKED: &str = "a target that is called first: any --kind but blind";
        let unasked = self.kind == Kind::Blind;
        let cold = self.kind != Kind::Warm;
        [
            ("--consult-limit", ASKED, unasked && self.consult_limit.is_some()),
            ("--refer-to", ASKED, unasked && self.refer_to.is_some()),
            ("--briefing", "--kind warm", cold && self.briefing.is_some()),
            ("--decide-limit", "--kind warm", cold && self.decide_limit.is_some()),
        ]
        .into_iter()
        .find_map(|(flag, kinds, given)| given.then_some((flag, kinds)))
    }
}

/// The kind of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// REFER at once, without calling the target first
    Blind,
    /// Call the target first, and move the first party as soon as it answers
    Attended,
    /// Call the target first, talk to it for --talk, then move the first party
    Consultative,
    /// Call the target first, and complete while it rings: moved as soon as it answers
    SemiAttended,
    /// As attended, but the target is asked to call the first party, who never learns its address
    ProtectTarget,
    /// Let it wait (--moh), tell the target (--briefing), and move it if that presses 1
    Warm,
}

/// What is done with a party that cannot or will not be referred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fallback {
    /// Nothing: it is taken back
    None,
    /// Join it with the target here, until one of the two hangs up
    Bridge,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// Five lines and the ladder of messages, for people
    Text,
    /// A JSON object on one line
    Json,
    /// The ladder as a Mermaid sequence diagram
    Mermaid,
}

/// What a Refer-To names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReferTo {
    /// The target's Contact: the very device that answered
    Contact,
    /// The target's address of record, for servers that route by it
    Aor,
}
