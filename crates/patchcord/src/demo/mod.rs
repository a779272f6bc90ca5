//! `patchcord demo`: a call is moved, on real sockets, and the audio is checked.

mod checks;
mod label;
mod ladder;
mod parties;
mod played;
mod plays;
mod plot;
mod printer;
mod record;
mod report;
mod silence;
mod stage;
mod wire;
mod words;

use std::sync::Arc;
use std::time::Instant;

use session_core::{Fallback, ReferPolicy, ReplacesAuthorizer, Transport};
use tokio::sync::watch;

use crate::agent;
use crate::args::DemoArgs;
use crate::console::Console;
use crate::exit::Failure;
use crate::json::Line;
use crate::recording::Recording;
use crate::stop::Stop;

use self::ladder::Ladder;
use self::parties::{ALICE, BOB, CAROL, Manners, PARTIES, Party};
use self::played::Played;
use self::plot::{Plot, Refer, Replacing};
use self::record::{Clocks, Record};
use self::report::Report;
use self::stage::Stage;

/// Plays the scenarios that were asked for.
pub(crate) async fn run(
    args: &DemoArgs,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<(), Failure> {
    let plots = plot::plots(args.scenario);
    let mut bad = Vec::new();
    for plot in &plots {
        let report = play(plot, console, stop, recording).await?;
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
        if plots.len() > 1 {
            console.say("");
            console.say("All scenarios are as they should be.");
        }
        Ok(())
    } else {
        Err(Failure::failed(format!("not as it should be: {}", bad.join(", "))))
    }
}

async fn play(
    plot: &Plot,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<Report, Failure> {
    let zero = Instant::now();
    let record = Record::new();
    let mut parties = [
        Party::start(ALICE, manners(plot, ALICE), plot.network, &record, recording).await?,
        Party::start(BOB, manners(plot, BOB), plot.network, &record, recording).await?,
        Party::start(CAROL, manners(plot, CAROL), plot.network, &record, recording).await?,
    ];
    introduce(plot, &parties, console);
    let addresses = [ALICE, BOB, CAROL].map(|place| parties[place].address);
    let (done, is_done) = watch::channel(false);
    let printer =
        tokio::spawn(printer::print(Arc::clone(&record), Arc::clone(console), addresses, zero, is_done));

    let mut stage = Stage { plot, parties: &mut parties, record: &record, played: Played::default() };
    let interrupted = tokio::select! {
        played = plot.play.on(&mut stage) => {
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
    Ok(Report::new(plot, &played, &record, Clocks::new(zero), console.now()))
}

/// Carol lets nobody replace a call where that is the plot, Bob follows no REFER, and Alice falls back to a bridge.
fn manners(plot: &Plot, place: usize) -> Manners {
    Manners {
        replaces: match plot.replacing {
            Replacing::Refused if place == CAROL => ReplacesAuthorizer::Deny,
            Replacing::Refused | Replacing::Absent | Replacing::Done => ReplacesAuthorizer::default(),
        },
        refer: match plot.refer {
            Refer::Refused if place == BOB => ReferPolicy::Deny,
            Refer::Refused | Refer::Absent | Refer::Followed => ReferPolicy::Allow,
        },
        fallback: if plot.bridges() && place == ALICE { Fallback::Bridge } else { Fallback::None },
    }
}

/// Says who takes part, what will happen, and which times are shorter than in life.
fn introduce(plot: &Plot, parties: &[Party; 3], console: &Console) {
    for (role, party) in PARTIES.iter().zip(parties) {
        let address = agent::address(Transport::Udp, party.address);
        let line =
            Line::own("listening", console.now()).with_party(role.key).with("addresses", vec![address]);
        console.json_line(&line);
    }
    console.say("");
    console.say(&format!("patchcord demo: {}", plot.title));
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
    for line in &plot.story {
        console.say(&format!("  {line}"));
    }
    console.say(
        "  Ring and talk times are short here so that the demo is. Times below are in ms since the start;",
    );
    console.say("  with a plus sign, since the REFER.");
    console.say("");
    for line in Ladder::heading() {
        console.say(&line);
    }
}
