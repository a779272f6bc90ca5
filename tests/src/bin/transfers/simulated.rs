//! Transfers through three engines in virtual time.

use patchcord_tests::{play, scenario::Scenario};

use crate::{Failure, cpu};

/// Always the same, so that every transfer does the same.
const SEED: u64 = 1;

/// A call, its transfer with hold, the new call, and its end.
const KINDS: [(&str, &str); 2] = [
    (
        "blind",
        "title blind\nparty alice\nparty bob answers\nparty carol answers\nat 0s alice call bob\n\
         on alice established 1 after 1s alice blind carol\nend 100s\n",
    ),
    (
        "attended",
        "title attended\nparty alice\nparty bob answers\nparty carol answers\nat 0s alice call bob\n\
         on alice established 1 after 1s alice call carol\n\
         on alice established 2 after 1s alice attended bob carol\nend 100s\n",
    ),
];

pub(crate) fn print(count: u64, rounds: u32) -> Result<(), Failure> {
    println!("| simulated | µs of CPU a transfer | transfers a second of CPU |\n| --- | --- | --- |");
    for (name, text) in KINDS {
        let scenario = Scenario::parse(text)?;
        let mut cheapest = f64::INFINITY;
        for _ in 0..rounds {
            let start = cpu();
            for _ in 0..count {
                play::play_unobserved(&scenario, SEED);
            }
            cheapest = cheapest.min(cpu().saturating_sub(start).as_secs_f64() / count as f64);
        }
        println!("| {name} | {:.0} | {:.0} |", cheapest * 1e6, 1.0 / cheapest);
    }
    Ok(())
}
