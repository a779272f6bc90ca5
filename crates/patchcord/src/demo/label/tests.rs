use super::*;

#[test]
fn what_is_no_message_keeps_its_summary() {
    assert_eq!(of(b"noise", "noise of 5 bytes"), "noise of 5 bytes");
}
