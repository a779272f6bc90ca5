//! Outbound by UDP (RFC 5626): `answer` behind a NAT, at a registrar that answers STUN on the port that it takes SIP at.

use std::net::SocketAddr;

use patchcord_tests::peer::{
    PATIENCE,
    application::Application,
    kamailio::{self, Kamailio},
    nat::Nat,
};
use tokio::task::block_in_place;

use super::{
    Outcome, address_by_transport, enabled, listen, names,
    table::{self, Row, test_name},
    uri,
};

/// The block of addresses of the case: on a network of its own.
const BLOCK: u8 = 128;

const PASSWORD: &str = "correct-horse";
const VARIABLE: &str = "PATCHCORD_TEST_PASSWORD";

/// Its name, whatever its address is (RFC 5626 §4.1).
const INSTANCE: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    vec![Row {
        peer: "kamailio",
        role: "registrar",
        kind: "outbound, kept open by STUN on its SIP port (RFC 5626 §4.4.2)",
        with: "`answer --outbound` (UDP), a NAT between".to_owned(),
        media: "–",
        expected: "each Binding Request is answered; when the NAT has another port, the answer says so and \
                   `registration_failed` is told, with `retry_ms`"
            .to_owned(),
        outcome: table::Outcome::Passes,
        test: test_name!(the_stun_of_kamailio_shows_that_a_nat_has_forgotten_us),
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stun_of_kamailio_shows_that_a_nat_has_forgotten_us() -> Outcome {
    if !enabled("a NAT that forgets us") {
        return Ok(());
    }
    let [ours, inside, outside, registrar] = [1, 2, 3, 4].map(|peer| address_by_transport(BLOCK, peer));
    let mut kamailio = block_in_place(|| Kamailio::outbound_registrar(registrar, PASSWORD))?;
    let at = |address| SocketAddr::from((address, kamailio::PORT));
    let mut nat = Nat::start(at(inside), outside, at(registrar)).await?;
    let (listen, account, proxy) = (listen(ours), uri("bob", registrar), format!("sip:{inside}"));
    let answer = ["answer", "--listen", &listen, "--account", &account, "--proxy", &proxy];
    let outbound = ["--password-env", VARIABLE, "--instance", INSTANCE, "--outbound", "--media", "off"];
    let words: Vec<&str> = answer.into_iter().chain(outbound).collect();
    let mut answer = block_in_place(|| Application::start_with(&words, &[(VARIABLE, PASSWORD)]))?;
    block_in_place(|| answer.wait_for("registration_active", PATIENCE))?;
    block_in_place(|| kamailio.wait_registered("bob"))?;
    nat.bound().await?;
    assert!(!names(&answer.events()).contains(&"registration_failed"), "{}", answer.output());
    nat.forget().await?;
    nat.bound().await?;
    let failed = block_in_place(|| answer.wait_for("registration_failed", PATIENCE))?;
    assert_eq!(failed["reason"], "the registrar cannot be reached", "by the way that we knew: {failed}");
    assert!(failed["retry_ms"].is_u64(), "it is registered anew: {failed}");
    Ok(())
}
