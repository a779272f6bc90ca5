//! The pump's turns: what is due, then commands, then packets; and sleep until there is more.

#![expect(clippy::disallowed_types, reason = "the pump is where the real clock is read")]
#![expect(clippy::disallowed_methods, reason = "the pump is where the real clock is read")]

use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::alarm::Alarm;
use super::core::{Core, Left};
use super::handle::PumpCommand;
use super::pump::Stop;

/// Something else than a socket has news.
pub(super) const WAKE: Token = Token(usize::MAX);
/// Something is due.
pub(super) const ALARM: Token = Token(usize::MAX - 1);
/// The sockets that a poll tells of at a time.
const EVENTS: usize = 1_024;
/// The datagrams of one socket that are taken in one go before others have their turn.
const BATCH: usize = 32;
/// The commands that are taken in one go: less than a millisecond's work, and as many as let a pump that has hardly time for its
/// packets still answer.
const COMMANDS: usize = 128;
/// How soon answers that found no room are offered again.
const BACKLOG: Duration = Duration::from_millis(5);
/// How long the last summaries may wait for their reader at the end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs until the pump is stopped or every handle is gone.
pub(super) fn run(
    mut core: Core,
    mut poll: Poll,
    mut alarm: Alarm,
    mut commands: mpsc::Receiver<PumpCommand>,
    stop: &Stop,
) {
    let mut events = Events::with_capacity(EVENTS);
    // Each once: a socket that never runs dry is told again with every packet.
    let mut unread: Vec<Token> = Vec::new();
    while !stop.is_asked() {
        core.tick();
        core.hear_of_recordings();
        core.answers.offer();
        let Some(more) = take_commands(&mut core, &mut commands) else { break };
        let waiting = core.answers.has_backlog().then(|| Instant::now() + BACKLOG);
        let deadline = [core.next_deadline(), waiting].into_iter().flatten().min();
        let now = Instant::now();
        let busy = more || !unread.is_empty() || deadline.is_some_and(|deadline| deadline <= now);
        let wait = if busy { Some(Duration::ZERO) } else { alarm.set(now, deadline) };
        // What interrupts a poll is looked at in the next turn.
        if poll.poll(&mut events, wait).is_ok() {
            unread.extend(
                events.iter().map(mio::event::Event::token).filter(|token| !matches!(*token, WAKE | ALARM)),
            );
            unread.sort_unstable();
            unread.dedup();
        }
        unread.retain(|token| (0..BATCH).all(|_| core.read(*token) == Left::Perhaps));
    }
    core.close();
    let until = Instant::now() + LAST_WORDS;
    while core.answers.has_backlog() && core.answers.has_reader() && Instant::now() < until {
        core.answers.offer();
        std::thread::sleep(BACKLOG);
    }
}

/// Carries out what was asked. Returns whether there may be more, and nothing when all who can ask are gone.
fn take_commands(core: &mut Core, commands: &mut mpsc::Receiver<PumpCommand>) -> Option<bool> {
    for _ in 0..COMMANDS {
        // Each command may have two answers; without room for them it waits.
        if core.answers.is_full() {
            return Some(false);
        }
        match commands.try_recv() {
            Ok(command) => core.carry_out(command),
            Err(TryRecvError::Empty) => return Some(false),
            Err(TryRecvError::Disconnected) => return None,
        }
    }
    Some(true)
}
