use dialog_core::EndReason;

use super::*;

fn priority_of(kind: EventKind) -> Priority {
    SessionEvent { seq: 0, at: Duration::ZERO, session: None, transfer: None, kind }.priority()
}

#[test]
fn the_events_of_a_call_share_one_priority_and_traces_are_lower() {
    let to = SessionId::from(1);
    for kind in [
        EventKind::Calling { to: String::new() },
        EventKind::Established { peer: String::new(), placed: true },
        EventKind::HoldChanged { local: true, remote: false },
        EventKind::ReferSent,
        EventKind::TransferBridging,
        EventKind::TransferRecovering,
        EventKind::TransferConnected { to },
        EventKind::MediaSwitched { to, gap: None },
        EventKind::CallEnded {
            cause: EndCause {
                by: dialog_core::By::Local,
                reason: EndReason::Bye,
                header: None,
                details: Vec::new(),
            },
        },
    ] {
        assert_eq!(priority_of(kind.clone()), Priority::Normal, "{kind:?}");
    }
    let address = SocketAddr::from(([192, 0, 2, 1], 5060));
    let trace = TracedMessage {
        sent: true,
        transport: Transport::Udp,
        local: address,
        remote: address,
        summary: String::new(),
        bytes: Bytes::new(),
    };
    assert_eq!(priority_of(EventKind::Message(trace)), Priority::Low);
}
