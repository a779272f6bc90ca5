//! What is allowed and how long things may take: [`TransferPolicy`].

use std::{net::IpAddr, time::Duration};

use self::{attended::AttendedPolicy, referred::ReferredPolicy};
use crate::{TransferHandling, network::Network, target::TargetPolicy};

pub(crate) mod attended;
pub(crate) mod referred;

/// How much later than the layer below a transfer gives up: that layer's own limit is to be heard first.
pub(crate) const MARGIN: Duration = Duration::from_secs(2);

/// The longest that a referred call may ring, whatever the policy says (RFC 3261 §16.6 item 11, timer C).
pub(crate) const RING_LIMIT_MAX: Duration = Duration::from_mins(3);

/// The longest Retry-After, in seconds, that a REFER waits for; a longer one is a refusal, because the party on hold
/// would wait that long, too.
pub(crate) const RETRY_AFTER_MAX: u32 = 32;

/// What is done with a REFER that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferPolicy {
    /// Refuse it with 603; the default (SEC-01).
    #[default]
    Deny,
    /// Follow it if the target is permitted.
    Allow,
    /// Ask the application, if the target is permitted.
    Ask,
}

/// Who may replace one of our calls by an INVITE with Replaces (decision D9 of the catalogue; RFC 3891 §3, §8). Knowing the
/// ids of a call is never enough, nor is its network address (SEC-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplacesAuthorizer {
    /// The replaced party itself: the same user by digest, with the same verified name, or out of the same trunk
    /// ([`TransferPolicy::trunks`]).
    Trusted,
    /// Besides, who was referred by the replaced party: Referred-By (RFC 3892) names its address of record or its Contact.
    /// That header is not signed, which the event says; but for this an attended transfer would always be refused, because
    /// the transferee is never the replaced party. The default.
    #[default]
    ReferredBy,
    /// Everybody who knows the ids. For laboratories.
    Allow,
    /// Nobody.
    Deny,
}

/// What is done when the hold before a REFER does not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HoldPolicy {
    /// Send the REFER all the same: RFC 3515 does not ask for hold.
    #[default]
    GoOn,
    /// Give the transfer up; the call goes on as it was.
    Fail,
}

/// What is done when the party that is to be moved cannot or will not be referred: it names its methods and REFER is not
/// one of them, it answers the REFER with 405, 501 or 603, or the call that Replaces names cannot be replaced (RFC 5589
/// §7.4, §7.7; TR-170, TR-173).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// Nothing: the party is taken back. The default.
    #[default]
    None,
    /// The two calls are joined here, so that the two parties talk through us; the target of a blind transfer is called
    /// for it. The transfer ends [`Bridged`](crate::OutcomeKind::Bridged).
    Bridge,
}

/// Who hangs up on the party that was moved (decision D5, UW-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByeOwner {
    /// We do, [`TransferPolicy::bye_delay`] after the success was reported (RFC 5589 §6.1).
    #[default]
    Transferor,
    /// The party itself; we do when it has not within [`TransferPolicy::bye_wait`].
    Peer,
}

/// What is allowed in transfers, and their limits. Every value has a default that suits a user agent on the Internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferPolicy {
    /// What is done with a REFER that comes in, where [`policy_for`](crate::Transfers::policy_for) says nothing else.
    pub refer: ReferPolicy,
    /// Who does the steps of transfers, where [`handling_for`](crate::Transfers::handling_for) says nothing else.
    pub handling: TransferHandling,
    /// The networks whose peers may send a REFER; anybody else is a stranger and gets 403. The peer of the call and the
    /// sender of the REFER must both be in one. Empty: every peer that we have a call with.
    pub referrers: Vec<Network>,
    /// Which targets may be called on somebody else's word.
    pub targets: TargetPolicy,
    /// How a call is placed and reported that somebody else asks for.
    pub referred: ReferredPolicy,
    /// Who may replace one of our calls.
    pub replaces: ReplacesAuthorizer,
    /// The trunks: networks whose peers speak for each other, so that a call with one may be replaced by another. None.
    pub trunks: Vec<Network>,
    /// Whether who may not replace a call is told that there is none: 481 instead of 403 (SEC-11). No.
    pub conceal: bool,
    /// Whether the BYE or CANCEL of a replaced call says why (RFC 3326, TR-127). Yes.
    pub replaced_reason: bool,
    /// What is done when the hold before a REFER does not succeed.
    pub hold_failure: HoldPolicy,
    /// What is done when a party cannot or will not be referred. Each transfer can say otherwise.
    pub fallback: Fallback,
    /// How transfers to somebody who was asked first are done.
    pub attended: AttendedPolicy,
    /// 64*T1, the life of a transaction of the layer below (RFC 3261 §17.1.2.2, timer F), from which T-BYE, T-CANCEL and the
    /// time for the last NOTIFY follow. An engine sets it by its own timing. 32 s.
    pub transaction: Duration,
    /// T-HOLD: how long the hold before a REFER may take, 491 retries included. 10 s.
    pub hold_limit: Duration,
    /// T-RESUME: how long taking the call back may take. 10 s.
    pub resume_limit: Duration,
    /// T-GUARD: from the REFER to the outcome; longer than a target rings. 120 s.
    pub guard: Duration,
    /// T-FINAL: from the transferee's BYE to its last NOTIFY. 1 s.
    pub final_grace: Duration,
    /// Who hangs up on the party that was moved.
    pub bye: ByeOwner,
    /// T-BYE1: how long our BYE waits after the success was reported; at most 30 s. None.
    pub bye_delay: Duration,
    /// How long the BYE of the party that was moved is waited for where it owns it; at most 30 s. 5 s.
    pub bye_wait: Duration,
    /// Whether a subscription that is not wanted any more is ended by SUBSCRIBE with Expires 0 (RFC 6665 §4.1.2.3); not with
    /// peers that end the call on it. Yes.
    pub unsubscribe: bool,
    /// T-RING: how long the referred call may ring, redirections included; at most 180 s. 60 s.
    pub ring_limit: Duration,
    /// T-TEE-WD: from our delivered success report to the transferor's BYE. 5 s.
    pub watchdog: Duration,
    /// How long a decision of the application may take. 30 s.
    pub decision: Duration,
    /// Redirections of the referred call that are followed (TR-200). 5.
    pub redirects: u8,
    /// Transfers asked of us in one call and in the calls that came of it (SEC-02, TR-205). A call that comes in with
    /// Referred-By (RFC 3892) counts as one that came of a transfer. 5.
    pub per_call: u32,
    /// Transfers asked of us that one address may have under way (SEC-07). 16.
    pub per_peer: usize,
    /// Transfers asked of us that may await a decision (SEC-07). 256.
    pub pending: usize,
    /// Transfers of both roles; each holds a subscription and up to two legs. 4096.
    pub transfers: usize,
    /// Legs that are watched; more than the dialog layer has is no use. 262,144.
    pub legs: usize,
}

impl Default for TransferPolicy {
    fn default() -> Self {
        Self {
            refer: ReferPolicy::default(),
            handling: TransferHandling::default(),
            referrers: Vec::new(),
            targets: TargetPolicy::default(),
            referred: ReferredPolicy::default(),
            replaces: ReplacesAuthorizer::default(),
            trunks: Vec::new(),
            conceal: false,
            replaced_reason: true,
            hold_failure: HoldPolicy::default(),
            fallback: Fallback::default(),
            attended: AttendedPolicy::default(),
            transaction: Duration::from_secs(32),
            hold_limit: Duration::from_secs(10),
            resume_limit: Duration::from_secs(10),
            guard: Duration::from_mins(2),
            final_grace: Duration::from_secs(1),
            bye: ByeOwner::default(),
            bye_delay: Duration::ZERO,
            bye_wait: Duration::from_secs(5),
            unsubscribe: true,
            ring_limit: Duration::from_mins(1),
            watchdog: Duration::from_secs(5),
            decision: Duration::from_secs(30),
            redirects: 5,
            per_call: 5,
            per_peer: 16,
            pending: 256,
            transfers: 4096,
            legs: 262_144,
        }
    }
}

impl TransferPolicy {
    /// Whether an address may be called on somebody else's word: it is public, or in one of the listed networks. To be
    /// asked again with what a host name resolved to (SEC-04, DNS rebinding).
    pub fn permits(&self, address: IpAddr) -> bool {
        self.targets.permits(address)
    }

    /// Which targets a referrer at this address may have called: those of its own rights, or else of everybody's.
    pub fn targets_of(&self, referrer: IpAddr) -> &TargetPolicy {
        self.referred.targets_of(referrer).unwrap_or(&self.targets)
    }

    /// The longest that a transfer can take from the last command about it to its end (invariant 6 of the catalogue's
    /// §2.7): all timers on the path added up. A target that is asked first until
    /// [`TransferCommand::Complete`](crate::TransferCommand::Complete) comes adds [`AttendedPolicy::talk_limit`].
    pub fn longest(&self) -> Duration {
        let transferor = [
            self.hold_wait(),
            self.consult_wait(),
            // The consultation call is held, or ended and the first one held again.
            self.closing_wait(),
            self.hold_wait(),
            self.guard,
            // The two calls are joined, or that is undone.
            self.resume_wait(),
            self.final_grace.max(self.resume_wait()),
            self.bye_pause(),
            self.closing_wait(),
        ];
        let transferee = [
            // Where the application answers the REFER itself, and later makes the last report.
            self.answer_wait(),
            self.decision,
            self.ring_wait(self.ring()),
            self.cancel_wait(),
            self.decision,
            self.delivery_wait(),
            self.watchdog,
        ];
        let sum = |path: &[Duration]| path.iter().fold(Duration::ZERO, |sum, wait| sum.saturating_add(*wait));
        sum(&transferor).max(sum(&transferee))
    }

    /// The ring limit that is in force.
    pub(crate) fn ring(&self) -> Duration {
        self.ring_limit.min(RING_LIMIT_MAX)
    }

    /// How long a consultation call may ring.
    pub(crate) fn consult_ring(&self) -> Duration {
        self.attended.consult_limit.min(RING_LIMIT_MAX)
    }

    /// How long nobody hangs up after a success: less than our BYE may take, which is waited for from the success on; 30 s
    /// at most as a rule.
    pub(crate) fn bye_pause(&self) -> Duration {
        match self.bye {
            ByeOwner::Transferor => self.bye_delay,
            ByeOwner::Peer => self.bye_wait,
        }
        .min(self.transaction.saturating_sub(self.transaction / 16))
    }

    pub(crate) fn hold_wait(&self) -> Duration {
        self.hold_limit.saturating_add(MARGIN)
    }

    pub(crate) fn consult_wait(&self) -> Duration {
        self.ring_wait(self.consult_ring())
    }

    pub(crate) fn resume_wait(&self) -> Duration {
        self.resume_limit.saturating_add(MARGIN)
    }

    /// How long our BYE may take: one transaction.
    pub(crate) fn closing_wait(&self) -> Duration {
        self.transaction.saturating_add(MARGIN)
    }

    /// How long a CANCEL may take: one transaction (RFC 3261 §9.1).
    pub(crate) fn cancel_wait(&self) -> Duration {
        self.transaction.saturating_add(MARGIN)
    }

    /// How long the last NOTIFY may take: it waits for one in flight, then takes a transaction itself.
    pub(crate) fn delivery_wait(&self) -> Duration {
        self.transaction.saturating_mul(2).saturating_add(MARGIN)
    }

    /// How long a REFER may go unanswered while the application makes up its mind: the layer below declines it after half of
    /// T1 (TR-007), and is not to be heard first. 200 ms as a rule.
    pub(crate) fn answer_wait(&self) -> Duration {
        self.transaction / 160
    }

    /// How long a new call may go unheard of that may ring for `ring`: before it rings, its target is looked up and
    /// reached, which takes at most a transaction.
    pub(crate) fn ring_wait(&self, ring: Duration) -> Duration {
        ring.saturating_add(self.transaction).saturating_add(MARGIN)
    }
}
