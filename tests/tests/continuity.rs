//! Audio that follows the call, through real sockets: in each kind of transfer everybody hears whom they should and nobody
//! else, no silence is longer than the signalling makes it by more than three frames, nothing goes to the old peer once the
//! new one is spoken to, and the ports of ended calls are free.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    sync::atomic::{AtomicU8, AtomicU32, Ordering},
    time::Duration,
};

use patchcord_tests::{
    datagrams::{self, Datagram},
    party::{Calls, PATIENCE, Party, Setup},
};
use session_core::{
    Capture, EventKind, Hearing, OutcomeKind, Session, SessionError, SessionEvent, SessionId,
    SessionMediaInfo,
};
use tokio::time::timeout;

const ALICE: u16 = 440;
const BOB: u16 = 600;
const CAROL: u16 = 800;

/// How much longer than due a silence may be: three frames (TM-017).
const MOST_SILENCE: Duration = Duration::from_millis(60);

/// How long a referred call rings before it is given up.
const RING_LIMIT: Duration = Duration::from_secs(1);

/// A measured tone is off by this at most.
const TONE_TOLERANCE: u16 = 15;

/// A loopback address that no other test uses, so that a port of it is free unless we hold it.
fn own_address() -> Ipv4Addr {
    static NUMBER: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 128 | NUMBER.fetch_add(1, Ordering::Relaxed) & 63, high, low)
}

/// A party that records what it sends.
struct Recorded {
    party: Party,
    capture: Capture,
    file: PathBuf,
}

impl Recorded {
    async fn start(
        name: &'static str,
        tone: u16,
        address: Ipv4Addr,
        calls: Calls,
        holds_first: bool,
    ) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = format!("patchcord-continuity-{}-{number}-{name}.pcap", std::process::id());
        let file = std::env::temp_dir().join(file);
        let capture = Capture::create(&file).expect("a temporary file");
        let mut setup = Setup {
            capture: Some(capture.clone().sent_only()),
            holds_first,
            listen: format!("{address}:0"),
            ..Setup::new(name, tone, calls)
        };
        setup.policy.ring_limit = RING_LIMIT;
        Self { party: setup.start().await.expect("a party on loopback"), capture, file }
    }

    async fn media(&self, call: SessionId) -> SessionMediaInfo {
        self.party.manager.get_session_media_info(&call).await.expect("media")
    }

    /// Waits until a call hears a tone, and gives what its user heard so far.
    async fn hears(&mut self, call: SessionId, tone: u16) -> Hearing {
        self.party.hears(call, tone).await;
        self.media(call).await.heard.expect("the user is on this call")
    }

    /// Waits until a call has ended and its last numbers are told: how many RTP packets it has sent.
    async fn sent_in_all(&mut self, call: SessionId) -> u64 {
        let summed = |event: &SessionEvent| {
            event.session == Some(call) && matches!(event.kind, EventKind::MediaSummary(_))
        };
        if !self.party.seen().iter().any(summed) {
            self.party.wait_for("the last numbers", PATIENCE, summed).await;
        }
        let summary = self.party.seen().iter().find(|event| summed(event)).map(|event| &event.kind);
        let Some(EventKind::MediaSummary(summary)) = summary else { panic!("a summary") };
        summary.sent
    }

    /// How long the signalling kept this user on hold at most, in a call that gave way to `new`, or did not.
    fn longest_hold(&self, call: SessionId, new: Option<SessionId>) -> Duration {
        self.holds(call, new).into_iter().max().unwrap_or_default()
    }

    /// How long the signalling kept this user on hold, each time.
    fn holds(&self, call: SessionId, new: Option<SessionId>) -> Vec<Duration> {
        let (mut since, mut holds) = (None, Vec::new());
        for event in self.party.seen() {
            let held = match event.kind {
                EventKind::HoldChanged { local, remote } if event.session == Some(call) => local || remote,
                EventKind::Established { .. } if event.session == new => false,
                _ => continue,
            };
            match (held, since) {
                (true, None) => since = Some(event.at),
                (false, Some(from)) => {
                    holds.push(event.at.saturating_sub(from));
                    since = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        holds
    }

    /// Ends it; the datagrams that it sent.
    async fn finish(self) -> Vec<Datagram> {
        timeout(PATIENCE, self.party.manager.shutdown()).await.expect("nothing is left in time");
        let report = self.capture.finish();
        assert_eq!(report.missing(), 0, "{report:?}");
        let bytes = fs::read(&self.file).expect("the capture");
        fs::remove_file(&self.file).expect("the file is ours");
        datagrams::read(&bytes)
    }
}

/// A call from one party to another, each of which hears the other.
async fn call(from: &mut Recorded, to: &mut Recorded, tones: [u16; 2]) -> (Session, SessionId) {
    let session = from.party.manager.call(&to.party.uri()).await.expect("a call");
    timeout(PATIENCE, session.established()).await.expect("an answer in time").expect("an answer");
    from.party.established().await;
    let theirs = to.party.established().await;
    to.hears(theirs, tones[0]).await;
    from.hears(session.id(), tones[1]).await;
    (session, theirs)
}

/// Asserts that these tones were heard in this order, and no others.
#[track_caller]
fn heard(who: &str, hearing: &Hearing, tones: &[u16]) {
    let mut heard: Vec<u16> = hearing.changes.iter().filter_map(|(tone, _)| *tone).collect();
    heard.dedup_by(|one, other| one.abs_diff(*other) <= TONE_TOLERANCE);
    let same = heard.len() == tones.len()
        && heard.iter().zip(tones).all(|(heard, tone)| heard.abs_diff(*tone) <= TONE_TOLERANCE);
    assert!(same && hearing.dropped_changes == 0, "{who} is to hear {tones:?}: {hearing:#?}");
}

/// Asserts that no silence was longer than the signalling made it by more than three frames.
#[track_caller]
fn never_silent(who: &str, hearing: &Hearing, due: Duration) {
    let beyond = hearing.longest_silence.saturating_sub(due);
    println!("{who}: silent for {:?}, of which {due:?} were due", hearing.longest_silence);
    assert!(beyond <= MOST_SILENCE, "{who} was silent for {beyond:?} beyond {due:?}: {hearing:#?}");
}

/// Asserts that before the last tone there was no silence longer than the last hold by more than three frames, and one more for
/// the moment at which a tone is told from silence: an earlier hold, however long, is no excuse.
#[track_caller]
fn not_silent_at_the_switch(who: &str, hearing: &Hearing, last_hold: Duration) {
    let [.., before, (Some(_), new)] = &hearing.changes[..] else { panic!("{who}: {hearing:#?}") };
    let silent = if before.0.is_none() { new.since(before.1) } else { Duration::ZERO };
    let most = last_hold + MOST_SILENCE + Duration::from_millis(20);
    assert!(
        silent <= most,
        "{who} was silent for {silent:?} at the switch, {last_hold:?} were due: {hearing:#?}"
    );
}

/// Asserts that the old peer gets no packet once the new one is spoken to, and as many as the call says it has sent.
#[track_caller]
fn switched(who: &str, sent: &[Datagram], old: SocketAddr, new: SocketAddr, counted: u64) {
    let audio: Vec<SocketAddr> =
        sent.iter().filter(|datagram| datagram.is_audio()).map(|datagram| datagram.to).collect();
    let first = audio.iter().position(|to| *to == new).unwrap_or_else(|| panic!("{who}: nothing to {new}"));
    assert!(audio[first..].iter().all(|to| *to == new), "{who}: not only to {new}: {:?}", &audio[first..]);
    let to_old = audio.iter().filter(|to| **to == old).count();
    assert_eq!(to_old as u64, counted, "{who}: packets to {old}");
}

/// Asserts that nobody gets audio once this request was sent.
#[track_caller]
fn silent_after(who: &str, method: &str, sent: &[Datagram]) {
    let request = sent.iter().position(|datagram| datagram.is(method));
    let request = request.unwrap_or_else(|| panic!("{who}: no {method}"));
    let late = sent[request..].iter().filter(|datagram| datagram.is_audio()).count();
    assert_eq!(late, 0, "{who}: audio after the {method}");
}

/// Asserts that the ports of a call that is over are free: RTP, and RTCP beside it.
#[track_caller]
fn free(who: &str, rtp: SocketAddr) {
    for port in [rtp.port(), rtp.port() + 1] {
        let bound = UdpSocket::bind(SocketAddr::new(rtp.ip(), port));
        assert!(bound.is_ok(), "{who}: port {port}: {bound:?}");
    }
}

/// A call of a user's, with the RTP addresses of both sides.
#[derive(Debug, Clone, Copy)]
struct Leg {
    call: SessionId,
    local: SocketAddr,
    remote: SocketAddr,
}

async fn leg(of: &Recorded, call: SessionId) -> Leg {
    let info = of.media(call).await;
    let (local, remote) = (info.local.expect("our address"), info.remote.expect("their address"));
    Leg { call, local, remote }
}

async fn three(carol: Calls, holds_first: bool) -> [Recorded; 3] {
    let address = own_address();
    [
        Recorded::start("alice", ALICE, address, Calls::Answer, holds_first).await,
        Recorded::start("bob", BOB, address, Calls::Answer, holds_first).await,
        Recorded::start("carol", CAROL, address, carol, holds_first).await,
    ]
}

/// Waits until a user hears the new party, and checks the move: what was heard before and after, for how long nothing, and
/// that the old call's port is free. The second half is in [`switched`], once everybody has ended.
async fn was_moved(who: &str, user: &mut Recorded, old: Leg, new: SessionId, tones: [u16; 2]) -> (Leg, u64) {
    let hearing = user.hears(new, tones[1]).await;
    heard(who, &hearing, &tones);
    never_silent(who, &hearing, user.longest_hold(old.call, Some(new)));
    let last_hold = user.holds(old.call, Some(new)).pop().unwrap_or_default();
    not_silent_at_the_switch(who, &hearing, last_hold);
    let sent = user.sent_in_all(old.call).await;
    // The pump answers once it has done what it was told before.
    let new = leg(user, new).await;
    assert_ne!(old.local, new.local, "{who}");
    free(who, old.local);
    (new, sent)
}

/// Asserts that a user who moved the others is in no call any more: each has ended once, and nothing has an ear that could
/// hear them. That the others send to each other only is in [`switched`].
async fn is_out(who: &str, user: &mut Recorded, calls: &[SessionId]) {
    for &call in calls {
        let ended = |event: &SessionEvent| {
            event.session == Some(call) && matches!(event.kind, EventKind::CallEnded { .. })
        };
        if !user.party.seen().iter().any(ended) {
            user.party.wait_for("the end of the call", PATIENCE, ended).await;
        }
        let info = user.party.manager.get_session_media_info(&call).await;
        assert_eq!(info.err(), Some(SessionError::Unknown), "{who}");
    }
    let left = user.party.manager.sessions().await.expect("a list");
    assert!(left.is_empty(), "{who}: {left:?}");
}

async fn blind(holds_first: bool) {
    let [mut alice, mut bob, mut carol] = three(Calls::Answer, holds_first).await;
    let (session, bobs) = call(&mut alice, &mut bob, [ALICE, BOB]).await;
    let (old, alices) = (leg(&bob, bobs).await, leg(&alice, session.id()).await);
    let mut transfer = session.blind(&carol.party.uri()).await.expect("a transfer");
    let outcome = timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome");
    assert_eq!(outcome.kind, OutcomeKind::Succeeded);
    let (new, carols) = (bob.party.transferred_to().await, carol.party.established().await);
    let (new, sent) = was_moved("Bob", &mut bob, old, new, [ALICE, CAROL]).await;
    let hearing = carol.hears(carols, BOB).await;
    heard("Carol", &hearing, &[BOB]);
    never_silent("Carol", &hearing, Duration::ZERO);
    alice.sent_in_all(session.id()).await;
    is_out("Alice", &mut alice, &[session.id()]).await;
    let [alice_sent, bob_sent, carol_sent] = finish([alice, bob, carol]).await;
    free("Alice", alices.local);
    switched("Bob", &bob_sent, old.remote, new.remote, sent);
    assert!(carol_sent.iter().filter(|sent| sent.is_audio()).all(|sent| sent.to == new.local));
    if holds_first {
        silent_after("Alice", "REFER", &alice_sent);
    }
}

/// Bob and Carol, who were both called by Alice, are joined. `complete` moves them.
async fn joined(
    [mut alice, mut bob, mut carol]: [Recorded; 3],
    sessions: [&Session; 2],
    calls: [SessionId; 2],
    complete: impl AsyncFnOnce() -> OutcomeKind,
) {
    let (bobs, carols) = (leg(&bob, calls[0]).await, leg(&carol, calls[1]).await);
    assert_eq!(complete().await, OutcomeKind::Succeeded);
    let (new, replaced) = (bob.party.transferred_to().await, carol.party.established().await);
    let (bobs_new, bobs_sent) = was_moved("Bob", &mut bob, bobs, new, [ALICE, CAROL]).await;
    let (carols_new, carols_sent) = was_moved("Carol", &mut carol, carols, replaced, [ALICE, BOB]).await;
    for session in sessions {
        alice.sent_in_all(session.id()).await;
    }
    is_out("Alice", &mut alice, &sessions.map(Session::id)).await;
    let [alice_sent, bob_sent, carol_sent] = finish([alice, bob, carol]).await;
    free("Alice", bobs.remote);
    free("Alice", carols.remote);
    switched("Bob", &bob_sent, bobs.remote, bobs_new.remote, bobs_sent);
    switched("Carol", &carol_sent, carols.remote, carols_new.remote, carols_sent);
    let to_bob = alice_sent.iter().rev().find(|sent| sent.is_audio() && sent.to == bobs.local);
    assert!(to_bob.is_some(), "Alice spoke to Bob");
}

async fn finish([alice, bob, carol]: [Recorded; 3]) -> [Vec<Datagram>; 3] {
    [alice.finish().await, bob.finish().await, carol.finish().await]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer() {
    // covers: TM-015, TM-016, TM-017
    blind(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_of_a_call_that_is_not_held() {
    // covers: TM-016, TM-017, TM-018
    blind(false).await;
}

async fn two_calls(holds_first: bool) {
    let [mut alice, mut bob, mut carol] = three(Calls::Answer, holds_first).await;
    let (first, bobs) = call(&mut alice, &mut bob, [ALICE, BOB]).await;
    timeout(PATIENCE, first.hold()).await.expect("in time").expect("held");
    let (second, carols) = call(&mut alice, &mut carol, [ALICE, CAROL]).await;
    let parties = [alice, bob, carol];
    let complete = async || {
        let mut transfer = first.attended(&second).await.expect("a transfer");
        timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome").kind
    };
    joined(parties, [&first, &second], [bobs, carols], complete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attended_transfer_by_two_calls() {
    // covers: TM-016, TM-017, TM-018
    two_calls(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_held_hears_one_party_after_the_other() {
    // covers: TM-017, TM-018
    two_calls(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consultation_with_a_swap() {
    // covers: TM-016, TM-017, TM-018
    let [mut alice, mut bob, mut carol] = three(Calls::Answer, true).await;
    let (session, bobs) = call(&mut alice, &mut bob, [ALICE, BOB]).await;
    let mut consultation = session.consult(&carol.party.uri()).await.expect("a consultation");
    timeout(PATIENCE, consultation.answered()).await.expect("in time").expect("answered");
    let carols = carol.party.established().await;
    carol.hears(carols, ALICE).await;
    let second = alice.party.manager.session(&consultation.call().id()).await.expect("the call to Carol");
    alice.hears(second.id(), CAROL).await;
    consultation.swap().await.expect("asked");
    let swapped = async {
        while let Some(step) = consultation.progress().await {
            if matches!(step, EventKind::ConsultSwapped { .. }) {
                return;
            }
        }
        panic!("the transfer ended before the swap");
    };
    timeout(PATIENCE, swapped).await.expect("in time");
    bob.hears(bobs, ALICE).await;
    alice.hears(session.id(), BOB).await;
    let complete = async || {
        let mut transfer = consultation.complete().await.map_err(|(_, error)| error).expect("a transfer");
        timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome").kind
    };
    joined([alice, bob, carol], [&session, &second], [bobs, carols], complete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_fails_gives_the_parties_back_to_each_other() {
    let [mut alice, mut bob, carol] = three(Calls::Ring, true).await;
    let (session, bobs) = call(&mut alice, &mut bob, [ALICE, BOB]).await;
    let (alices, before) = (leg(&alice, session.id()).await, leg(&bob, bobs).await);
    let mut transfer = session.blind(&carol.party.uri()).await.expect("a transfer");
    let calling = |event: &SessionEvent| matches!(event.kind, EventKind::Calling { .. });
    let referred = bob.party.wait_for("the referred call", PATIENCE, calling).await.session;
    let port = bob.media(referred.expect("a call")).await.local.expect("its offer names one");
    assert!(UdpSocket::bind(port).is_err(), "{port} waits for Carol");
    let outcome = timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome");
    assert_eq!(outcome.kind, OutcomeKind::Recovered);
    let ended =
        |event: &SessionEvent| event.session == referred && matches!(event.kind, EventKind::CallEnded { .. });
    bob.party.wait_for("its end", PATIENCE, ended).await;
    // The driver replies once it has done what came before.
    bob.media(bobs).await;
    free("Bob", port);
    for (who, user, own, tone) in [("Alice", &mut alice, alices, BOB), ("Bob", &mut bob, before, ALICE)] {
        let hearing = user.hears(own.call, tone).await;
        heard(who, &hearing, &[tone]);
        let due = user.longest_hold(own.call, None);
        assert!(due >= RING_LIMIT, "{who}: {due:?}");
        never_silent(who, &hearing, due);
        let after = leg(user, own.call).await;
        assert_eq!((after.local, after.remote), (own.local, own.remote), "{who}");
    }
    let [alice_sent, bob_sent, carol_sent] = finish([alice, bob, carol]).await;
    for (who, sent, to) in [("Alice", alice_sent, alices.remote), ("Bob", bob_sent, before.remote)] {
        assert!(sent.iter().filter(|sent| sent.is_audio()).all(|sent| sent.to == to), "{who}");
    }
    assert!(!carol_sent.iter().any(Datagram::is_audio), "Carol");
    free("Alice", alices.local);
    free("Bob", before.local);
}
