//! Transfers on real sockets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use session_core::{Delivery, EventKind, Overflow, SessionEvent, Subscriber};
use tokio::{
    runtime::Runtime,
    time::{interval, interval_at},
};

use crate::{
    Failure, Kind, Load,
    agents::{Agents, Calls, uri},
    cpu, live_bytes,
};

/// What UDP transactions, ended dialogs and subscriptions need to be forgotten: 64*T1 and a margin.
const SETTLING: Duration = Duration::from_secs(40);

/// By how much live memory may differ after the soak: tables that grow by doubling once more.
const MOST_GROWTH: i64 = 256 * 1024;

/// Events of one transfer that tell how long it takes.
const EVENTS: usize = 64;

/// Transfers one after another, of which each is timed.
const TIMED: u64 = 200;

pub(crate) fn rates(load: &Load) -> Result<(), Failure> {
    Runtime::new()?.block_on(async {
        println!("| real | transfers | at a time | a second | µs of CPU a transfer | REFER to final NOTIFY, median / 95 % |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for kind in Kind::ALL.into_iter().filter(|kind| load.kind.is_none_or(|only| only == *kind)) {
            let agents = Arc::new(Agents::start(Calls::Answer).await?);
            let (median, most) = timed(&agents, kind).await?;
            let (start, used) = (Instant::now(), cpu());
            run(&agents, load, load.count, &[kind]).await?;
            let (took, used) = (start.elapsed().as_secs_f64(), cpu().saturating_sub(used).as_secs_f64());
            println!(
                "| {} | {} | {} | {:.0} | {:.0} | {median:.1?} / {most:.1?} |",
                kind.name(),
                load.count,
                load.parallel,
                load.count as f64 / took,
                used * 1e6 / load.count as f64,
            );
            finish(agents).await?;
        }
        Ok(())
    })
}

pub(crate) fn memory(count: u64) -> Result<(), Failure> {
    Runtime::new()?.block_on(async {
        let agents = Agents::start(Calls::Ring).await?;
        let mut sessions = Vec::new();
        for _ in 0..count {
            sessions.push(agents.call(&agents.bob).await?);
        }
        settle().await;
        let before = live_bytes();
        let mut transfers = Vec::new();
        for session in &sessions {
            let mut transfer = session.blind(&uri(&agents.carol)).await?;
            // What the transferee reports: 100, then that it rings.
            while transfer.progress().await.is_some_and(|event| !is_ringing(&event)) {}
            transfers.push(transfer);
        }
        let held = live_bytes() - before;
        println!(
            "| bytes of a transfer in progress, all three parties, the new call included | {} |",
            held / count.cast_signed()
        );
        agents.shut_down().await
    })
}

fn is_ringing(event: &EventKind) -> bool {
    matches!(event, EventKind::TransferProgress { status, .. } if status.as_u16() > 100)
}

pub(crate) fn soak(load: &Load) -> Result<(), Failure> {
    Runtime::new()?.block_on(async {
        let agents = Arc::new(Agents::start(Calls::Answer).await?);
        let kinds = load.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
        // Tables have the size that this load wants once it has gone on as long.
        run(&agents, load, load.count, &kinds).await?;
        agents.idle().await?;
        settle().await;
        let before = live_bytes();
        let start = Instant::now();
        run(&agents, load, load.count, &kinds).await?;
        let took = start.elapsed();
        agents.idle().await?;
        settle().await;
        let grown = live_bytes() - before;
        println!(
            "{} transfers in {took:.1?}, none stuck; {before} bytes live before, {grown} more after",
            load.count
        );
        finish(agents).await?;
        if grown > MOST_GROWTH {
            return Err(Failure::Left(format!("{grown} bytes")));
        }
        Ok(())
    })
}

/// Lets the time pass after which nothing of what has ended is remembered.
async fn settle() {
    let mut ticks = interval(SETTLING);
    // The first comes at once.
    ticks.tick().await;
    ticks.tick().await;
}

/// So many transfers, as many at a time and in a second as the load says, of the kinds in turn.
async fn run(agents: &Arc<Agents>, load: &Load, count: u64, kinds: &[Kind]) -> Result<(), Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let (start, rate) = (tokio::time::Instant::now(), load.rate);
    let workers: Vec<_> = (0..load.parallel)
        .map(|_| {
            let (agents, next, kinds) = (agents.clone(), next.clone(), kinds.to_vec());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok::<(), Failure>(());
                    }
                    if let Some(rate) = rate {
                        let due = Duration::from_secs_f64(number as f64 / f64::from(rate.max(1)));
                        interval_at(start + due, SETTLING).tick().await;
                    }
                    agents.transfer(kinds[number as usize % kinds.len()]).await?;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.map_err(|_| Failure::Stuck("a worker"))??;
    }
    Ok(())
}

/// From the REFER to the final NOTIFY, of transfers one after another to somebody who answers at once.
async fn timed(agents: &Agents, kind: Kind) -> Result<(Duration, Duration), Failure> {
    let mut events = agents.alice.subscribe_with(EVENTS, Overflow::DropOldest, |event: &SessionEvent| {
        matches!(event.kind, EventKind::ReferSent | EventKind::TransferEnded(_))
    })?;
    let mut took = Vec::new();
    for _ in 0..TIMED {
        agents.transfer(kind).await?;
        let sent = at(&mut events).await?;
        took.push(at(&mut events).await?.saturating_sub(sent));
    }
    took.sort_unstable();
    Ok((took[took.len() / 2], took[took.len() * 95 / 100]))
}

async fn at(events: &mut Subscriber<SessionEvent>) -> Result<Duration, Failure> {
    loop {
        match events.recv().await {
            Some(Delivery::Event(event)) => return Ok(event.at),
            Some(_) => {}
            None => return Err(Failure::Stuck("an event")),
        }
    }
}

async fn finish(agents: Arc<Agents>) -> Result<(), Failure> {
    agents.idle().await?;
    match Arc::try_unwrap(agents) {
        Ok(agents) => agents.shut_down().await,
        Err(_) => Err(Failure::Stuck("a worker")),
    }
}
