//! The dialog layer against a small model of it: random commands at both ends, a registrar of many minds, a network that
//! loses, repeats and overtakes; afterwards both ends have to agree, with each other and with the registrar, and nothing may
//! be left.

mod belief;
mod numbers;
mod registering;
mod transitions;
mod world;

use proptest::test_runner::Config;
use proptest_state_machine::prop_state_machine;

use self::world::World;

/// Cases of one run, some seconds; `PROPTEST_CASES` raises it.
const CASES: u32 = 6_000;

fn config() -> Config {
    let default = Config::default();
    Config { cases: default.cases.max(CASES), failure_persistence: None, max_shrink_iters: 20_000, ..default }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn both_ends_agree_once_the_network_is_quiet(sequential 1..40 => World);
}
