use super::*;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

fn sent(party: usize, to: usize, at: u64, name: &str) -> Step {
    let what = What::Sent { to: Some(to), label: name.to_owned(), bytes: name.as_bytes().to_vec() };
    Step { party, at: Duration::from_millis(at), what }
}

fn received(party: usize, at: u64, name: &str) -> Step {
    Step { party, at: Duration::from_millis(at), what: What::Received { bytes: name.as_bytes().to_vec() } }
}

fn labels(steps: &[Step], wait: Duration) -> Vec<String> {
    let taken = Instant::now();
    let mut merge = Merge::default();
    for step in steps {
        merge.push(taken, step.at, step.clone());
    }
    let mut labels = Vec::new();
    while let Some(step) = merge.next(taken + wait) {
        match step.what {
            What::Sent { label, .. } => labels.push(label),
            What::Note(words) => labels.push(words),
            What::Received { .. } => panic!("an arrival is no line"),
        }
    }
    labels
}

#[test]
fn an_answer_stands_below_its_request_even_if_the_clocks_disagree() {
    let steps = [
        received(BOB, 4, "INVITE"),
        sent(BOB, ALICE, 5, "180"),
        sent(ALICE, BOB, 10, "INVITE"),
        received(ALICE, 11, "180"),
        sent(ALICE, BOB, 12, "ACK"),
    ];
    assert_eq!(labels(&steps, SETTLE), ["INVITE", "180", "ACK"]);
}

#[test]
fn each_message_stands_once() {
    let steps = [
        sent(ALICE, BOB, 1, "BYE"),
        received(BOB, 1, "BYE"),
        sent(BOB, ALICE, 2, "200"),
        received(ALICE, 2, "200"),
    ];
    assert_eq!(labels(&steps, SETTLE), ["BYE", "200"]);
}

#[test]
fn a_lost_message_holds_nothing_up() {
    let steps =
        [sent(ALICE, BOB, 1, "OPTIONS"), sent(ALICE, BOB, 501, "OPTIONS"), received(BOB, 501, "OPTIONS")];
    assert_eq!(labels(&steps, SETTLE), ["OPTIONS", "OPTIONS"]);
}

#[test]
fn a_message_of_a_stranger_waits_only_for_a_while() {
    let steps = [received(BOB, 1, "noise"), sent(BOB, CAROL, 2, "INVITE")];
    assert_eq!(labels(&steps, SETTLE), [] as [String; 0]);
    assert_eq!(labels(&steps, STRANGER), ["INVITE"]);
}

#[test]
fn what_is_not_settled_waits() {
    assert_eq!(labels(&[sent(ALICE, BOB, 1, "INVITE")], SETTLE / 2), [] as [String; 0]);
}

#[test]
fn the_oldest_message_underway_is_forgotten_at_the_bound() {
    let mut merge = Merge::default();
    let taken = Instant::now();
    for at in 0..=MOST_UNDERWAY as u64 {
        merge.push(taken, Duration::from_millis(at), sent(ALICE, BOB, at, &at.to_string()));
    }
    while merge.next(taken + SETTLE).is_some() {}
    assert_eq!(merge.underway.len(), MOST_UNDERWAY);
    assert_eq!(merge.underway.front().map(Vec::as_slice), Some(b"1".as_slice()));
}

#[test]
fn lines_fit_and_times_start_anew_at_the_refer() {
    let mut ladder = Ladder::default();
    let long = "INVITE with a label that is much longer than the space between two lifelines";
    let note =
        Step { party: CAROL, at: Duration::from_millis(150), what: What::Note("call is up".to_owned()) };
    let lines: Vec<String> = [
        sent(ALICE, BOB, 12, long),
        sent(ALICE, BOB, 100, "REFER: call carol"),
        sent(BOB, CAROL, 107, "INVITE"),
        note,
    ]
    .iter()
    .filter_map(|step| ladder.draw(step))
    .collect();
    assert_eq!(
        lines,
        [
            "      12    |- INVITE with a label that is much l.. ->|                                         |",
            "      +0    |----------- REFER: call carol ---------->|                                         |",
            "      +7    |                                         |---------------- INVITE ---------------->|",
            "     +50    |                                         |                              call is up *",
        ]
    );
    for line in Ladder::heading().iter().chain(&lines) {
        assert!(line.chars().count() <= Lifelines::new(3).width(), "{line}");
    }
}

#[test]
fn an_arrow_to_the_left_ends_at_the_receiver() {
    let line = Ladder::default().draw(&sent(CAROL, BOB, 3, "486 Busy Here (INVITE)")).expect("a line");
    assert!(line.contains("|<------- 486 Busy Here (INVITE) ---------|"), "{line}");
}
