//! Determinism, and some seeds of every random scenario.

use patchcord_tests::{
    ladder, play,
    scenario::Scenario,
    sweep::{self, NETWORKS, Over},
};

#[test]
fn the_same_seed_gives_the_same_run_byte_for_byte() {
    for (name, _) in sweep::scenarios(None) {
        let over = if name.len() % 2 == 0 { Over::Udp } else { Over::Tcp };
        let scenario = sweep::scenario(name, over, 10).expect("known").expect("well-formed");
        let scenario = Scenario { rtp: name == "blind", ..scenario };
        let run = |seed| {
            let played = play::play(&scenario, seed);
            ladder::verbatim(&played.journal, &played.names)
        };
        let (first, again, other) = (run(7), run(7), run(8));
        let differs = first.lines().zip(again.lines()).find(|(first, again)| first != again);
        assert!(first == again, "{name}: {differs:#?}");
        assert!(first != other, "{name}: another seed must give another run");
    }
}

/// Seeds of each scenario in each network here, over a thousand runs in all; `cargo xtask sim` takes more.
const SEEDS: u64 = 10;

#[test]
fn a_thousand_random_transfers_keep_the_invariants_and_leave_nothing() {
    // covers: TR-258
    let names: Vec<&'static str> = sweep::scenarios(None).map(|(name, _)| name).collect();
    let runs = sweep::runs(&names, &NETWORKS, 1, SEEDS);
    assert!(runs.len() >= 1000);
    let swept = sweep::sweep(&runs).expect("well-formed scenarios");
    for failure in &swept.failures {
        println!("{:?}\n{:#?}\n{}", failure.run, failure.broken, failure.trace);
    }
    assert_eq!((swept.passed, swept.failed), (runs.len() as u64, 0));
}
