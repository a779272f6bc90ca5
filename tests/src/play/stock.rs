//! What calls there are when everybody hangs up, as the engines themselves say.

use media_core::Direction;
use session_core::{
    SessionId, SessionState,
    engine::{Command, Output, Reply},
};

use super::{Player, known::name_in};
use crate::world::{News, Told};

/// A call that is up when everybody hangs up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallAtEnd {
    /// The call.
    pub session: SessionId,
    /// The other party's name.
    pub peer: String,
    /// Our direction in force.
    pub direction: Option<Direction>,
    /// We hold.
    pub local_hold: bool,
    /// They hold.
    pub remote_hold: bool,
}

impl CallAtEnd {
    /// Whether both sides hear each other.
    pub fn is_two_way(&self) -> bool {
        self.direction == Some(Direction::SendRecv)
    }
}

impl Player<'_> {
    /// Asks every engine for its calls that are up.
    pub(super) fn take_stock(&mut self) -> Vec<Vec<CallAtEnd>> {
        (0..self.known.len()).map(|party| self.calls_of(party)).collect()
    }

    fn calls_of(&mut self, party: usize) -> Vec<CallAtEnd> {
        if self.scenario.parties[party].is_scripted() {
            return Vec::new();
        }
        let Some(Reply::Sessions(sessions)) = self.inquire(party, Command::ListSessions) else {
            return Vec::new();
        };
        let up = sessions.into_iter().filter(|session| session.state == SessionState::Established);
        let up: Vec<_> = up.map(|info| (info.session, name_in(&info.peer).to_owned())).collect();
        let mut calls = Vec::new();
        for (session, peer) in up {
            let media = self.inquire(party, Command::MediaInfo { session });
            let Some(Reply::Media(media)) = media else { continue };
            calls.push(CallAtEnd {
                session,
                peer,
                direction: media.agreed.map(|agreed| agreed.direction),
                local_hold: media.local_hold,
                remote_hold: media.remote_hold,
            });
        }
        calls
    }

    /// What goes on in a party that is neither a call that is up nor nothing.
    pub(super) fn unsettled(&mut self, party: usize) -> Vec<String> {
        let name = &self.scenario.parties[party].name;
        let mut found = Vec::new();
        if let Some(Reply::Sessions(sessions)) = self.inquire(party, Command::ListSessions) {
            let others = sessions.into_iter().filter(|info| info.state != SessionState::Established);
            found.extend(others.map(|info| format!("{name}: {} is still {:?}", info.session, info.state)));
        }
        if let Some(Reply::Transfers(transfers)) = self.inquire(party, Command::ListTransfers) {
            found.extend(
                transfers.iter().map(|info| format!("{name}: {} is still {}", info.transfer, info.state)),
            );
        }
        found
    }

    /// Gives a command that changes nothing and is answered at once.
    fn inquire(&mut self, party: usize, command: Command) -> Option<Reply> {
        let asked = self.world.command(party, command);
        while let Some(news) = self.world.news() {
            match news {
                News { what: Told::Output(Output::Reply { id, result }), .. } if id == asked => {
                    return result.ok();
                }
                news => self.told(news),
            }
        }
        None
    }
}
