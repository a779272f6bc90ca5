//! What a stack of transfers has to do with each peer, cell by cell: what is done, over which transport, with whom. A cell is
//! covered by a test that the table of results has, or it says why there is none.

use std::fmt::Write as _;

use super::{
    over::Over,
    reasons::{REASONS, Reason, number},
};

/// The peers, in the order of the columns.
pub(crate) const PEERS: [&str; 4] = ["SIP.js", "linphonec", "baresip", "sipp"];

/// What is known of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// This test covers it.
    By(&'static str),
    /// The peer cannot, for this reason.
    Cannot(Reason),
}

use Cell::{By, Cannot};
use Reason::{BaresipFollows, BaresipRefers, BaresipReplaced, SipJsTransport, SippOneCall, SippTls};

/// What is done, over what, and the cells of the peers in their order.
const CELLS: &[(&str, Over, [Cell; 4])] = &[
    (
        "blind, it is the transferor",
        Over::Udp,
        [
            By("sipjs_moves_answer_to_linphonec"),
            By("linphonec_moves_answer_to_sipjs"),
            By("baresip_moves_answer_to_sipjs"),
            By("answer_follows_a_refer_of_sipp"),
        ],
    ),
    (
        "blind, it is the transferor",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("linphonec_moves_answer_to_linphonec_over_tcp"),
            By("baresip_moves_answer_to_answer_over_tcp"),
            By("sipp_moves_us_over_one_connection"),
        ],
    ),
    (
        "blind, it is the transferor",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("linphonec_moves_answer_to_answer_over_tls"),
            By("baresip_moves_answer_to_answer_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "blind, it is the transferee",
        Over::Udp,
        [
            By("sipjs_is_moved_to_linphonec"),
            By("linphonec_is_moved_to_sipjs"),
            By("baresip_is_moved_to_sipjs"),
            By("transferee_as_in_rfc_3515"),
        ],
    ),
    (
        "blind, it is the transferee",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("we_move_linphonec_to_linphonec_over_tcp"),
            By("we_move_baresip_to_baresip_over_tcp"),
            By("sipp_is_moved_over_one_connection"),
        ],
    ),
    (
        "blind, it is the transferee",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("linphonec_calls_us_over_tls_and_is_moved"),
            By("we_move_baresip_to_baresip_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "blind, it is the target",
        Over::Udp,
        [
            By("linphonec_is_moved_to_sipjs"),
            By("sipjs_is_moved_to_linphonec"),
            By("sipjs_is_moved_to_baresip"),
            By("a_transfer_from_sipp_to_a_sipp_target_carries_referred_by"),
        ],
    ),
    (
        "blind, it is the target",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("we_move_linphonec_to_linphonec_over_tcp"),
            By("we_move_baresip_to_baresip_over_tcp"),
            By("we_move_answer_to_sipp_over_tcp"),
        ],
    ),
    (
        "blind, it is the target",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("we_move_linphonec_to_linphonec_by_a_registrar_over_tls"),
            By("we_move_baresip_to_baresip_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "attended, it is the transferor",
        Over::Udp,
        [
            By("sipjs_joins_answer_with_linphonec"),
            By("linphonec_joins_answer_with_sipjs"),
            Cannot(BaresipRefers),
            Cannot(SippOneCall),
        ],
    ),
    (
        "attended, it is the transferor",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("linphonec_joins_linphonec_with_answer_over_tcp"),
            Cannot(BaresipRefers),
            Cannot(SippOneCall),
        ],
    ),
    (
        "attended, it is the transferor",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("linphonec_joins_answer_with_answer_over_tls"),
            Cannot(BaresipRefers),
            Cannot(SippTls),
        ],
    ),
    (
        "attended, it is the transferee",
        Over::Udp,
        [
            By("we_join_sipjs_with_linphonec"),
            By("we_join_linphonec_with_sipjs"),
            Cannot(BaresipFollows),
            Cannot(SippOneCall),
        ],
    ),
    (
        "attended, it is the transferee",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("we_join_linphonec_with_linphonec_over_tcp"),
            Cannot(BaresipFollows),
            Cannot(SippOneCall),
        ],
    ),
    (
        "attended, it is the transferee",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("linphonec_calls_us_over_tls_and_is_joined"),
            Cannot(BaresipFollows),
            Cannot(SippTls),
        ],
    ),
    (
        "attended, it is the target",
        Over::Udp,
        [
            By("we_join_linphonec_with_sipjs"),
            By("we_join_sipjs_with_linphonec"),
            Cannot(BaresipReplaced),
            By("we_join_linphonec_with_sipp"),
        ],
    ),
    (
        "attended, it is the target",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("we_join_linphonec_with_linphonec_over_tcp"),
            Cannot(BaresipReplaced),
            By("we_join_answer_with_sipp_over_tcp"),
        ],
    ),
    (
        "attended, it is the target",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("we_join_linphonec_with_linphonec_by_a_registrar_over_tls"),
            Cannot(BaresipReplaced),
            Cannot(SippTls),
        ],
    ),
    (
        "it holds and resumes us",
        Over::Udp,
        [
            By("sipjs_calls_holds_and_resumes_us"),
            By("linphonec_calls_holds_and_resumes_us"),
            By("baresip_calls_holds_and_resumes_us_by_command"),
            By("sipp_holds_and_resumes_us_over_udp"),
        ],
    ),
    (
        "it holds and resumes us",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("linphonec_calls_holds_and_resumes_us_over_tcp"),
            By("baresip_calls_holds_and_resumes_us_over_tcp"),
            By("sipp_holds_and_resumes_us_over_tcp"),
        ],
    ),
    (
        "it holds and resumes us",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("linphonec_calls_holds_and_resumes_us_over_tls"),
            By("baresip_calls_holds_and_resumes_us_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "we hold and resume it",
        Over::Udp,
        [
            By("sipjs_is_called_held_and_resumed"),
            By("linphonec_is_called_held_and_resumed"),
            By("baresip_is_called_held_and_resumed"),
            By("call_holds_and_resumes_sipp"),
        ],
    ),
    (
        "we hold and resume it",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("linphonec_is_called_held_and_resumed_over_tcp"),
            By("baresip_is_called_held_and_resumed_over_tcp"),
            By("sipp_is_called_held_and_resumed_over_tcp"),
        ],
    ),
    (
        "we hold and resume it",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("linphonec_calls_us_over_tls_and_is_held_and_resumed"),
            By("baresip_is_called_held_and_resumed_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "it is a busy target",
        Over::Udp,
        [
            By("linphonec_comes_back_from_a_busy_target"),
            By("answer_comes_back_from_a_busy_linphonec"),
            By("answer_comes_back_from_a_busy_baresip"),
            By("answer_comes_back_from_a_busy_sipp"),
        ],
    ),
    (
        "it is a busy target",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("answer_comes_back_from_a_busy_linphonec_over_tcp"),
            By("answer_comes_back_from_a_busy_baresip_over_tcp"),
            By("answer_comes_back_from_a_busy_sipp_over_tcp"),
        ],
    ),
    (
        "it is a busy target",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("answer_comes_back_from_a_busy_linphonec_by_a_registrar_over_tls"),
            By("answer_comes_back_from_a_busy_baresip_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "REFER with digest, its own",
        Over::Udp,
        [
            By("sipjs_moves_linphonec_to_answer_by_a_registrar"),
            By("linphonec_moves_answer_to_baresip_by_a_registrar"),
            By("baresip_moves_answer_to_sipjs_by_a_registrar"),
            By("sipp_moves_answer_to_answer_by_a_registrar"),
        ],
    ),
    (
        "REFER with digest, its own",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("linphonec_moves_answer_to_answer_by_a_registrar_over_tcp"),
            By("baresip_moves_answer_to_answer_by_a_registrar_over_tcp"),
            By("sipp_moves_answer_to_answer_by_a_registrar_over_tcp"),
        ],
    ),
    (
        "REFER with digest, its own",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("linphonec_moves_answer_to_answer_by_a_registrar_over_tls"),
            By("baresip_moves_answer_to_answer_by_a_registrar_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "REFER with digest, ours to it",
        Over::Udp,
        [
            By("we_move_sipjs_to_answer_by_a_registrar"),
            By("we_move_linphonec_to_baresip_by_a_registrar"),
            By("we_move_baresip_to_linphonec_by_a_registrar"),
            By("sipp_wants_a_password_for_our_refer"),
        ],
    ),
    (
        "REFER with digest, ours to it",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("we_join_linphonec_with_linphonec_by_a_registrar_over_tcp"),
            By("we_move_baresip_to_baresip_by_a_registrar_over_tcp"),
            By("sipp_wants_a_password_for_our_refer_over_tcp"),
        ],
    ),
    (
        "REFER with digest, ours to it",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("we_move_linphonec_to_linphonec_by_a_registrar_over_tls"),
            By("we_move_baresip_to_baresip_by_a_registrar_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "blind, by a Record-Route of kamailio",
        Over::Udp,
        [
            By("sipjs_moves_linphonec_to_answer_by_a_registrar"),
            By("we_move_linphonec_to_baresip_by_a_registrar"),
            By("we_move_baresip_to_linphonec_by_a_registrar"),
            By("sipp_moves_answer_to_answer_by_a_registrar"),
        ],
    ),
    (
        "blind, by a Record-Route of kamailio",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("we_move_linphonec_to_linphonec_by_a_registrar_over_tcp"),
            By("we_move_baresip_to_baresip_by_a_registrar_over_tcp"),
            By("sipp_moves_answer_to_answer_by_a_registrar_over_tcp"),
        ],
    ),
    (
        "blind, by a Record-Route of kamailio",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("we_move_linphonec_to_linphonec_by_a_registrar_over_tls"),
            By("we_move_baresip_to_baresip_by_a_registrar_over_tls"),
            Cannot(SippTls),
        ],
    ),
    (
        "attended, by a Record-Route of kamailio",
        Over::Udp,
        [
            By("we_join_sipjs_with_linphonec_by_a_registrar"),
            By("we_join_linphonec_with_sipjs_by_a_registrar"),
            Cannot(BaresipReplaced),
            By("we_join_answer_with_sipp_by_a_proxy"),
        ],
    ),
    (
        "attended, by a Record-Route of kamailio",
        Over::Tcp,
        [
            Cannot(SipJsTransport),
            By("we_join_linphonec_with_linphonec_by_a_registrar_over_tcp"),
            Cannot(BaresipReplaced),
            By("we_join_answer_with_sipp_by_a_proxy_over_tcp"),
        ],
    ),
    (
        "attended, by a Record-Route of kamailio",
        Over::Tls,
        [
            Cannot(SipJsTransport),
            By("we_join_linphonec_with_linphonec_by_a_registrar_over_tls"),
            Cannot(BaresipReplaced),
            Cannot(SippTls),
        ],
    ),
];

/// The cells as a table, and the reasons below it.
pub(crate) fn table() -> String {
    let mut text = String::from("| What | Over |");
    for peer in PEERS {
        // Writing to a String cannot fail.
        let _ = write!(text, " {peer} |");
    }
    text.push_str("\n| --- | --- | --- | --- | --- | --- |\n");
    for (what, over, cells) in CELLS {
        let _ = write!(text, "| {what} | {} |", over.name());
        for cell in cells {
            let _ = match cell {
                By(_) => write!(text, " yes |"),
                Cannot(reason) => write!(text, " no ({}) |", number(*reason)),
            };
        }
        text.push('\n');
    }
    text.push('\n');
    for (reason, words) in REASONS {
        let _ = writeln!(text, "{}. {words}.", number(reason));
    }
    text
}

#[test]
fn each_covered_cell_has_a_test_with_that_peer() {
    let rows = super::rows();
    for (what, over, cells) in CELLS {
        for (peer, cell) in PEERS.iter().zip(cells) {
            if let By(test) = cell {
                let found = rows.iter().any(|row| row.peer == *peer && row.test == *test);
                assert!(found, "{what} over {} with {peer}: `{test}` is no such test", over.name());
            }
        }
    }
}

#[test]
fn each_reason_is_given_once_and_used() {
    for (reason, _) in REASONS {
        assert_eq!(REASONS.iter().filter(|(known, _)| *known == reason).count(), 1, "{reason:?}");
        let used = CELLS.iter().flat_map(|(_, _, cells)| cells).any(|cell| *cell == Cannot(reason));
        assert!(used, "{reason:?}");
    }
}
