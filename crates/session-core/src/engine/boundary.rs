//! What goes into the engine and what comes out of it.

use std::{fmt, net::SocketAddr, time::Duration};

use bytes::Bytes;
use dialog_core::{IncomingCall, RegistrationId};
use media_core::{Direction, StreamCommand, StreamEvent, StreamFailure, StreamId};
use sip_message::{Message, NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{
    Connect, FlowId, Hop, Origin, Outbound, Question, RouteId, Tick, TransportInput, identifier,
};
use transfer::{
    AttendedOptions, Completion, Decision, ReferDecision, ReferOptions, TransferId, TransferProgress,
};

use super::accounts::{AccountCommand, RegistrationInfo};
use super::audio::AudioCommand;
use super::manual::ManualCommand;
use super::media_boundary::{MediaCommand, SessionMediaState};
use super::sent::Sent;
use super::transfer_info::TransferInfo;
use super::warm::WarmOptions;
use crate::{
    error::{RegistrationError, SessionError, SessionState, TransferError},
    event::{SessionEvent, SessionId},
};

identifier! {
    /// A command from outside; each is answered by exactly one [`Output::Reply`].
    CommandId, "command-"
}

/// What the engine is fed with.
#[derive(Debug)]
pub enum Input {
    /// From the SIP sockets and the resolver.
    Transport(TransportInput),
    /// Even RTP ports that are bound for this engine; the next odd ones are for RTCP.
    Ports(Vec<u16>),
    /// From the application.
    Command {
        /// Identifies the reply.
        id: CommandId,
        /// What is asked.
        command: Command,
    },
    /// From the RTP streams.
    Stream(StreamAnswer),
}

/// What the RTP streams answer and tell; their packets never come here.
#[derive(Debug)]
pub enum StreamAnswer {
    /// A command was followed.
    Applied(media_core::Op),
    /// A command was not followed.
    Failed(media_core::Op, StreamFailure),
    /// Something happened to a stream.
    Event(StreamEvent),
}

/// What the engine wants done.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes.
    Write(Outbound),
    /// Write what keeps a flow alive (RFC 5626 §4.4).
    KeepAlive {
        /// Where to.
        hop: Hop,
        /// Line ends to a connection, STUN by UDP.
        wire: Bytes,
    },
    /// Make a connection; answered by `TransportInput::Connected` or `TransportInput::Closed`.
    Connect(Connect),
    /// Close a connection once what was written to it is on its way.
    Close(FlowId),
    /// A connection's messages are more than one input takes: answered by
    /// [`TransportInput::Again`](sip_transport::TransportInput) in the next turn.
    Again(FlowId),
    /// Ask the resolver; answered by `TransportInput::Resolved`.
    Resolve {
        /// Names the question in the answer.
        route: RouteId,
        /// The question.
        question: Question,
    },
    /// Ask the RTP streams.
    Stream(StreamRequest),
    /// A bound port is not needed after all.
    ReleasePort(u16),
    /// More bound ports are wanted; answered by [`Input::Ports`].
    MorePorts {
        /// How many.
        wanted: usize,
    },
    /// The application must decide.
    Deliver(Delivery),
    /// A command's answer.
    Reply {
        /// The command.
        id: CommandId,
        /// What came of it.
        result: Result<Reply, CommandError>,
    },
}

/// A request to the RTP streams.
#[derive(Debug)]
pub enum StreamRequest {
    /// The stream uses this bound port from now on; comes before its `Open`.
    OpenPort {
        /// The stream.
        stream: StreamId,
        /// Its even RTP port.
        port: u16,
    },
    /// A command of the streams' own.
    Command(StreamCommand),
}

/// What the application must decide about. Lossless: who cannot take one refuses it by a command.
#[derive(Debug)]
pub enum Delivery {
    /// A call; answer with [`Command::Ring`], [`Command::Answer`], [`Command::Reject`] or [`Command::HangUp`].
    Call {
        /// The call.
        session: SessionId,
        /// What is known of it.
        call: Box<IncomingCall>,
    },
    /// A transfer that awaits a decision; answer with [`Command::Decide`].
    Transfer {
        /// The transfer.
        transfer: TransferId,
        /// The call in which it was asked.
        session: SessionId,
        /// Whom we are to call.
        target: UriBuf,
        /// Who asks: unverified.
        referred_by: Option<NameAddrBuf>,
    },
}

/// How one call is made.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// What it sends; the configuration's source where `None`.
    pub source: Option<media_core::Source>,
    /// How long it may ring; the configuration's limit where `None`.
    pub ring_limit: Option<Duration>,
    /// By which registration it goes, as its account; by the first one there is where `None`.
    pub registration: Option<RegistrationId>,
}

/// What the application can ask.
#[derive(Debug)]
pub enum Command {
    /// Places a call; replied with [`Reply::Session`] once the engine has taken it on.
    Call {
        /// The target.
        target: UriBuf,
        /// How.
        options: CallOptions,
    },
    /// Sends 180.
    Ring {
        /// The incoming call.
        session: SessionId,
    },
    /// Accepts an incoming call.
    Answer {
        /// The incoming call.
        session: SessionId,
        /// What it sends; the configuration's source where `None`.
        source: Option<media_core::Source>,
    },
    /// Refuses an incoming call.
    Reject {
        /// The incoming call.
        session: SessionId,
        /// 300 to 699.
        status: StatusCode,
    },
    /// Ends a call; replied once the other side has answered or was given up on.
    HangUp {
        /// The call.
        session: SessionId,
    },
    /// Takes no new calls and begins no new transfers; those that are live go on. Replied at once.
    Drain,
    /// Ends all calls and registrations and takes no new ones, before the engine is stopped; replied at once.
    HangUpAll,
    /// Holds a call; replied with [`Reply::Hold`] when the answer is in force.
    Hold {
        /// The call.
        session: SessionId,
    },
    /// Resumes a call; replied with [`Reply::Hold`] when the answer is in force.
    Resume {
        /// The call.
        session: SessionId,
    },
    /// Moves the other party of a call to a target; replied with [`Reply::Transfer`] once it has begun.
    Blind {
        /// The call.
        session: SessionId,
        /// Where the other party is to go.
        target: UriBuf,
    },
    /// As [`Command::Blind`], with options of its own for the REFER.
    BlindWith {
        /// The call.
        session: SessionId,
        /// Where the other party is to go.
        target: UriBuf,
        /// How the REFER is sent.
        options: Box<ReferOptions>,
    },
    /// Asks a target first, to move the other party of a call to it later; replied with [`Reply::Consultation`] once the
    /// consultation call is placed, which is after the hold.
    Consult {
        /// The call.
        session: SessionId,
        /// Whom to ask.
        target: UriBuf,
        /// How.
        options: AttendedOptions,
        /// When the transfer is completed.
        completion: Completion,
    },
    /// Hands the other party of a call to a target that is told first; replied as [`Command::Consult`] is.
    Warm {
        /// The call.
        session: SessionId,
        /// Who is to take it over.
        target: UriBuf,
        /// How.
        options: Box<WarmOptions>,
    },
    /// The application's word on a warm transfer whose target has answered.
    DecideWarm {
        /// The transfer.
        transfer: TransferId,
        /// Whether the target takes the caller over.
        accept: bool,
    },
    /// Moves the other party of a call to the party of another one; replied with [`Reply::Transfer`] once it has begun.
    /// Where the second call is the consultation of a transfer of the first, that transfer is completed.
    Attended {
        /// The call to the party that is to be moved.
        session: SessionId,
        /// The call to the target.
        consultation: SessionId,
        /// How; a transfer that is completed keeps the options it began with.
        options: AttendedOptions,
    },
    /// The same for a back-to-back user agent, which has the transferor in a third call; it falls back to a bridge. The
    /// transferor's call is not touched, but has to be up.
    AttendedBetween {
        /// The call to the party that wants the transferee moved.
        transferor: SessionId,
        /// The call to the party that is to be moved.
        transferee: SessionId,
        /// The call to the target.
        consultation: SessionId,
    },
    /// Refers the party of a bridged call to the party of the other one; replied with [`Reply::Transfer`] once it has
    /// begun.
    HandOver {
        /// The call.
        session: SessionId,
    },
    /// Completes a transfer whose target is being asked.
    Complete {
        /// The transfer.
        transfer: TransferId,
    },
    /// Turns to the other party while a target is being asked.
    Swap {
        /// The transfer.
        transfer: TransferId,
    },
    /// Lets go of a transfer: hangs up once its REFER is accepted; the outcome is still told.
    Detach {
        /// The transfer.
        transfer: TransferId,
    },
    /// Gives a transfer up; replied when it has ended.
    CancelTransfer {
        /// The transfer.
        transfer: TransferId,
    },
    /// Decides on an incoming transfer.
    Decide {
        /// The transfer.
        transfer: TransferId,
        /// The decision.
        decision: Decision,
    },
    /// A step of a transfer that the application drives itself.
    Manual(ManualCommand),
    /// Lists live transfers: [`Reply::Transfers`].
    ListTransfers,
    /// Lists live calls: [`Reply::Sessions`].
    ListSessions,
    /// Looks a live call up; replied with [`Reply::Session`].
    Find {
        /// The call.
        session: SessionId,
    },
    /// What the signalling knows of a call's media: [`Reply::Media`].
    MediaInfo {
        /// The call.
        session: SessionId,
    },
    /// About the media of a transfer's calls.
    Media(MediaCommand),
    /// About what a call's party says and hears.
    Audio(AudioCommand),
    /// About the accounts that are registered.
    Account(AccountCommand),
}

/// What a command brought.
#[derive(Debug)]
pub enum Reply {
    /// It is done.
    Done,
    /// The call.
    Session(SessionId),
    /// The transfer.
    Transfer(TransferId),
    /// The transfer and the call in which its target is asked.
    Consultation(TransferId, SessionId),
    /// The transfer whose REFER has its final response.
    Stepped(TransferId),
    /// What was decided about that response.
    Decided(ReferDecision),
    /// The NOTIFY that was taken.
    Progress(TransferProgress),
    /// The hold state that is in force.
    Hold(HoldState),
    /// Live transfers.
    Transfers(Vec<TransferInfo>),
    /// Live calls.
    Sessions(Vec<SessionInfo>),
    /// The negotiated media.
    Media(Box<NegotiatedMedia>),
    /// The state of the media of a transfer's calls.
    MediaStates(Vec<(SessionId, SessionMediaState)>),
    /// The registration.
    Registration(RegistrationId),
    /// The binding stands.
    Registered(Box<RegistrationInfo>),
    /// Live registrations.
    Registrations(Vec<RegistrationInfo>),
}

/// Why a command was not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// About a call.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// About a transfer.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// About a registration.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
}

/// Who holds a call, and the direction that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldState {
    /// We hold.
    pub local: bool,
    /// They hold.
    pub remote: bool,
    /// Our negotiated direction.
    pub direction: Direction,
}

/// A live call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// The call.
    pub session: SessionId,
    /// Its state.
    pub state: SessionState,
    /// The other party.
    pub peer: String,
}

/// What the signalling knows of a call's media.
#[derive(Debug, Clone)]
pub struct NegotiatedMedia {
    /// The call's state.
    pub state: SessionState,
    /// The state of its media.
    pub media: SessionMediaState,
    /// Our RTP address; `None` before there is one.
    pub local: Option<SocketAddr>,
    /// What is in force.
    pub agreed: Option<media_core::Agreed>,
    /// We hold.
    pub local_hold: bool,
    /// They hold.
    pub remote_hold: bool,
    /// The stream, where one is open.
    pub stream: Option<StreamId>,
    /// The user's microphone and loudspeaker, where they are on this call.
    pub device: Option<media_core::DeviceId>,
}

/// Sees what passes the engine's boundaries; it cannot change anything. `()` sees nothing and costs nothing.
pub trait Tap {
    /// Something passed.
    fn seen(&mut self, at: Tick, seen: Seen<'_>);
}

impl Tap for () {
    fn seen(&mut self, _at: Tick, _seen: Seen<'_>) {}
}

/// What is seen.
#[non_exhaustive]
pub enum Seen<'a> {
    /// A message arrived.
    Received {
        /// Where from.
        origin: &'a Origin,
        /// The message.
        message: &'a Message,
    },
    /// A message is sent.
    Sent(&'a Sent<'a>),
    /// An event for the bus.
    Event(&'a SessionEvent),
    /// A call takes part in a transfer; told again with events of the transfer.
    TakesPart {
        /// The transfer.
        transfer: TransferId,
        /// The call.
        session: SessionId,
        /// The Call-ID of its messages.
        call_id: &'a str,
        /// The other party.
        peer: &'a str,
    },
    /// A value between two layers.
    Step {
        /// From which layer.
        from: &'static str,
        /// The value.
        value: &'a dyn fmt::Debug,
    },
}

/// What is alive in an engine. An engine at rest has nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Calls.
    pub sessions: usize,
    /// Registrations.
    pub registrations: usize,
    /// Transactions.
    pub transactions: usize,
    /// Legs, dialogs, subscriptions and tombstones.
    pub dialogs: usize,
    /// Transfers, replacements, and stages that were told of transfers.
    pub transfers: usize,
    /// Timers.
    pub timers: usize,
    /// Names that are being looked up.
    pub routes: usize,
    /// RTP ports in use.
    pub ports: usize,
    /// Commands without an answer.
    pub commands: usize,
    /// Transfers whose media is kept together, and warm transfers.
    pub coordinations: usize,
    /// Recordings whose end was not told.
    pub recordings: usize,
}

impl Leftovers {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
