//! Every operation on transfers in every state: it is done, or refused with the state and what it needs, and nothing is
//! changed.

use std::{env, fmt::Write as _, fs, path::Path, time::Duration};

use session_core::{
    AttendedOptions, Completion, Decision, EventKind, ReferTo, SessionError, SessionId, StatusCode,
    TransferError, TransferId, TransferRefusal,
    engine::{Command, CommandError, CommandId, ManualCommand, Reply},
};

use crate::{
    manual::{by_hand, decided, hold, newest, refer, step, target},
    net::{Net, OK},
};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const RINGS: Option<StatusCode> = None;
const SOON: Duration = Duration::from_millis(500);

/// A state by its name, and how a transfer comes to it.
type State = (&'static str, fn() -> Stage);
/// An operation by its name, and what it asks of the engine.
type Operation = (&'static str, fn(&mut Stage) -> Command);

/// A party's call, with the transfer of it that is in some state.
struct Stage {
    net: Net,
    party: usize,
    session: SessionId,
    transfer: TransferId,
}

impl Stage {
    fn call(bob: Option<StatusCode>, carol: Option<StatusCode>) -> Self {
        let mut net = Net::new(&[("alice", OK), ("bob", bob), ("carol", carol)]);
        let session = net.call(ALICE, BOB);
        Self { net, party: ALICE, session, transfer: TransferId::from(0) }
    }

    fn target(&self) -> session_core::UriBuf {
        match target(&self.net, CAROL) {
            ReferTo::Target(target) => target,
            ReferTo::Call(call) => panic!("no target: {call}"),
        }
    }

    /// A transfer that is begun while messages that begin so are lost.
    fn begun(mut self, command: Command, loses: Option<&'static str>) -> Self {
        self.net.loses = loses;
        self.net.ask(self.party, command);
        self.net.run(SOON);
        self.transfer = self.newest_transfer();
        self
    }

    fn blind(carol: Option<StatusCode>, loses: Option<&'static str>) -> Self {
        let stage = Self::call(OK, carol);
        let (session, target) = (stage.session, stage.target());
        stage.begun(Command::Blind { session, target }, loses)
    }

    fn consult(carol: Option<StatusCode>, loses: Option<&'static str>) -> Self {
        let stage = Self::call(OK, carol);
        let (session, target) = (stage.session, stage.target());
        let (options, completion) = (AttendedOptions::default(), Completion::OnCommand);
        stage.begun(Command::Consult { session, target, options, completion }, loses)
    }

    /// Alice has a call that she handles by hand, and holds.
    fn held() -> Self {
        let mut stage = Self::call(OK, RINGS);
        by_hand(&mut stage.net, ALICE, stage.session);
        hold(&mut stage.net, ALICE, stage.session);
        stage
    }

    /// The REFER by hand is answered.
    fn answered() -> Self {
        let mut stage = Self::held();
        let to = target(&stage.net, CAROL);
        stage.transfer = refer(&mut stage.net, ALICE, stage.session, to);
        stage
    }

    fn accepted() -> Self {
        let mut stage = Self::answered();
        decided(&mut stage.net, ALICE, stage.transfer);
        stage
    }

    /// Bob is asked, and handles it by hand.
    fn asked() -> Self {
        let mut stage = Self::call(OK, RINGS);
        let (call, target) = (stage.session, stage.target());
        stage.session = newest(&mut stage.net, BOB);
        by_hand(&mut stage.net, BOB, stage.session);
        stage.net.ask(ALICE, Command::Blind { session: call, target });
        stage.party = BOB;
        stage.transfer = *stage.net.parties[BOB].asked.last().expect("Bob is asked");
        stage
    }

    fn decided(decision: Decision) -> Self {
        let mut stage = Self::asked();
        let transfer = stage.transfer;
        stage.net.ask(BOB, Command::Decide { transfer, decision });
        stage.net.run(Duration::from_millis(100));
        stage
    }

    /// Carol's call that rings.
    fn ringing(&mut self) -> SessionId {
        let mut events = self.net.parties[CAROL].engine.tap().events.iter().rev();
        let call = events.find(|event| matches!(event.kind, EventKind::IncomingCall { .. }));
        call.and_then(|event| event.session).expect("Carol is called")
    }

    fn answer(&mut self) {
        let session = self.ringing();
        self.net.ask(CAROL, Command::Answer { session, source: None });
    }

    fn newest_transfer(&mut self) -> TransferId {
        let mut events = self.net.parties[self.party].engine.tap().events.iter().rev();
        events.find_map(|event| event.transfer).expect("a transfer has begun")
    }

    /// The other call of the transfer; one that is not there where it has none.
    fn consultation(&mut self) -> SessionId {
        let infos = self.transfers();
        infos.first().and_then(|info| info.consultation).unwrap_or(SessionId::from(9999))
    }

    fn transfers(&mut self) -> Vec<session_core::TransferInfo> {
        let list = self.net.ask(self.party, Command::ListTransfers);
        match self.net.reply(self.party, list) {
            Some(Ok(Reply::Transfers(transfers))) => transfers.clone(),
            other => panic!("no list: {other:?}"),
        }
    }

    fn state(&mut self) -> &'static str {
        let transfer = self.transfer;
        self.transfers().iter().find(|info| info.transfer == transfer).map_or("none", |info| info.state)
    }
}

/// The states by the catalogue's names, and whose steps they wait for.
const STATES: &[State] = &[
    ("call not up", || Stage::call(RINGS, RINGS)),
    ("no transfer", || Stage::call(OK, RINGS)),
    ("HoldPrimary", || Stage::consult(RINGS, Some("INVITE"))),
    ("ConsultEarly", || Stage::consult(RINGS, None)),
    ("ConsultTalk", || Stage::consult(OK, None)),
    ("ReferPending", || Stage::blind(RINGS, Some("REFER"))),
    ("Progress", || Stage::blind(RINGS, None)),
    ("Completing", || Stage::blind(OK, Some("BYE"))),
    ("Recovering", recovering),
    ("ended", || {
        let mut stage = Stage::blind(Some(StatusCode::BUSY_HERE), None);
        stage.net.run(Duration::from_secs(5));
        stage
    }),
    ("by hand: not held", || {
        let mut stage = Stage::call(OK, RINGS);
        by_hand(&mut stage.net, ALICE, stage.session);
        stage
    }),
    ("by hand: no transfer", Stage::held),
    ("by hand: ReferAnswered", Stage::answered),
    ("by hand: Accepted", Stage::accepted),
    ("by hand: Succeeded", succeeded),
    ("asked, by hand: Unanswered", Stage::asked),
    ("asked, by hand: Ringing", || Stage::decided(Decision::Accept)),
    ("asked, by hand: Handling", || Stage::decided(Decision::HandleMyself)),
    ("asked, by hand: Connected", || {
        let mut stage = Stage::decided(Decision::Accept);
        stage.answer();
        stage
    }),
    ("asked: Ringing", || {
        let mut stage = Stage::blind(RINGS, None);
        stage.party = BOB;
        stage.session = newest(&mut stage.net, BOB);
        stage.transfer = stage.newest_transfer();
        stage
    }),
];

/// The target has refused, and nobody answers when the party is taken back.
fn recovering() -> Stage {
    let mut stage = Stage::blind(RINGS, None);
    let session = stage.ringing();
    stage.net.loses = Some("INVITE");
    stage.net.ask(CAROL, Command::Reject { session, status: StatusCode::BUSY_HERE });
    stage.net.run(Duration::from_secs(2));
    stage
}

/// The application has taken the NOTIFY of a success.
fn succeeded() -> Stage {
    let mut stage = Stage::accepted();
    let transfer = stage.transfer;
    stage.answer();
    stage.net.run(Duration::from_secs(3));
    while step_notify(&mut stage.net, transfer) != Some(200) {}
    stage
}

fn step_notify(net: &mut Net, transfer: TransferId) -> Option<u16> {
    let id = step(net, ALICE, ManualCommand::TakeNotify { transfer });
    match net.reply(ALICE, id) {
        Some(Ok(Reply::Progress(progress))) => progress.status.map(StatusCode::as_u16),
        other => panic!("no NOTIFY: {other:?}"),
    }
}

const OPERATIONS: &[Operation] = &[
    ("initiate_transfer", |stage| Command::Blind { session: stage.session, target: stage.target() }),
    ("create_consultation_call", |stage| Command::Consult {
        session: stage.session,
        target: stage.target(),
        options: AttendedOptions::default(),
        completion: Completion::OnCommand,
    }),
    ("send_refer_request", |stage| {
        let (to, options) = (target(&stage.net, CAROL), AttendedOptions::default());
        Command::Manual(ManualCommand::SendRefer { session: stage.session, to, refer: None, options })
    }),
    ("process_refer_response", |stage| {
        Command::Manual(ManualCommand::ProcessResponse { transfer: stage.transfer })
    }),
    ("handle_transfer_notify", |stage| {
        Command::Manual(ManualCommand::TakeNotify { transfer: stage.transfer })
    }),
    ("complete_attended_transfer", |stage| Command::Attended {
        session: stage.session,
        consultation: stage.consultation(),
        options: AttendedOptions::default(),
    }),
    ("complete", |stage| Command::Complete { transfer: stage.transfer }),
    ("swap", |stage| Command::Swap { transfer: stage.transfer }),
    ("accept (warm)", |stage| Command::DecideWarm { transfer: stage.transfer, accept: true }),
    ("detach", |stage| Command::Detach { transfer: stage.transfer }),
    ("cancel_transfer", |stage| Command::CancelTransfer { transfer: stage.transfer }),
    ("terminate_transferor_session", |stage| {
        let (session, transfer) = (stage.session, stage.transfer);
        Command::Manual(ManualCommand::Terminate { session, transfer })
    }),
    ("handle_refer_request", |stage| Command::Decide {
        transfer: stage.transfer,
        decision: Decision::HandleMyself,
    }),
    ("send_refer_accepted_response", |stage| {
        Command::Manual(ManualCommand::AcceptRefer { transfer: stage.transfer })
    }),
    ("send_transfer_notify: Progress", |stage| report(stage, StatusCode::RINGING, false)),
    ("send_transfer_notify: Final", |stage| report(stage, StatusCode::OK, true)),
];

fn report(stage: &Stage, status: StatusCode, last: bool) -> Command {
    Command::Manual(ManualCommand::Notify { transfer: stage.transfer, status, last })
}

/// What an operation was answered with.
fn answer(stage: &Stage, id: CommandId) -> String {
    match stage.net.reply(stage.party, id) {
        None => "waits".to_owned(),
        Some(Ok(_)) => "done".to_owned(),
        Some(Err(
            CommandError::Session(SessionError::WrongState { state, wanted })
            | CommandError::Transfer(TransferError::Session(SessionError::WrongState { state, wanted })),
        )) => format!("in {state:?}, needs {wanted:?}"),
        Some(Err(CommandError::Transfer(TransferError::WrongState { state, wanted }))) => {
            format!("in {state}, needs {wanted}")
        }
        Some(Err(CommandError::Transfer(TransferError::Refused(
            refusal @ (TransferRefusal::UnknownTransfer | TransferRefusal::OtherCall),
        )))) => refusal.to_string(),
        Some(Err(CommandError::Transfer(TransferError::Session(SessionError::Unknown)))) => {
            SessionError::Unknown.to_string()
        }
        Some(Err(other)) => panic!("neither done nor a wrong state: {other:?}"),
    }
}

#[test]
fn an_operation_in_a_wrong_state_is_refused_with_the_state_and_what_it_needs_and_changes_nothing() {
    let mut table = String::from("# state | operation | answer\n");
    for (state, stage) in STATES {
        for (operation, command) in OPERATIONS {
            let mut stage = stage();
            let command = command(&mut stage);
            let before = (stage.state(), stage.net.sent(stage.party).len());
            let id = stage.net.ask(stage.party, command);
            let answer = answer(&stage, id);
            if !matches!(&*answer, "done" | "waits") {
                let after = (stage.state(), stage.net.sent(stage.party).len());
                assert_eq!(after, before, "{state}, {operation}: {answer}");
            }
            let _ = writeln!(table, "{state} | {operation} | {answer}");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/wrong_states.txt");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &table).expect("the table can be written");
    }
    let golden = fs::read_to_string(&path).expect("UPDATE_SNAPSHOTS=1 writes it");
    let first = table.lines().zip(golden.lines()).find(|(now, then)| now != then);
    assert!(table == golden, "{first:?}: {} is out of date; UPDATE_SNAPSHOTS=1 writes it", path.display());
}

#[test]
fn sixteen_wait_for_the_end_of_a_transfer_that_they_cancel_and_no_more() {
    let mut stage = recovering();
    let transfer = stage.transfer;
    let waiting: Vec<CommandId> =
        (0..16).map(|_| stage.net.ask(ALICE, Command::CancelTransfer { transfer })).collect();
    let beyond = stage.net.ask(ALICE, Command::CancelTransfer { transfer });
    assert!(matches!(stage.net.reply(ALICE, beyond), Some(Err(CommandError::Session(SessionError::Busy)))));
    assert!(waiting.iter().all(|id| stage.net.reply(ALICE, *id).is_none()));
    stage.net.loses = None;
    stage.net.run(Duration::from_secs(10));
    assert!(waiting.iter().all(|id| matches!(stage.net.reply(ALICE, *id), Some(Ok(Reply::Done)))));
}
