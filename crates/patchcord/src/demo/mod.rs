//! `patchcord demo`: a call is moved, on real sockets, and the audio is checked.

mod checks;
mod label;
mod ladder;
mod parties;
mod printer;
mod record;
mod report;
mod scenario;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

use session_core::Transport;
use tokio::sync::watch;

use crate::agent;
use crate::args::{DemoArgs, Scenario};
use crate::console::Console;
use crate::exit::Failure;
use crate::json::Line;
use crate::recording::Recording;
use crate::stop::Stop;

use self::ladder::Ladder;
use self::parties::{ALICE, BOB, CAROL, PARTIES, Party};
use self::record::{Clocks, Record};
use self::report::Report;
use self::scenario::{CAROL_RINGS, Played, RING_LIMIT, Stage, TALK};

/// Plays the scenarios that were asked for.
pub(crate) async fn run(
    args: &DemoArgs,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<(), Failure> {
    let scenarios: &[Scenario] = match args.scenario {
        Scenario::All => &[Scenario::Blind, Scenario::TargetBusy, Scenario::TargetSilent],
        Scenario::Blind => &[Scenario::Blind],
        Scenario::TargetBusy => &[Scenario::TargetBusy],
        Scenario::TargetSilent => &[Scenario::TargetSilent],
    };
    let mut bad = Vec::new();
    for scenario in scenarios {
        let report = play(*scenario, console, stop, recording).await?;
        if console.json() {
            // invariant: strings, numbers and booleans always have a JSON form.
            console.line(&serde_json::to_string(&report).expect("invariant: a report serialises"));
        } else {
            for line in words::lines(&report) {
                console.line(&line);
            }
        }
        if !report.ok {
            bad.push(report.scenario);
        }
    }
    if bad.is_empty() {
        if scenarios.len() > 1 {
            console.say("");
            console.say("All scenarios are as they should be.");
        }
        Ok(())
    } else {
        Err(Failure::failed(format!("not as it should be: {}", bad.join(", "))))
    }
}

async fn play(
    scenario: Scenario,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<Report, Failure> {
    let zero = Instant::now();
    let record = Record::new();
    let mut parties = [
        Party::start(ALICE, RING_LIMIT, &record, recording).await?,
        Party::start(BOB, RING_LIMIT, &record, recording).await?,
        Party::start(CAROL, RING_LIMIT, &record, recording).await?,
    ];
    introduce(scenario, &parties, console);
    let addresses = [ALICE, BOB, CAROL].map(|place| parties[place].address);
    let (done, is_done) = watch::channel(false);
    let printer =
        tokio::spawn(printer::print(Arc::clone(&record), Arc::clone(console), addresses, zero, is_done));

    let mut stage = Stage { scenario, parties: &mut parties, record: &record, played: Played::default() };
    let interrupted = tokio::select! {
        played = stage.play() => {
            stage.played.stopped = played.err().map(|failure| failure.reason);
            false
        }
        () = stop.wanted() => true,
    };
    let played = stage.played;
    let [alice, bob, carol] = parties;
    tokio::join!(alice.close(), bob.close(), carol.close());
    done.send_replace(true);
    // The printer ends by itself once everything is printed; a panic in it is reported by the runtime.
    drop(printer.await);
    if interrupted {
        return Err(Failure::failed("interrupted"));
    }
    Ok(Report::new(scenario, &played, &record, Clocks::new(zero), console.now()))
}

/// Says who takes part, what will happen, and which times are shorter than in life.
fn introduce(scenario: Scenario, parties: &[Party; 3], console: &Console) {
    let (title, plot) = match scenario {
        Scenario::Blind | Scenario::All => (
            "blind transfer",
            format!(
                "Carol answers after {}. Then Bob and Carol talk, and Alice is out.",
                seconds(CAROL_RINGS)
            ),
        ),
        Scenario::TargetBusy => (
            "blind transfer, the target is busy",
            format!("Carol refuses (486) after {}. Then Alice has Bob back.", seconds(CAROL_RINGS)),
        ),
        Scenario::TargetSilent => (
            "blind transfer, the target does not answer",
            format!("Carol only rings; Bob gives up after {}. Then Alice has him back.", seconds(RING_LIMIT)),
        ),
    };
    for (role, party) in PARTIES.iter().zip(parties) {
        let address = agent::address(Transport::Udp, party.address);
        let line =
            Line::own("listening", console.now()).with_party(role.key).with("addresses", vec![address]);
        console.json_line(&line);
    }
    console.say("");
    console.say(&format!("patchcord demo: {title}"));
    console.say("");
    for (role, party) in PARTIES.iter().zip(parties) {
        console.say(&format!(
            "  {:<6} {:<28} sends {} Hz   {}",
            role.name,
            party.uri(),
            role.tone,
            role.part
        ));
    }
    console.say("");
    console.say(&format!("  Alice calls Bob, they talk for {}, and she moves him to Carol.", seconds(TALK)));
    console.say(&format!("  {plot}"));
    console.say(
        "  Ring and talk times are short here so that the demo is. Times below are in ms since the start;",
    );
    console.say("  with a plus sign, since the REFER.");
    console.say("");
    for line in Ladder::heading() {
        console.say(&line);
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
