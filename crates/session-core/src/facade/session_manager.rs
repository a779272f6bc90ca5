//! The session manager: one user agent, its calls and its transfers.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use event_bus::{Bus, Overflow, SubscribeError, SubscribeOptions, Subscriber};
use media_core::{PumpHandle, RecordingId};
use sip_message::UriBuf;
use sip_transport::Transport;
use tokio::sync::{mpsc, oneshot};
use transfer::{AttendedOptions, Completion, ReferOptions, TransferId};

use super::{
    builder::Builder, consultation::Consultation, event_filter::EventFilter, session::Session,
    transfer::Transfer,
};
use crate::{
    driver::{Answer, Answered, EventCounters, Request, Tally},
    engine::{CallOptions, Command, CommandError, HoldState, Reply, SessionInfo, TransferInfo, WarmOptions},
    error::{RecoveryAction, SessionError, TransferError},
    event::{SessionEvent, SessionId},
    report::TransferReport,
};

/// Events that wait for a subscriber by default.
const EVENTS: usize = 4096;

/// Which kind of transfer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferType {
    /// The target is not asked first.
    Blind,
    /// The target is called first; as soon as it has answered, the transfer is completed.
    Attended,
    /// The target is called first; the transfer is completed on command.
    Consultative,
}

/// Why events cannot be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// [`Overflow::Block`] would let an observer stop the engine; choose another policy.
    #[error("an observer may not block the engine")]
    Blocking,
    /// The bus refuses.
    #[error(transparent)]
    Subscribe(SubscribeError),
}

impl EventsError {
    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::Blocking | Self::Subscribe(SubscribeError::Capacity { .. }) => RecoveryAction::FixInput,
            Self::Subscribe(_) => RecoveryAction::RetryLater,
        }
    }
}

/// One user agent. Cheap to clone; when the last handle is gone, its calls are ended.
#[derive(Debug, Clone)]
pub struct SessionManager {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    requests: mpsc::Sender<Request>,
    bus: Bus<SessionEvent>,
    tally: Arc<Tally>,
    pump: Option<PumpHandle>,
    locals: Vec<(Transport, SocketAddr)>,
    /// Recordings begun so far.
    recordings: AtomicU64,
}

impl SessionManager {
    /// Sets one up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn new(
        requests: mpsc::Sender<Request>,
        bus: Bus<SessionEvent>,
        tally: Arc<Tally>,
        pump: Option<PumpHandle>,
        locals: Vec<(Transport, SocketAddr)>,
    ) -> Self {
        let recordings = AtomicU64::new(0);
        Self { inner: Arc::new(Inner { requests, bus, tally, pump, locals, recordings }) }
    }

    /// The addresses it listens on.
    pub fn local_addresses(&self) -> Vec<(Transport, SocketAddr)> {
        self.inner.locals.clone()
    }

    /// Calls a `sip:` URI. Returns once the call has begun; [`Session::established`] waits for its answer.
    pub async fn call(&self, target: &str) -> Result<Session, SessionError> {
        self.call_with(target, CallOptions::default()).await
    }

    /// Calls a `sip:` URI with settings of its own.
    pub async fn call_with(&self, target: &str, options: CallOptions) -> Result<Session, SessionError> {
        let target: UriBuf = target.parse().map_err(|_| SessionError::Target(target.to_owned()))?;
        self.handle(Command::Call { target, options }).await
    }

    /// A handle to a live call; for one that came of a transfer, whose id only the events tell.
    pub async fn session(&self, session: &SessionId) -> Result<Session, SessionError> {
        self.handle(Command::Find { session: *session }).await
    }

    /// Subscribes to all events. A subscriber that falls behind loses the oldest and is told how many.
    pub fn subscribe(&self) -> Result<Subscriber<SessionEvent>, EventsError> {
        self.subscribe_with(EVENTS, Overflow::DropOldest, |_| true)
    }

    /// Subscribes to the events of one call, one transfer or some kinds; otherwise as [`subscribe`](Self::subscribe).
    pub fn subscribe_to(&self, filter: EventFilter) -> Result<Subscriber<SessionEvent>, EventsError> {
        self.subscribe_with(EVENTS, Overflow::DropOldest, move |event| filter.wants(event))
    }

    /// Subscribes to the events that a filter wants, asked before anybody is woken. [`Overflow::Block`] is refused: an
    /// observer never stops the engine. The filter runs in the engine's thread and should be a comparison or two; an event
    /// that it panics at is not wanted, and counted in [`event_counters`](Self::event_counters).
    pub fn subscribe_with(
        &self,
        capacity: usize,
        overflow: Overflow,
        wants: impl Fn(&SessionEvent) -> bool + Send + Sync + 'static,
    ) -> Result<Subscriber<SessionEvent>, EventsError> {
        if overflow == Overflow::Block {
            return Err(EventsError::Blocking);
        }
        let tally = Arc::clone(&self.inner.tally);
        let guarded = move |event: &SessionEvent| {
            catch_unwind(AssertUnwindSafe(|| wants(event))).unwrap_or_else(|_panic| {
                tally.filter_panicked();
                false
            })
        };
        let options = SubscribeOptions::with_capacity(capacity).overflow(overflow).filter(guarded);
        self.inner.bus.subscribe(options).map_err(EventsError::Subscribe)
    }

    /// Counts what became of events: a subscriber that is stuck is seen by what is lost.
    pub fn event_counters(&self) -> EventCounters {
        self.inner.tally.counters(self.inner.bus.subscribers())
    }

    /// Lists live calls.
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, SessionError> {
        match self.ask(Command::ListSessions).await {
            Ok(Answered::Reply(Reply::Sessions(sessions))) => Ok(sessions),
            Ok(_) => Err(SessionError::Closed),
            Err(error) => Err(session_error(error)),
        }
    }

    /// Ends all calls and takes all registrations back, waits for the other sides' answers for some seconds, and stops.
    pub async fn shutdown(&self) {
        let (done, stopped) = oneshot::channel();
        if self.inner.requests.send(Request::Shutdown { done }).await.is_ok() {
            // An error means that it has stopped already.
            stopped.await.unwrap_or_default();
        }
    }

    /// Takes no new calls and begins no new transfers, lets those that are live finish, for as long as the limit at most, and
    /// then does what [`shutdown`](Self::shutdown) does. Calls that come in meanwhile are refused with 503.
    pub async fn drain(&self, limit: Duration) {
        let (done, stopped) = oneshot::channel();
        if self.inner.requests.send(Request::Drain { limit, done }).await.is_ok() {
            // An error means that it has stopped already.
            stopped.await.unwrap_or_default();
        }
    }

    /// The report of a transfer that has ended, ours or one asked of us: of the last [`Reporter::KEPT`] transfers, or as
    /// [`Builder::transfer_reports`] says; otherwise [`TransferError::NoReport`].
    ///
    /// [`Reporter::KEPT`]: crate::report::Reporter::KEPT
    pub async fn transfer_report(&self, transfer: &TransferId) -> Result<Arc<TransferReport>, TransferError> {
        let (reply, answer) = oneshot::channel();
        let closed = || TransferError::Session(SessionError::Closed);
        let request = Request::Report { transfer: *transfer, reply };
        self.inner.requests.send(request).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?.ok_or(TransferError::NoReport)
    }

    // The operations by their names.

    // An operation in a state in which it is not legal changes nothing and returns `WrongState`, with the state and what is
    // needed: of the call `SessionError::WrongState`, of the transfer `TransferError::WrongState`.

    /// Moves the other party of a call to a target: hold, REFER, progress, BYE; or recovery (RFC 3515, RFC 5589 §6, §7).
    /// Returns once the engine has begun: blind at once, otherwise when the target that is asked first is being called, which is
    /// after the hold.
    ///
    /// # Errors
    ///
    /// [`SessionError::WrongState`] if the call is not up; [`TransferError::WrongState`], which needs `Idle`, while a transfer
    /// moves it or its party has asked for one (TR-066); [`SessionError::Target`] for a text that is no URI, and
    /// [`TransferError::Refused`] for a target or a peer with which it cannot be done: its
    /// [`TransferRefusal`](transfer::TransferRefusal) says why. [`TransferError::Ended`] if a transfer ended before the target
    /// was called.
    pub async fn initiate_transfer(
        &self,
        session: &SessionId,
        target: &str,
        kind: TransferType,
    ) -> Result<TransferId, TransferError> {
        match kind {
            TransferType::Blind => self.blind(*session, target).await.map(|transfer| transfer.id()),
            TransferType::Attended | TransferType::Consultative => {
                let completion = match kind {
                    TransferType::Attended => Completion::OnAnswer,
                    TransferType::Blind | TransferType::Consultative => Completion::OnCommand,
                };
                let options = AttendedOptions::default();
                self.consult(*session, target, options, completion)
                    .await
                    .map(|consultation| consultation.id())
            }
        }
    }

    /// Holds a call and calls a target to ask it first. Returns when the INVITE to the target is sent; its answer comes as
    /// an event. [`complete_attended_transfer`](Self::complete_attended_transfer) goes on from there,
    /// [`cancel_transfer`](Self::cancel_transfer) gives up; the transfer's id stands in
    /// [`get_sessions_with_transfers`](Self::get_sessions_with_transfers) and in every event. Its errors are those of
    /// [`initiate_transfer`](Self::initiate_transfer), and [`SessionError::TooManyCalls`].
    pub async fn create_consultation_call(
        &self,
        session: &SessionId,
        target: &str,
    ) -> Result<SessionId, TransferError> {
        let options = AttendedOptions::default();
        let consultation = self.consult(*session, target, options, Completion::OnCommand).await?;
        Ok(consultation.call().id())
    }

    /// Moves the transferee to the party of the consultation call. Returns when the final outcome is known.
    ///
    /// A user agent holds two calls: `transferor` and `transferee` are then the same one, the call to the party that is to
    /// be moved. Three phases: both calls are held; REFER with Replaces, until the outcome is known; BYE. A failure in any
    /// of them takes both calls back to what they were, or, where the consultation call was made for this transfer, gives
    /// the first party back and keeps the target on hold; the error is then [`TransferError::Ended`] with the outcome.
    ///
    /// Its media is coordinated for as long: [`setup_transfer_media_coordination`](Self::setup_transfer_media_coordination)
    /// before anything is sent, a [`MediaMonitored`](crate::EventKind::MediaMonitored) event for each call at the end.
    ///
    /// A back-to-back user agent holds three calls, with the transferor in one of its own. The transferee and the target
    /// are then re-paired, by REFER with Replaces where the peers take it, otherwise bridged here ([`Fallback::Bridge`](transfer::Fallback));
    /// then the transferor's call is ended, and its end is waited for. It is not touched before that, so that a failure leaves
    /// all three calls as they were.
    ///
    /// The engine carries out all of it: dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError::WrongState`] if a call is not up; [`TransferError::WrongState`] if one is being moved otherwise, or the
    /// consultation cannot be completed now (see [`Consultation::complete`]);
    /// [`SameCall`](transfer::TransferRefusal::SameCall), [`NoReplaces`](transfer::TransferRefusal::NoReplaces) and others of
    /// [`TransferError::Refused`]: nothing was sent then. [`TransferError::Ended`] with the outcome of a transfer that failed.
    pub async fn complete_attended_transfer(
        &self,
        transferor: &SessionId,
        transferee: &SessionId,
        consultation: &SessionId,
    ) -> Result<TransferId, TransferError> {
        if transferor != transferee {
            return self.complete_between(*transferor, *transferee, *consultation).await;
        }
        self.attended(*transferee, *consultation, AttendedOptions::default()).await?.succeeded().await
    }

    /// Gives a transfer up (TR-177). Returns when the held call is two-way again, or is gone.
    ///
    /// Before the REFER nothing is sent of it; after its 2xx the subscription is ended by SUBSCRIBE with Expires 0 (RFC 6665
    /// §4.1.2.3), which does not call the INVITE back that the peer may have sent. A consultation call that was placed for the
    /// transfer is cancelled or ended. Where the party is being taken back already, whatever for, its end is waited for. A
    /// transfer that is asked of us is withdrawn from: the new call is cancelled, and 487 reported.
    ///
    /// # Errors
    ///
    /// [`TransferError::WrongState`] when the party was moved or has hung up, was let go of, or the new call is up;
    /// [`UnknownTransfer`](transfer::TransferRefusal::UnknownTransfer) when it has ended; [`SessionError::Busy`] if more than 16
    /// wait for the same.
    pub async fn cancel_transfer(&self, transfer: &TransferId) -> Result<(), TransferError> {
        self.ask(Command::CancelTransfer { transfer: *transfer }).await.map(drop).map_err(transfer_error)
    }

    /// Lists live transfers, ours and those that are asked of us, as their events have told of them: the stage, the state by its
    /// name in the catalogue's tables, role, kind, calls, last status and age. Legal at any time.
    pub async fn get_sessions_with_transfers(&self) -> Result<Vec<TransferInfo>, TransferError> {
        match self.ask(Command::ListTransfers).await {
            Ok(Answered::Reply(Reply::Transfers(transfers))) => Ok(transfers),
            Ok(_) => Err(SessionError::Closed.into()),
            Err(error) => Err(transfer_error(error)),
        }
    }

    pub(super) async fn blind(&self, session: SessionId, target: &str) -> Result<Transfer, TransferError> {
        let target: UriBuf = target.parse().map_err(|_| SessionError::Target(target.to_owned()))?;
        self.begin(Command::Blind { session, target }).await
    }

    pub(super) async fn blind_with(
        &self,
        session: SessionId,
        target: &str,
        options: ReferOptions,
    ) -> Result<Transfer, TransferError> {
        let target: UriBuf = target.parse().map_err(|_| SessionError::Target(target.to_owned()))?;
        self.begin(Command::BlindWith { session, target, options: Box::new(options) }).await
    }

    pub(super) async fn detach(&self, transfer: TransferId) -> Result<(), TransferError> {
        self.ask(Command::Detach { transfer }).await.map(drop).map_err(transfer_error)
    }

    pub(super) async fn attended(
        &self,
        session: SessionId,
        consultation: SessionId,
        options: AttendedOptions,
    ) -> Result<Transfer, TransferError> {
        self.begin(Command::Attended { session, consultation, options }).await
    }

    pub(super) async fn consult(
        &self,
        session: SessionId,
        target: &str,
        options: AttendedOptions,
        completion: Completion,
    ) -> Result<Consultation, TransferError> {
        let target: UriBuf = target.parse().map_err(|_| SessionError::Target(target.to_owned()))?;
        self.consulting(Command::Consult { session, target, options, completion }).await
    }

    pub(super) async fn warm(
        &self,
        session: SessionId,
        target: &str,
        options: WarmOptions,
    ) -> Result<Consultation, TransferError> {
        let target: UriBuf = target.parse().map_err(|_| SessionError::Target(target.to_owned()))?;
        self.consulting(Command::Warm { session, target, options: Box::new(options) }).await
    }

    /// A command that is replied with the call in which the target is asked.
    async fn consulting(&self, command: Command) -> Result<Consultation, TransferError> {
        match self.ask(command).await {
            Ok(Answered::Consultation(id, watch, call, status)) => Ok(Consultation::new(
                self.clone(),
                Session::new(self.clone(), call, status),
                Transfer::new(self.clone(), id, watch),
            )),
            Ok(_) => Err(SessionError::Closed.into()),
            Err(error) => Err(transfer_error(error)),
        }
    }

    pub(super) async fn complete(&self, transfer: TransferId) -> Result<(), TransferError> {
        self.ask(Command::Complete { transfer }).await.map(drop).map_err(transfer_error)
    }

    pub(super) async fn swap(&self, transfer: TransferId) -> Result<(), TransferError> {
        self.ask(Command::Swap { transfer }).await.map(drop).map_err(transfer_error)
    }

    pub(super) async fn hang_up(&self, session: SessionId) -> Result<(), SessionError> {
        self.done(Command::HangUp { session }).await
    }

    /// The handle that a command is replied with.
    async fn handle(&self, command: Command) -> Result<Session, SessionError> {
        match self.ask(command).await {
            Ok(Answered::Session(id, status)) => Ok(Session::new(self.clone(), id, status)),
            Ok(_) => Err(SessionError::Closed),
            Err(error) => Err(session_error(error)),
        }
    }

    pub(super) async fn change_hold(
        &self,
        session: SessionId,
        held: bool,
    ) -> Result<HoldState, SessionError> {
        let command = if held { Command::Hold { session } } else { Command::Resume { session } };
        match self.ask(command).await {
            Ok(Answered::Reply(Reply::Hold(state))) => Ok(state),
            Ok(_) => Err(SessionError::Closed),
            Err(error) => Err(session_error(error)),
        }
    }

    pub(super) async fn done(&self, command: Command) -> Result<(), SessionError> {
        self.ask(command).await.map(drop).map_err(session_error)
    }

    pub(super) fn mint_recording(&self) -> RecordingId {
        RecordingId(self.inner.recordings.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn pump(&self) -> Option<&PumpHandle> {
        self.inner.pump.as_ref()
    }

    pub(super) async fn ask(&self, command: Command) -> Answer {
        ask(&self.inner.requests, command).await
    }
}

/// Asks the driver; an engine that is gone is a closed manager.
pub(super) async fn ask(requests: &mpsc::Sender<Request>, command: Command) -> Answer {
    let (reply, answer) = oneshot::channel();
    let closed = || CommandError::Session(SessionError::Closed);
    requests.send(Request::Command { command, reply }).await.map_err(|_| closed())?;
    answer.await.map_err(|_| closed())?
}

pub(super) fn session_error(error: CommandError) -> SessionError {
    match error {
        CommandError::Session(error) | CommandError::Transfer(TransferError::Session(error)) => error,
        CommandError::Transfer(
            TransferError::Refused(_)
            | TransferError::WrongState { .. }
            | TransferError::Ended(_)
            | TransferError::NoReport,
        )
        | CommandError::Registration(_) => SessionError::Unknown,
    }
}

pub(super) fn transfer_error(error: CommandError) -> TransferError {
    match error {
        CommandError::Session(error) => TransferError::Session(error),
        CommandError::Transfer(error) => error,
        CommandError::Registration(_) => TransferError::Session(SessionError::Unknown),
    }
}
