//! The options of a party: `option NAME …`.

use session_core::{
    Authentication, Credential, Reliability, ReplacesAuthorizer, Secret, SessionTimers, SrtpPolicy, Users,
};
use transfer::{
    Fallback, HoldPolicy, ReferPlacement, ReferPolicy, ReferSubscription, ReferTarget, SemiAttendedPolicy,
    WithoutReplaces,
};

use sip_message::Method;
use sip_transport::Transport;

use super::{
    Party,
    parse::{duration, number},
};

/// Reads one option into a party.
pub(super) fn option(party: &mut Party, words: &[&str]) -> Result<(), String> {
    let policy = &mut party.policy;
    match words {
        ["listen", transports @ ..] if !transports.is_empty() => {
            party.listens = transports.iter().map(|name| transport(name)).collect::<Result<_, _>>()?;
        }
        // What makes its messages long.
        ["user-agent", length] => party.user_agent = Some(number(length)?),
        // With what it answers challenges, and whom it challenges itself.
        ["key", realm, user, password] => {
            let credential = Credential::of_realm(*realm, *user, Secret::password(*password));
            party.keys.add(credential).map_err(|full| full.to_string())?;
        }
        ["challenges", realm, known @ ..] if !known.is_empty() && known.len().is_multiple_of(2) => {
            let mut users = Users::new();
            for pair in known.chunks(2) {
                users.add(pair[0], Secret::password(pair[1])).map_err(|full| full.to_string())?;
            }
            party.authentication = Some(Authentication::new(*realm, users));
        }
        // Only who moves a call is challenged; after `challenges`.
        ["challenge", "transfers"] => match &mut party.authentication {
            Some(authentication) => authentication.methods = vec![Method::Refer],
            None => return Err("nobody is challenged".to_owned()),
        },
        ["reliable", "never"] => party.reliability = Reliability::Never,
        ["reliable", "required"] => party.reliability = Reliability::WhenRequired,
        ["reliable", "supported"] => party.reliability = Reliability::WhenSupported,
        ["session-timer", "off"] => party.session_timers = SessionTimers::Off,
        // In seconds.
        ["session-timer", interval] => {
            party.session_timers = SessionTimers::Offered { interval: number(interval)? };
        }
        ["ring-limit", limit] => policy.ring_limit = duration(limit)?,
        ["refer", "deny"] => policy.refer = ReferPolicy::Deny,
        ["refer", "allow"] => policy.refer = ReferPolicy::Allow,
        ["refer", "ask"] => policy.refer = ReferPolicy::Ask,
        ["hold", "off"] => party.hold = false,
        // How it sends a REFER.
        ["placement", "inside"] => party.refer.placement = ReferPlacement::InDialog,
        ["placement", "outside"] => party.refer.placement = ReferPlacement::OutOfDialog,
        ["subscription", "suppress"] => party.refer.subscription = ReferSubscription::Suppress,
        ["subscription", "none"] => party.refer.subscription = ReferSubscription::None,
        ["subscription", "explicit"] => party.refer.subscription = ReferSubscription::Explicit,
        ["fallback", "none"] => policy.fallback = Fallback::None,
        ["fallback", "bridge"] => policy.fallback = Fallback::Bridge,
        ["hold-failure", "fail"] => policy.hold_failure = HoldPolicy::Fail,
        ["srtp", "off"] => party.srtp = SrtpPolicy::Off,
        ["srtp", "optional"] => party.srtp = SrtpPolicy::Optional,
        ["srtp", "required"] => party.srtp = SrtpPolicy::Required,
        ["guard", limit] => policy.guard = duration(limit)?,
        // Who may replace a call of the party's.
        ["replaces", "trusted"] => policy.replaces = ReplacesAuthorizer::Trusted,
        ["replaces", "referred-by"] => policy.replaces = ReplacesAuthorizer::ReferredBy,
        ["replaces", "allow"] => policy.replaces = ReplacesAuthorizer::Allow,
        ["replaces", "deny"] => policy.replaces = ReplacesAuthorizer::Deny,
        ["trunk", network] => {
            policy.trunks.push(network.parse().map_err(|_| format!("not a network: {network}"))?);
        }
        // How the party moves somebody to a target that was asked first.
        ["refer-to", "contact"] => policy.attended.refer_to = ReferTarget::Contact,
        ["refer-to", "aor"] => policy.attended.refer_to = ReferTarget::AddressOfRecord,
        ["reroute", "off"] => policy.attended.retry = false,
        ["require-replaces", "off"] => policy.attended.require_replaces = false,
        ["hold-consultation", "off"] => policy.attended.hold_consultation = false,
        ["semi-attended", "wait"] => policy.attended.semi_attended = SemiAttendedPolicy::WaitForAnswer,
        ["semi-attended", "blind"] => policy.attended.semi_attended = SemiAttendedPolicy::CancelThenBlind,
        ["semi-attended", "refuse"] => policy.attended.semi_attended = SemiAttendedPolicy::Refuse,
        ["without-replaces", "refuse"] => policy.attended.without_replaces = WithoutReplaces::Refuse,
        ["without-replaces", "blind"] => policy.attended.without_replaces = WithoutReplaces::Blind,
        ["reverse-roles", "on"] => policy.attended.reverse_roles = true,
        ["consult-limit", limit] => policy.attended.consult_limit = duration(limit)?,
        ["talk-limit", limit] => policy.attended.talk_limit = duration(limit)?,
        ["transfers-per-call", most] => policy.per_call = number(most)?,
        _ => return Err(format!("unknown option: {}", words.join(" "))),
    }
    Ok(())
}

fn transport(name: &str) -> Result<Transport, String> {
    match name {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        "tls" => Ok(Transport::Tls),
        _ => Err(format!("not a transport of this world: {name}")),
    }
}
