//! What the settings of RTP and RTCP do, on real sockets.

#![expect(clippy::disallowed_types, reason = "sockets stand where a peer is said to be")]

use std::{net::UdpSocket, time::Duration};

use media_core::{
    dtmf::{Event, ToneSender},
    rtcp::{RtcpPacket, parse_compound},
};
use session_core::{
    Builder, EventKind, Incoming, IncomingQueue, SampleRate, Session, SessionEvent, SessionManager, Source,
    Subscriber, Wav,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
const REPORTS: Duration = Duration::from_millis(200);

fn answer_everything(manager: SessionManager, mut incoming: IncomingQueue) {
    tokio::spawn(async move {
        while let Some(Incoming::Call(call)) = incoming.next().await {
            call.answer(&manager).await.expect("an incoming call can be answered");
        }
    });
}

/// A callee and a caller with a call that is up, and the caller's events from before it.
struct Call {
    callee: SessionManager,
    caller: SessionManager,
    session: Session,
    events: Subscriber<SessionEvent>,
}

impl Call {
    async fn between(caller: Builder, callee: Builder) -> Self {
        let (callee, incoming) = callee.rtcp_interval(REPORTS).start().await.expect("a callee");
        answer_everything(callee.clone(), incoming);
        let (caller, _incoming) = caller.rtcp_interval(REPORTS).start().await.expect("a caller");
        let events = caller.subscribe().expect("events");
        let uri = format!("sip:x@{}", callee.local_addresses()[0].1);
        let session = caller.call(&uri).await.expect("a call");
        timeout(PATIENCE, session.established()).await.expect("in time").expect("an answer");
        Self { callee, caller, session, events }
    }

    /// Waits for an event of the caller.
    async fn wait<R>(&mut self, what: &str, pick: impl Fn(&EventKind) -> Option<R>) -> R {
        let found = async {
            loop {
                let delivery = self.events.recv().await.expect("the manager lives");
                if let Some(found) = pick(&delivery.into_event().expect("nothing is lost").kind) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {what} in time"))
    }

    /// The caller's stream, after its next report.
    async fn stream(&mut self) -> session_core::StreamSnapshot {
        self.wait("report", |kind| matches!(kind, EventKind::MediaQuality(_)).then_some(())).await;
        self.session.media_info().await.expect("known").stream.expect("open")
    }

    async fn end(self) {
        self.caller.shutdown().await;
        self.callee.shutdown().await;
    }
}

fn builder() -> Builder {
    SessionManager::builder().source(Source::Tone { hz: 440 })
}

/// Ports for a call, and for those that rest.
const PORTS: u16 = 8;

/// A callee whose description names another host than the one that it is at, as behind a NAT.
fn elsewhere(host: [u8; 4], port: u16) -> Builder {
    builder().media_address(host.into()).media_ports(port..=port + PORTS - 1)
}

/// What stands at the host that is named: RTP ports, or those of RTCP.
fn named(host: [u8; 4], port: u16, rtcp: bool) -> Vec<UdpSocket> {
    let ports = (port + u16::from(rtcp)..port + PORTS).step_by(2);
    ports
        .map(|port| {
            let socket = UdpSocket::bind((std::net::IpAddr::from(host), port)).expect("an address of ours");
            socket.set_nonblocking(true).expect("a socket");
            socket
        })
        .collect()
}

/// What has come there since it was looked at last.
fn received(sockets: &[UdpSocket]) -> Vec<Vec<u8>> {
    let mut packet = [0; 2_048];
    let all = sockets.iter().flat_map(|socket| {
        std::iter::from_fn(|| socket.recv(&mut packet).ok().map(|length| packet[..length].to_vec()))
            .collect::<Vec<_>>()
    });
    all.collect()
}

#[tokio::test]
async fn a_peer_behind_a_nat_is_found_where_addresses_are_learned() {
    // covers: SEC-40
    for learns in [false, true] {
        let caller = if learns { builder().learn_addresses() } else { builder() };
        let host = [127, 0, 79, 1 + u8::from(learns)];
        let mut call = Call::between(caller, elsewhere(host, 22_100 + PORTS * u16::from(learns))).await;
        let stream = loop {
            let stream = call.stream().await;
            if if learns { stream.received > 10 } else { stream.strangers > 10 } {
                break stream;
            }
        };
        let ip = stream.remote.expect("negotiated").ip();
        assert_eq!(ip, std::net::IpAddr::from(if learns { [127, 0, 0, 1] } else { host }));
        assert_eq!(stream.received > 0, learns);
        call.end().await;
    }
}

#[tokio::test]
async fn who_is_named_and_never_answers_gets_so_many_packets_and_no_more() {
    // covers: SEC-44
    let (host, port) = ([127, 0, 79, 9], 22_120);
    let named = named(host, port, false);
    let caller = builder().unconfirmed_packets(Some(50));
    let mut call = Call::between(caller, elsewhere(host, port)).await;
    // The callee's own packets come, from another host than the one that is named.
    let stream = loop {
        let stream = call.stream().await;
        if stream.withheld > 20 && stream.strangers > 20 {
            break stream;
        }
    };
    assert_eq!((stream.sent, stream.received, stream.reports_received), (50, 0, 0));
    assert_eq!(received(&named).len(), 50);
    call.end().await;
}

#[tokio::test]
async fn reports_have_the_metrics_of_rfc_3611_where_they_are_wanted() {
    for wanted in [false, true] {
        let (host, port) = ([127, 0, 79, 10], 22_130 + PORTS * u16::from(wanted));
        let named = named(host, port, true);
        let caller = builder().unconfirmed_packets(Some(0));
        let caller = if wanted { caller.voice_metrics() } else { caller };
        let mut call = Call::between(caller, elsewhere(host, port)).await;
        let compound = loop {
            call.stream().await;
            if let Some(report) = received(&named).first() {
                break parse_compound(report).expect("a compound");
            }
        };
        let extended = compound.iter().any(|packet| matches!(packet, RtcpPacket::ExtendedReport { .. }));
        assert_eq!(extended, wanted, "{compound:?}");
        call.end().await;
    }
}

#[tokio::test]
async fn packets_without_sound_are_told_where_that_is_wanted() {
    let caller = builder().soundless_after(Duration::from_millis(300));
    let callee = SessionManager::builder().source(Source::Silence);
    let mut call = Call::between(caller, callee).await;
    call.wait("silence", |kind| matches!(kind, EventKind::MediaSoundless).then_some(())).await;
    call.end().await;
}

#[tokio::test]
async fn digits_are_found_in_the_audio_where_that_is_wanted() {
    let mut tones = ToneSender::new(8_000);
    let digit = Event::from_char('5').expect("a digit");
    tones.push(digit, Duration::from_millis(100)).expect("room");
    // Half a second of silence before it, so that the other side listens.
    let mut samples = vec![0; 8_000];
    for frame in samples[4_000..].chunks_mut(160) {
        tones.replace(frame);
    }
    let callee = SessionManager::builder().source(Source::Wav(Wav::new(samples, SampleRate::Hz8000)));
    let mut call = Call::between(builder().find_tones(), callee).await;
    let found = call.wait("digit", |kind| match kind {
        EventKind::Digit { digit, .. } => Some(*digit),
        _ => None,
    });
    assert_eq!(found.await, digit);
    call.end().await;
}
