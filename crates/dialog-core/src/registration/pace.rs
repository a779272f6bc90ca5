//! When the next REGISTER goes.

use std::time::Duration;

use sip_transport::Random;

use super::config::RegistrationConfig;

/// Shortest time from one REGISTER that was accepted to its refresh, so that a registrar that grants a second is not asked
/// without pause. The binding lapses in between, as the registrar wants it.
const SHORTEST: Duration = Duration::from_secs(5);

/// Doublings beyond which a wait is at its limit whatever the base is.
const DOUBLINGS: u32 = 16;

/// How long after it was granted a binding is refreshed: early enough for a request with all its repeats (64*T1), at half of
/// a short one, and spread over a tenth so that what registered together does not refresh together.
pub(super) fn refresh(granted: Duration, timeout: Duration, random: &mut dyn Random) -> Duration {
    let latest = granted.saturating_sub(timeout).max(granted / 2);
    shortened(latest, 10, random).max(SHORTEST)
}

/// How long after `failures` in a row it is tried again (RFC 5626 §4.5): at random between 50 and 100 % of the base doubled
/// with each failure but the first, and no less than the registrar asks for.
pub(super) fn retry(
    config: &RegistrationConfig,
    failures: u32,
    others: bool,
    asked: Option<Duration>,
    random: &mut dyn Random,
) -> Duration {
    let base = if others { config.base_others } else { config.base };
    let longest = base.saturating_mul(1 << failures.min(DOUBLINGS)).min(config.longest_wait);
    let asked = asked.unwrap_or_default().min(config.longest);
    shortened(longest, 2, random).max(asked)
}

/// The time less a random part of it, up to one `share`th.
fn shortened(longest: Duration, share: u32, random: &mut dyn Random) -> Duration {
    let most = longest / share;
    longest.saturating_sub(most.mul_f64(f64::from(random.up_to(1 << 16)) / f64::from(1 << 16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u64);

    impl Random for Fixed {
        fn next_u64(&mut self) -> u64 {
            self.0
        }
    }

    const LEAST: Fixed = Fixed(0);
    const MOST: Fixed = Fixed(u64::MAX);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_binding_is_refreshed_before_it_ends_with_time_for_all_repeats() {
        let timeout = seconds(32);
        assert_eq!(refresh(seconds(3_600), timeout, &mut { LEAST }), seconds(3_568));
        assert_eq!(refresh(seconds(3_600), timeout, &mut { MOST }), Duration::from_millis(3_211_200));
        assert_eq!(refresh(seconds(60), timeout, &mut { LEAST }), seconds(30));
        assert_eq!(refresh(seconds(60), timeout, &mut { MOST }), seconds(27));
        assert_eq!(refresh(seconds(1), timeout, &mut { LEAST }), SHORTEST);
        assert_eq!(refresh(Duration::ZERO, timeout, &mut { MOST }), SHORTEST);
    }

    /// The examples of RFC 5626 §4.5.
    #[test]
    fn waits_grow_as_the_rfc_says() {
        let config = RegistrationConfig::default();
        let wait = |failures, others, mut random: Fixed| retry(&config, failures, others, None, &mut random);
        assert_eq!((wait(1, false, MOST), wait(1, false, LEAST)), (seconds(30), seconds(60)));
        assert_eq!((wait(3, false, MOST), wait(3, false, LEAST)), (seconds(120), seconds(240)));
        assert_eq!((wait(9, false, MOST), wait(u32::MAX, false, LEAST)), (seconds(900), seconds(1_800)));
        assert_eq!((wait(1, true, MOST), wait(1, true, LEAST)), (seconds(90), seconds(180)));
    }

    #[test]
    fn retry_after_makes_a_wait_longer_up_to_the_limit_and_never_shorter() {
        let config = RegistrationConfig::default();
        let wait = |asked| retry(&config, 1, false, Some(asked), &mut { LEAST });
        assert_eq!(wait(seconds(7)), seconds(60));
        assert_eq!(wait(seconds(600)), seconds(600));
        assert_eq!(wait(Duration::MAX), config.longest);
    }
}
