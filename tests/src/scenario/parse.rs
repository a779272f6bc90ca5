//! The reader of scenario texts.

use std::{fmt, time::Duration};

use session_core::{Keyring, Reliability, SessionTimers, SrtpPolicy};
use sip_message::StatusCode;
use sip_transport::Transport;
use transfer::{ReferOptions, ReferPolicy, TransferPolicy};

use super::{Expectation, OnCall, Party, Scenario, Step, When, actions, options};
use crate::{
    network::{Break, Faults, Partition, Restart, Rule},
    seed::Span,
};

/// Why a text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for ScenarioError {}

/// How long a call of a party rings if the scenario does not say.
const RING_LIMIT: Duration = Duration::from_mins(1);

pub(super) fn scenario(text: &str) -> Result<Scenario, ScenarioError> {
    let mut scenario = Scenario {
        title: String::new(),
        parties: Vec::new(),
        faults: Faults::default(),
        rtp: false,
        steps: Vec::new(),
        end: Duration::from_mins(1),
        expectations: Vec::new(),
    };
    for (index, line) in text.lines().enumerate() {
        if let Some(line) = line.strip_prefix('|') {
            let last = scenario.steps.last_mut().map(|step| &mut step.action);
            let last = last.ok_or_else(|| "a line of a message needs a step before it".to_owned());
            last.and_then(|last| actions::line(last, line))
                .map_err(|why| ScenarioError { line: index + 1, why })?;
            continue;
        }
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        statement(&mut scenario, &words).map_err(|why| ScenarioError { line: index + 1, why })?;
    }
    Ok(scenario)
}

fn statement(scenario: &mut Scenario, words: &[&str]) -> Result<(), String> {
    match words {
        [] => {}
        ["title", title @ ..] => scenario.title = title.join(" "),
        ["party", name, ..] if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            return Err(format!("a name is letters and digits: {name}"));
        }
        ["party", name, rest @ ..] => {
            let policy = TransferPolicy {
                refer: ReferPolicy::Allow,
                ring_limit: RING_LIMIT,
                ..TransferPolicy::default()
            };
            let party = Party {
                name: (*name).to_owned(),
                calls: on_call(rest)?,
                policy,
                hold: true,
                refer: ReferOptions::default(),
                listens: vec![Transport::Udp],
                srtp: SrtpPolicy::Off,
                user_agent: None,
                keys: Keyring::new(),
                authentication: None,
                reliability: Reliability::default(),
                session_timers: SessionTimers::default(),
            };
            scenario.parties.push(party);
        }
        ["option", name, option @ ..] => {
            let party = party(scenario, name)?;
            options::option(&mut scenario.parties[party], option)?;
        }
        ["network", "delay", delay] => scenario.faults.delay = span(delay)?,
        ["network", "loss", percent] => scenario.faults.loss = number(percent)?,
        ["network", "duplication", percent] => scenario.faults.duplication = number(percent)?,
        ["network", "rtp-loss", percent] => scenario.faults.rtp_loss = number(percent)?,
        ["network", "cuts", percent] => scenario.faults.cuts = number(percent)?,
        ["rtp", "on"] => scenario.rtp = true,
        ["lose", count, what, "from", name, rest @ ..] => {
            let after = match rest {
                [] => 0,
                ["after", after] => number(after)?,
                _ => return Err(format!("unexpected: {}", rest.join(" "))),
            };
            let count = if *count == "all" { u32::MAX } else { number(count)? };
            let from = party(scenario, name)?;
            scenario.faults.rules.push(Rule { from, what: (*what).to_owned(), after, count });
        }
        ["cut", one, other, "from", from, "to", to] => {
            let between = (party(scenario, one)?, party(scenario, other)?);
            scenario.faults.partitions.push(Partition { between, from: duration(from)?, to: duration(to)? });
        }
        ["break", one, other, "at", at] => {
            let between = (party(scenario, one)?, party(scenario, other)?);
            scenario.faults.breaks.push(Break { between, at: duration(at)? });
        }
        ["restart", name, "at", at] => {
            let party = party(scenario, name)?;
            scenario.faults.restarts.push(Restart { party, at: duration(at)? });
        }
        ["stop", name, "at", at] => {
            let party = party(scenario, name)?;
            scenario.faults.stops.push(Restart { party, at: duration(at)? });
        }
        ["at", at, name, rest @ ..] => {
            let (party, action) = (party(scenario, name)?, actions::action(scenario, rest)?);
            scenario.steps.push(Step { when: When::Start, after: span(at)?, party, action });
        }
        ["on", whose, event, nth, "after", after, name, rest @ ..] => {
            let (whose, name_of, nth) = (party(scenario, whose)?, (*event).to_owned(), number(nth)?);
            // Events are told in lower case; a message is a method or a status.
            let when = if event.starts_with(|first: char| first.is_ascii_lowercase()) {
                When::Event { party: whose, name: name_of, nth }
            } else {
                When::Message { party: whose, kind: name_of, nth }
            };
            let (party, action) = (party(scenario, name)?, actions::action(scenario, rest)?);
            scenario.steps.push(Step { when, after: span(after)?, party, action });
        }
        ["end", at] => scenario.end = duration(at)?,
        ["expect", name, rest @ ..] => {
            let expectation = expectation(scenario, party(scenario, name)?, rest)?;
            scenario.expectations.push(expectation);
        }
        _ => return Err(format!("unknown statement: {}", words.join(" "))),
    }
    Ok(())
}

fn on_call(words: &[&str]) -> Result<OnCall, String> {
    match words {
        [] => Ok(OnCall::Ignore),
        ["scripted"] => Ok(OnCall::Scripted),
        ["rings"] => Ok(OnCall::Ring),
        ["answers"] => Ok(OnCall::Answer(Span::exactly(Duration::ZERO))),
        ["answers", "after", after] => Ok(OnCall::Answer(span(after)?)),
        ["rejects", code] => StatusCode::new(number(code)?)
            .map(OnCall::Reject)
            .ok_or_else(|| format!("not a status code: {code}")),
        _ => Err(format!("unknown behaviour: {}", words.join(" "))),
    }
}

fn expectation(scenario: &Scenario, who: usize, words: &[&str]) -> Result<Expectation, String> {
    let several = |text: &str| -> Vec<String> {
        if text == "*" { Vec::new() } else { text.split('|').map(str::to_owned).collect() }
    };
    match words {
        ["outcome", outcomes, learned_from] => Ok(Expectation::Outcome {
            party: who,
            outcomes: several(outcomes),
            learned_from: several(learned_from),
        }),
        ["calls", count] => Ok(Expectation::Calls { party: who, count: number(count)? }),
        ["talks", name] => Ok(Expectation::Talks { party: who, with: party(scenario, name)? }),
        ["settled"] => Ok(Expectation::Settled { party: who }),
        ["refused", count] => Ok(Expectation::Refused { party: who, count: number(count)? }),
        ["hears", hz] => Ok(Expectation::Hears { party: who, hz: number(hz)? }),
        ["event", name, count] => {
            Ok(Expectation::Event { party: who, name: (*name).to_owned(), count: number(count)? })
        }
        _ => Err(format!("unknown expectation: {}", words.join(" "))),
    }
}

pub(super) fn party(scenario: &Scenario, name: &str) -> Result<usize, String> {
    scenario
        .parties
        .iter()
        .position(|party| party.name == name)
        .ok_or_else(|| format!("no such party: {name}"))
}

pub(super) fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("not a number in range: {word}"))
}

pub(super) fn duration(word: &str) -> Result<Duration, String> {
    if let Some(millis) = word.strip_suffix("ms") {
        return Ok(Duration::from_millis(number(millis)?));
    }
    match word.strip_suffix('s') {
        Some(seconds) => Ok(Duration::from_secs(number(seconds)?)),
        None => Err(format!("not a duration: {word}")),
    }
}

fn span(word: &str) -> Result<Span, String> {
    let span = match word.split_once("..") {
        Some((from, to)) => Span { from: duration(from)?, to: duration(to)? },
        None => Span::exactly(duration(word)?),
    };
    if span.from <= span.to { Ok(span) } else { Err(format!("the range is backwards: {word}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Action, InDialog};

    #[test]
    fn every_statement_is_read() {
        let text = "title A b\nparty alice\nparty bob answers after 1s..2s # late\nparty carol rejects 486\n\
            option bob ring-limit 5s\noption alice hold off\nnetwork loss 7\nlose 2 200/BYE from bob after 1\n\
            cut alice bob from 1s to 2s\nat 0ms..5ms alice call bob\non alice established 1 after 1s alice blind carol\n\
            end 9s\nexpect alice outcome Recovered|Failed *\nexpect bob calls 1\nexpect bob hears 440\nrtp on\n";
        let read = Scenario::parse(text).expect("a scenario");
        assert_eq!(read.title, "A b");
        assert_eq!(read.parties[1].calls, OnCall::Answer(Span::millis(1000, 2000)));
        assert_eq!(read.parties[1].policy.ring_limit, Duration::from_secs(5));
        assert_eq!(read.parties[2].calls, OnCall::Reject(StatusCode::new(486).expect("a code")));
        assert_eq!((read.faults.loss, read.faults.rules.len(), read.faults.partitions.len()), (7, 1, 1));
        assert_eq!(read.steps.len(), 2);
        assert_eq!(read.steps[1].action, Action::Blind(2));
        assert_eq!(read.expectations.len(), 3);
        assert!(read.rtp && !read.parties[0].hold);
    }

    #[test]
    fn listeners_and_broken_connections_are_read() {
        let text = "party alice\nparty bob\nparty carol scripted\noption bob listen tcp udp\nnetwork cuts 5\n\
            break alice bob at 2s\nrestart bob at 300ms\n";
        let read = Scenario::parse(text).expect("a scenario");
        assert_eq!(read.parties[0].listens, [Transport::Udp]);
        assert_eq!(read.parties[1].listens, [Transport::Tcp, Transport::Udp]);
        let faults = read.faults;
        assert_eq!((faults.cuts, faults.breaks[0].between, faults.restarts[0].party), (5, (0, 1), 1));
        assert_eq!(faults.breaks[0].at, faults.restarts[0].at + Duration::from_millis(1700));
        let scripted = Scenario::parse(&format!("{text}option carol listen tcp")).expect("a scenario");
        assert_eq!(scripted.parties[2].listens, [Transport::Tcp]);
        let wrong = Scenario::parse(&format!("{text}option carol listen")).expect_err("by nothing");
        assert_eq!(wrong.to_string(), "line 8: unknown option: listen");
    }

    #[test]
    fn a_scripted_message_is_read_with_its_lines() {
        let text = "party alice\nparty bob scripted\non bob REFER 2 after 0ms bob send NOTIFY in 1\n\
            | Event: refer # kept\n|\n| SIP/2.0 200 Ok\n|\non bob 200/NOTIFY 1 after 0ms bob reply 202 Well done sdp\n";
        let read = Scenario::parse(text).expect("a scenario");
        let Action::Send { method, dialog: InDialog::Nth(1), content } = &read.steps[0].action else {
            panic!("{:?}", read.steps[0]);
        };
        assert_eq!((method.as_str(), &*content.headers), ("NOTIFY", &["Event: refer # kept".to_owned()][..]));
        assert_eq!(content.body.as_deref(), Some(&["SIP/2.0 200 Ok".to_owned(), String::new()][..]));
        assert_eq!(read.steps[0].when, When::Message { party: 1, kind: "REFER".into(), nth: 2 });
        let Action::Reply { code, phrase, content } = &read.steps[1].action else { panic!("a reply") };
        assert_eq!((code.as_u16(), phrase.as_str(), content.sdp), (202, "Well done", true));
    }

    #[test]
    fn transfers_with_two_calls_are_read_with_their_options() {
        let text = "party alice\nparty bob\noption alice semi-attended blind\noption bob replaces deny\n\
            at 0s alice consult bob on-answer aor\nat 0s alice attended bob alice protect force\nat 0s alice hold bob\n";
        let read = Scenario::parse(text).expect("a scenario");
        assert!(matches!(
            &read.steps[0].action,
            Action::Consult(1, options, transfer::Completion::OnAnswer)
                if options.refer_to == Some(transfer::ReferTarget::AddressOfRecord)
        ));
        assert!(matches!(
            &read.steps[1].action,
            Action::Attended(1, 0, options) if options.protect_target && options.force
        ));
        assert_eq!(read.steps[2].action, Action::Hold(Some(1)));
        assert_eq!(read.parties[1].policy.replaces, session_core::ReplacesAuthorizer::Deny);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(words in proptest::collection::vec("(party|at|on|expect|lose|cut|option|send|reply|consult|[a-z0-9.]{1,6})", 0..12)) {
            let _ = Scenario::parse(&format!("party a\n{}", words.join(" ")));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = |text: &str| Scenario::parse(text).expect_err("an error").to_string();
        assert_eq!(wrong("party a\nat 1x a call a"), "line 2: not a duration: 1x");
        assert_eq!(wrong("at 1s a call a"), "line 1: no such party: a");
        assert_eq!(wrong("\n\nnonsense"), "line 3: unknown statement: nonsense");
        assert_eq!(wrong("party a rejects 42"), "line 1: not a status code: 42");
        assert_eq!(wrong("network delay 3s..1s"), "line 1: the range is backwards: 3s..1s");
        assert_eq!(
            wrong("party a\nat 1s a call a\n| x: y"),
            "line 3: a line of a message needs a `reply` or `send` before it"
        );
        assert_eq!(wrong("network loss 300"), "line 1: not a number in range: 300");
    }
}
