//! Whole transfers through three engines that go on from one to the next: each turn is a call of Alice's to Bob, its transfer to
//! Carol, and the end of the call that comes of it.

use session_core::{
    SessionId,
    engine::{CallOptions, Command},
};
use sip_message::UriBuf;
use transfer::{AttendedOptions, ReferPolicy};

use crate::exchange::{Exchange, FORGOTTEN};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// The kinds, by their names.
pub const KINDS: [(&str, Kind); 2] = [("blind", Kind::Blind), ("attended", Kind::Attended)];

/// How Bob is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Carol knows nothing of it.
    Blind,
    /// Alice has called Carol before.
    Attended,
}

/// Three engines.
pub struct Rig {
    engines: Exchange<3>,
    bob: UriBuf,
    carol: UriBuf,
    kind: Kind,
}

impl Rig {
    /// Makes engines at rest. `None` where one cannot be made.
    pub fn new(kind: Kind) -> Option<Self> {
        let network = "192.0.2.0/24".parse().ok()?;
        let engines = Exchange::new(|config| {
            config.policy.refer = ReferPolicy::Allow;
            config.policy.targets.networks.push(network);
            // One party asks for all of them.
            config.policy.referred.rate = None;
        })?;
        Some(Self { engines, bob: Exchange::<3>::uri(BOB)?, carol: Exchange::<3>::uri(CAROL)?, kind })
    }

    /// One whole transfer, until nothing of it is left; tells whether it went as it should.
    pub fn turn(&mut self) -> bool {
        self.transfer().is_some() && [ALICE, BOB, CAROL].iter().all(|number| self.is_at_rest(*number))
    }

    fn transfer(&mut self) -> Option<()> {
        let (ended, moved) = (self.engines.ended(), self.engines.told(ALICE).moved);
        let session = self.call(self.bob.clone())?;
        let calls = match self.kind {
            Kind::Blind => {
                self.engines.command(ALICE, Command::Blind { session, target: self.carol.clone() });
                [1, 2, 1]
            }
            Kind::Attended => {
                let consultation = self.call(self.carol.clone())?;
                let options = AttendedOptions::default();
                self.engines.command(ALICE, Command::Attended { session, consultation, options });
                [2, 2, 2]
            }
        };
        let session = self.engines.told(BOB).up.filter(|_| self.engines.told(ALICE).moved == moved + 1)?;
        self.engines.command(BOB, Command::HangUp { session });
        self.engines.pass(FORGOTTEN);
        let expected: [u64; 3] = std::array::from_fn(|number| ended[number] + calls[number]);
        (self.engines.ended() == expected).then_some(())
    }

    fn call(&mut self, target: UriBuf) -> Option<SessionId> {
        self.engines.told(ALICE).up = None;
        self.engines.command(ALICE, Command::Call { target, options: CallOptions::default() });
        self.engines.told(ALICE).up
    }

    fn is_at_rest(&self, number: usize) -> bool {
        self.engines.engine(number).leftovers().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_follow_each_other_and_leave_nothing() {
        for (name, kind) in KINDS {
            let mut rig = Rig::new(kind).expect("three engines");
            assert!((0..20).all(|_| rig.turn()), "{name}");
        }
    }
}
