//! Which of several challenges is answered (RFC 8760 §2.4).

use sip_message::{Algorithm, DigestChallenge, DigestChallengeBuf, Qop};

use super::hash::strength;

/// A challenge that can be answered.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) challenge: DigestChallengeBuf,
    /// Whether the challenge named its algorithm, so that the answer does.
    pub(crate) named: bool,
    pub(crate) qop: Option<Qop>,
}

impl Choice {
    /// Reads a challenge; `None` if its algorithm or every quality of protection is unknown, or if it asks for a session
    /// without a client nonce.
    pub(crate) fn of(challenge: &DigestChallenge<'_>) -> Option<Self> {
        let offered: Vec<Qop> = challenge.qop().collect();
        let qop = if offered.contains(&Qop::Auth) {
            // Bodies are changed under way, by what rewrites addresses in SDP: the body is vouched for only on demand.
            Some(Qop::Auth)
        } else {
            offered.first().copied()
        };
        let demanded = challenge.params().value("qop").is_some();
        let choice = Self {
            challenge: challenge.to_owned()?,
            named: challenge.params().value("algorithm").is_some(),
            qop,
        };
        let possible = qop.is_some() || (!demanded && !choice.challenge.algorithm.is_session());
        possible.then_some(choice)
    }
}

/// The strongest challenge that can be answered; of equal ones the topmost.
pub(crate) fn strongest<'a>(
    challenges: impl Iterator<Item = DigestChallenge<'a>>,
    usable: impl Fn(Algorithm) -> bool,
) -> Option<Choice> {
    let mut best: Option<Choice> = None;
    for choice in challenges.filter_map(|challenge| Choice::of(&challenge)) {
        let algorithm = choice.challenge.algorithm;
        let stronger =
            best.as_ref().is_none_or(|best| strength(algorithm) > strength(best.challenge.algorithm));
        if usable(algorithm) && stronger {
            best = Some(choice);
        }
    }
    best
}
