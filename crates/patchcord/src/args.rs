//! The command line: a public interface, described in `docs/cli.md`.

#![expect(clippy::doc_markdown, reason = "the doc comments of arguments are the help text")]

mod account;
mod callers;
mod transfer;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use session_core::{Codec, Network};

pub(crate) use account::AccountArgs;
pub(crate) use callers::{CallersArgs, Challenge};
pub(crate) use transfer::{Fallback, Kind, ReferTo, ReportForm, TransferArgs};
pub(crate) use values::Listen;

const AFTER: &str = "\
Exit codes:
  0  done
  1  the call or the transfer failed, or a message could not be parsed
  2  wrong usage
  3  the environment does not allow it: port in use, no permission,
     too few descriptors, a file that cannot be read or written

Events go to stdout (--json: one JSON object a line), logs go to stderr.
RUST_LOG sets how much is logged, for example RUST_LOG=debug; default warn.
Ctrl-C ends every call with BYE first; a second Ctrl-C ends at once.

Start with:  patchcord demo";

/// A SIP user agent that moves live calls.
#[derive(Debug, Parser)]
#[command(name = "patchcord", version, about, after_help = AFTER, disable_help_subcommand = true)]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show a call being moved: three user agents on this machine, audio checked
    #[command(long_about = "\
Show a call being moved. Three user agents run on this machine, on free loopback ports,
with real SIP and real RTP: Alice (440 Hz) calls Bob (660 Hz) and moves him to Carol (880 Hz).

The ladder of SIP messages is printed while it happens, then a report with every check.
Ring times are short so that the demo is short; the demo says which.
Exit code 0 only if every check is ok.")]
    Demo(DemoArgs),
    /// Answer calls
    #[command(long_about = "\
Answer every call, and every OPTIONS request, until Ctrl-C or the end of --for.")]
    Answer(AnswerArgs),
    /// Call somebody, talk, hang up
    #[command(long_about = "\
Call somebody, talk, hang up. Exit code 0 if the call was answered, 1 with the reason if it was not.")]
    Call(CallArgs),
    /// Call one party, talk, and move it to another
    #[command(long_about = "\
Call the first party, talk, and move it to the target. Exit code 0 once the two are known to be
connected. If the transfer fails, or the target does not answer when it is called first, the first
call is resumed, talks as long again, is ended, and the exit code is 1. With --fallback bridge a
party that takes no REFER is joined with the target here, until one of the two hangs up.")]
    Transfer(TransferArgs),
    /// Parse raw SIP messages, one a file, and print each as a JSON object a line
    #[command(long_about = "\
Parse raw SIP messages. Each file holds one message, as one UDP datagram would carry it.
One JSON object a line: file, ok, why (when not ok), kind (request or response), method and uri or
status and reason, headers as [lower-case long name, unfolded value], body_len.
Exit code 1 if one is not a SIP message, 3 if one cannot be read.")]
    Parse(ParseArgs),
}

/// `patchcord demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// What happens
    #[arg(value_enum, default_value_t = Scenario::Blind, value_name = "SCENARIO")]
    pub(crate) scenario: Scenario,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// A scenario of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Carol answers: Bob and Carol talk, Alice is out
    Blind,
    /// Carol is busy (486): Alice gets Bob back
    TargetBusy,
    /// Carol never answers: Bob gives up, Alice gets him back
    TargetSilent,
    /// Alice calls Carol first, and moves Bob as soon as she answers
    Attended,
    /// Alice talks to Carol first, and to Bob once more, then moves him
    Consultative,
    /// Bob waits with music, Carol is told what he wants and presses 1 to take him over
    Warm,
    /// Carol does not let Bob take Alice's place (403): Alice gets him back
    ReplacesRefused,
    /// Carol is busy when Alice calls her first (486): Alice gets Bob back
    ConsultBusy,
    /// As blind, over a network that loses one of twenty packets
    Lossy,
    /// Carol's cable is pulled while her phone rings: Alice gets Bob back
    Kill,
    /// Bob refuses the REFER (603): Alice calls Carol and joins the two calls
    Fallback,
    /// All of these, one after the other
    All,
}

/// `patchcord answer`.
#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// Listen here; may be given more than once
    ///
    /// TRANSPORT:IP:PORT, where TRANSPORT is udp, tcp, tls, ws or wss, port 0 is any free port,
    /// 0.0.0.0 is every local address, and IPv6 addresses stand in brackets: udp:[::1]:5060.
    /// tls and wss need --tls-cert and --tls-key. Calls go out from here by any transport.
    #[arg(long, verbatim_doc_comment, value_name = "TRANSPORT:IP:PORT", value_parser = values::listen, default_value = "udp:0.0.0.0:5060")]
    pub(crate) listen: Vec<Listen>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) audio: AudioArgs,
    #[command(flatten)]
    pub(crate) sound: SoundArgs,
    /// Ring this long before answering, 0 to 3600 seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = values::hour, default_value = "0")]
    pub(crate) after: Duration,
    /// What to do when a caller asks us to call somebody else (REFER)
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = Refer::Deny)]
    pub(crate) refer: Refer,
    /// Let REFERs lead to this network, too; may be given more than once
    ///
    /// An address, or an address and a prefix length: 10.0.0.0/8, 192.0.2.7, 2001:db8::/32.
    /// Without it only public addresses may be the target of a REFER: no loopback, private or
    /// link-local ones.
    #[arg(long, verbatim_doc_comment, value_name = "CIDR", value_parser = values::network)]
    pub(crate) allow_target: Vec<Network>,
    /// Which callers may replace one of our calls (INVITE with Replaces)
    ///
    /// This is how the target of an attended transfer gets its new party. Others are refused
    /// with 403. The same IP address alone is never enough.
    #[arg(long, verbatim_doc_comment, value_enum, value_name = "POLICY", default_value_t = Replaces::ReferredBy)]
    pub(crate) replaces: Replaces,
    /// Trust this network to replace its own calls; may be given more than once
    ///
    /// An address, or an address and a prefix length: 10.0.0.0/8, 192.0.2.7, 2001:db8::/32.
    /// The new caller and the party whose call is replaced must both be in it.
    #[arg(long, verbatim_doc_comment, value_name = "CIDR", value_parser = values::network)]
    pub(crate) trunk: Vec<Network>,
    #[command(flatten)]
    pub(crate) callers: CallersArgs,
    /// Most calls at once, 1 to 100000; one more is answered 486
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::calls, default_value = "256")]
    pub(crate) max_calls: usize,
    /// End after this long, 0 to 31536000 seconds: BYE to every call, exit code 0
    #[arg(long = "for", value_name = "SECONDS", allow_negative_numbers = true, value_parser = values::year)]
    pub(crate) lifetime: Option<Duration>,
    /// Whether RTP is sent and received
    ///
    /// off: media is negotiated, but no RTP port is bound and nothing is sent. For load tests
    /// and signalling servers.
    #[arg(long, verbatim_doc_comment, value_enum, value_name = "SWITCH", default_value_t = Switch::On)]
    pub(crate) media: Switch,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `patchcord call`.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// Whom to call: sip:[USER@]HOST[:PORT], or the same with sips:
    #[arg(value_name = "URI", value_parser = values::callee)]
    pub(crate) uri: String,
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
    /// Hang up this long after the answer, 0 to 86400 seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = values::day, default_value = "10")]
    pub(crate) duration: Duration,
    /// Put the call on hold this long after the answer; less than --duration
    ///
    /// It is resumed half way between that and the end.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = values::day)]
    pub(crate) hold_after: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `patchcord parse`.
#[derive(Debug, Args)]
pub(crate) struct ParseArgs {
    /// Files with one raw message each
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Accepted for symmetry: the output is always JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who the other side is, and where its name leads.
#[derive(Debug, Args)]
pub(crate) struct NetworkArgs {
    /// Our certificate for TLS, PEM, with those that lead to the authority behind it
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Trust this authority's certificate, PEM, instead of those that the system trusts; may be
    /// given more than once
    #[arg(long, verbatim_doc_comment, value_name = "FILE")]
    pub(crate) tls_ca: Vec<PathBuf>,
    /// Ask clients for a certificate, and refuse who has none that is trusted (mutual TLS)
    #[arg(long, requires = "tls_cert", conflicts_with = "tls_insecure")]
    pub(crate) tls_mutual: bool,
    /// Accept any certificate: anybody can be anybody; for laboratories only
    #[arg(long, conflicts_with = "tls_ca")]
    pub(crate) tls_insecure: bool,
    /// Ask this name server, instead of those of the system; may be given more than once
    #[arg(long, value_name = "IP:PORT", value_parser = values::server)]
    pub(crate) dns: Vec<SocketAddr>,
}

/// What is sent as audio; at most one.
#[derive(Debug, Args)]
#[group(id = "audio", multiple = false)]
pub(crate) struct AudioArgs {
    /// Send a tone of this frequency, 50 to 3800 Hz [default: 440]
    #[arg(long, value_name = "HZ", allow_negative_numbers = true, value_parser = values::tone)]
    pub(crate) tone: Option<u16>,
    /// Send this WAV file over and over
    #[arg(long, value_name = "FILE.wav")]
    pub(crate) play: Option<PathBuf>,
    /// Send back what is received
    #[arg(long)]
    pub(crate) echo: bool,
}

/// How audio is carried, and what is done with it while a call is up.
#[derive(Debug, Clone, Args)]
pub(crate) struct SoundArgs {
    /// Codecs, most wanted first: pcmu, pcma, g722, l16 [default: pcmu,pcma]
    ///
    /// l16 is at 16000 Hz; l16/8000 is there, too.
    #[arg(long, verbatim_doc_comment, value_name = "NAME,..", value_delimiter = ',', value_parser = values::codec)]
    pub(crate) codecs: Vec<Codec>,
    /// Whether audio is secured by SRTP with keys in the SDP (RFC 4568)
    ///
    /// Everybody who can read the SIP messages can read the keys: use it with tls or wss.
    #[arg(long, verbatim_doc_comment, value_enum, value_name = "POLICY", default_value_t = Srtp::Off)]
    pub(crate) srtp: Srtp,
    /// Play this WAV file to whom we put on hold, over and over [default: nothing]
    #[arg(long, value_name = "FILE.wav")]
    pub(crate) moh: Option<PathBuf>,
    /// Record what is said (left) and heard (right) in this WAV file
    #[arg(long, value_name = "FILE.wav")]
    pub(crate) record: Option<PathBuf>,
    /// Dial these digits once the call is up: 0 to 9, *, #, A to D, ! for a flash; at most 64
    #[arg(long, value_name = "DIGITS", value_parser = values::digits)]
    pub(crate) dtmf: Option<String>,
}

/// Whether audio is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Srtp {
    /// In the clear; who asks for SRTP is refused
    Off,
    /// Secured where the other side can
    Optional,
    /// Secured, or there is no call
    Required,
}

/// What is told, and how.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Write every packet to this file, SIP, RTP and RTCP: for tshark, Wireshark or sngrep
    ///
    /// A file that is there is overwritten. It holds the audio, and who called whom.
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
    /// Print events as JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is done with a REFER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Refer {
    /// Refuse it
    Deny,
    /// Follow it, if it comes inside a call
    Allow,
    /// Ask on the terminal each time
    Ask,
}

/// Whose INVITE with Replaces is honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Replaces {
    /// Out of a --trunk, if the party whose call is replaced is in it, too
    Trusted,
    /// These, and with a Referred-By that names the party whose call is replaced
    ReferredBy,
    /// From everybody who knows the call's identifiers: for laboratories
    Allow,
    /// From nobody
    Deny,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Send and receive RTP
    On,
    /// Signalling only
    Off,
}

/// Reads the command line; a wrong one is told on stderr and ends the process with code 2, `--help` with 0.
pub(crate) fn read() -> CommandLine {
    let line = CommandLine::parse();
    match check(&line) {
        Ok(()) => line,
        Err(error) => error.exit(),
    }
}

/// Checks what one value cannot tell alone.
fn check(line: &CommandLine) -> Result<(), clap::Error> {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    let refused = |kind, text: String| Err(CommandLine::command().error(kind, text));
    match &line.verb {
        Verb::Call(call) => match call.hold_after.filter(|hold_after| *hold_after >= call.duration) {
            Some(hold_after) => refused(
                ErrorKind::ValueValidation,
                format!(
                    "invalid value '{}' for '--hold-after <SECONDS>': must be less than --duration ({} s)",
                    hold_after.as_secs_f64(),
                    call.duration.as_secs_f64()
                ),
            ),
            None => Ok(()),
        },
        Verb::Transfer(transfer) => transfer.check().or_else(|(kind, text)| refused(kind, text)),
        Verb::Demo(_) | Verb::Answer(_) | Verb::Parse(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
