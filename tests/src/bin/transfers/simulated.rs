//! Transfers through three engines in virtual time.

use patchcord_tests::{
    moves::{KINDS, Kind, Rig},
    play,
    scenario::Scenario,
};

use crate::{Failure, cpu};

/// Always the same, so that every transfer does the same.
const SEED: u64 = 1;

/// A call, its transfer with hold, the new call, and its end.
const fn scenario(kind: Kind) -> &'static str {
    match kind {
        Kind::Blind => {
            "title blind\nparty alice\nparty bob answers\nparty carol answers\nat 0s alice call bob\n\
             on alice established 1 after 1s alice blind carol\nend 100s\n"
        }
        Kind::Attended => {
            "title attended\nparty alice\nparty bob answers\nparty carol answers\nat 0s alice call bob\n\
             on alice established 1 after 1s alice call carol\n\
             on alice established 2 after 1s alice attended bob carol\nend 100s\n"
        }
    }
}

pub(crate) fn print(count: u64, rounds: u32) -> Result<(), Failure> {
    println!("| simulated | µs of CPU a transfer | transfers a second of CPU |\n| --- | --- | --- |");
    for (name, kind) in KINDS {
        let scenario = Scenario::parse(scenario(kind))?;
        let mut in_a_world = || play::play_unobserved(&scenario, SEED) > 0;
        row(&format!("{name}, in a world of its own"), count, rounds, &mut in_a_world)?;
        let mut rig = Rig::new(kind).ok_or(Failure::Rig)?;
        row(&format!("{name}, through engines that go on"), count, rounds, &mut || rig.turn())?;
    }
    Ok(())
}

fn row(name: &str, count: u64, rounds: u32, turn: &mut dyn FnMut() -> bool) -> Result<(), Failure> {
    let mut cheapest = f64::INFINITY;
    for _ in 0..rounds {
        let start = cpu();
        for _ in 0..count {
            if !turn() {
                return Err(Failure::Simulated);
            }
        }
        cheapest = cheapest.min(cpu().saturating_sub(start).as_secs_f64() / count as f64);
    }
    println!("| {name} | {:.0} | {:.0} |", cheapest * 1e6, 1.0 / cheapest);
    Ok(())
}
