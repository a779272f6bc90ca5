//! Whole calls through two engines: each turn is INVITE, 180, 200, ACK, BYE, 200 beside so many calls that stay up.

use std::time::Duration;

use session_core::{
    SessionId, SessionTimers,
    engine::{CallOptions, Command},
};
use sip_message::UriBuf;

use crate::exchange::{Exchange, FORGOTTEN};

/// The number of the caller's engine.
const CALLER: usize = 0;

/// The number of the callee's.
const CALLEE: usize = 1;

/// The time from call to call while those come up that stay.
const BETWEEN: Duration = Duration::from_millis(10);

/// Two engines and the calls between them.
pub struct Rig {
    engines: Exchange<2>,
    target: UriBuf,
}

impl Rig {
    /// Makes a rig in which so many calls are up. `None` where one of them does not come up.
    pub fn new(alive: u32) -> Option<Self> {
        let engines = Exchange::new(|config| {
            config.max_calls = alive as usize + 16;
            // The calls that are up are idle; their refreshes would be counted with the one that comes and goes.
            config.session_timers = SessionTimers::Off;
        })?;
        let mut rig = Self { engines, target: Exchange::<2>::uri(CALLEE)? };
        for _ in 0..alive {
            rig.call()?;
            // So that what the calls before have left behind below does not fill the tables.
            rig.engines.pass(BETWEEN);
        }
        rig.engines.pass(FORGOTTEN);
        Some(rig)
    }

    /// One whole call, until nothing of it is left; tells whether it went as it should.
    pub fn turn(&mut self) -> bool {
        let ended = self.engines.ended();
        let Some(session) = self.call() else { return false };
        self.engines.command(CALLER, Command::HangUp { session });
        self.engines.pass(FORGOTTEN);
        self.engines.ended() == ended.map(|before| before + 1)
    }

    /// Calls that are alive in the caller's engine.
    pub fn alive(&self) -> usize {
        self.engines.engine(CALLER).leftovers().sessions
    }

    fn call(&mut self) -> Option<SessionId> {
        for number in [CALLER, CALLEE] {
            self.engines.told(number).up = None;
        }
        let call = Command::Call { target: self.target.clone(), options: CallOptions::default() };
        self.engines.command(CALLER, call);
        self.engines.told(CALLEE).up.and(self.engines.told(CALLER).up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_and_go_beside_those_that_stay_up() {
        let mut rig = Rig::new(10).expect("ten calls come up");
        assert_eq!(rig.alive(), 10);
        assert!((0..20).all(|_| rig.turn()));
        assert_eq!(rig.alive(), 10);
    }
}
