//! The examples of the RFCs, and both ends against each other.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use sip_message::{Algorithm, Challenge, Credentials, DigestChallenge, Method, Qop};
use sip_transport::{Guard, Random, Tick};

use super::{
    choice::{Choice, strongest},
    hash::{self, Subject, Terms},
    info,
    keyring::{Credential, Keyring, KeyringFull},
    nonce::{Nonce, Uses},
    policy::{Authentication, Users, UsersFull},
    proof::{self, Proof},
    secret::{BadHash, Secret},
    session::{Place, Session},
};

struct Seeded(u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

const MUFASA: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";

fn mufasa(algorithm: Algorithm) -> String {
    let ha1 = hash::ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let terms = Terms { algorithm, nonce: MUFASA, qop: Some(Qop::Auth), nc: 1, cnonce };
    hash::response(&ha1, &terms, &Subject { method: "GET", uri: "/dir/index.html", body: b"" })
}

#[test]
fn the_examples_of_rfc_7616_come_out() {
    assert_eq!(mufasa(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
    assert_eq!(mufasa(Algorithm::Sha256), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

#[test]
fn the_example_of_sha_512_256_comes_out_as_erratum_4897_has_it() {
    let (algorithm, user, realm) = (Algorithm::Sha512_256, "J\u{e4}s\u{f8}n Doe", "api@example.org");
    assert_eq!(
        hash::user(algorithm, user, realm),
        "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    );
    let terms = Terms {
        algorithm,
        nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        qop: Some(Qop::Auth),
        nc: 1,
        cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    };
    let ha1 = hash::ha1(algorithm, user, realm, "Secret, or not?");
    assert_eq!(
        hash::response(&ha1, &terms, &Subject { method: "GET", uri: "/doe.json", body: b"" }),
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
}

#[test]
fn the_example_of_rfc_2617_comes_out_with_and_without_a_quality_of_protection() {
    let ha1 = hash::ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
    assert_eq!(&**ha1, "939e7578ed9e3c518a452acee763bce9");
    let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    let subject = Subject { method: "GET", uri: "/dir/index.html", body: b"" };
    let mut terms =
        Terms { algorithm: Algorithm::Md5, nonce, qop: Some(Qop::Auth), nc: 1, cnonce: "0a4f113b" };
    assert_eq!(hash::response(&ha1, &terms, &subject), "6629fae49393a05397450978507c4ef1");
    terms.qop = None;
    assert_eq!(hash::response(&ha1, &terms, &subject), "670fd8c2df070c60b045671b8b24ff02");
}

fn challenge(text: &str) -> DigestChallenge<'_> {
    Challenge::parse(text).expect("a challenge").digest().expect("a digest")
}

#[test]
fn the_strongest_challenge_that_is_understood_is_chosen_and_of_equal_ones_the_topmost() {
    let texts = [
        "Digest realm=\"r\", nonce=\"unknown\", algorithm=SHA3-512, qop=\"auth\"",
        "Digest realm=\"r\", nonce=\"md5\", qop=\"auth\"",
        "Digest realm=\"r\", nonce=\"first\", algorithm=SHA-256, qop=\"auth-int,auth\"",
        "Digest realm=\"r\", nonce=\"second\", algorithm=SHA-256-sess, qop=\"auth\"",
        "Digest realm=\"r\", nonce=\"odd\", algorithm=SHA-512-256, qop=\"auth-conf\"",
    ];
    let choose = |usable: fn(Algorithm) -> bool| {
        strongest(texts.iter().map(|text| challenge(text)), usable).expect("a choice")
    };
    let best = choose(|_| true);
    assert_eq!((&*best.challenge.nonce, best.qop, best.named), ("first", Some(Qop::Auth), true));
    let hashed = choose(|algorithm| algorithm == Algorithm::Md5);
    assert_eq!((&*hashed.challenge.nonce, hashed.named), ("md5", false));
    assert!(strongest(texts[..1].iter().map(|text| challenge(text)), |_| true).is_none());
}

#[test]
fn a_session_without_a_quality_of_protection_has_no_answer() {
    assert!(Choice::of(&challenge("Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess")).is_none());
    assert_eq!(Choice::of(&challenge("Digest realm=\"r\", nonce=\"n\"")).expect("RFC 2069").qop, None);
    let both = Choice::of(&challenge("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"")).expect("a choice");
    assert_eq!(both.qop, Some(Qop::AuthInt));
}

#[test]
fn secrets_are_printed_by_nothing() {
    let secret = Secret::password("squeamish");
    let mut keys = Keyring::new();
    keys.add(Credential::of_realm("example.com", "ossifrage", secret.clone())).expect("room");
    let mut users = Users::new();
    users.add("ossifrage", secret.clone()).expect("room");
    let printed = format!("{secret:?} {keys:?} {:?}", Authentication::new("example.com", users));
    assert!(!printed.contains("squeamish") && !printed.contains("ossifrage"), "{printed}");
}

#[test]
fn only_a_hash_is_taken_for_one_and_only_for_its_algorithm() {
    let md5 = "939e7578ed9e3c518a452acee763bce9";
    let secret = Secret::hashed([(Algorithm::Md5Sess, md5)]).expect("a hash");
    assert!(secret.knows(Algorithm::Md5) && !secret.knows(Algorithm::Sha256));
    assert_eq!(Secret::hashed([(Algorithm::Sha256, md5)]).err(), Some(BadHash(Algorithm::Sha256)));
    assert!(Secret::hashed([(Algorithm::Md5, &*md5.replace('9', "x"))]).is_err());
}

#[test]
fn keys_and_users_are_bounded() {
    let mut keys = Keyring::new();
    let key = |number: usize| Credential::of_realm(format!("r{number}"), "u", Secret::password("p"));
    for number in 0..Keyring::CREDENTIALS {
        keys.add(key(number)).expect("room");
    }
    assert_eq!(keys.add(key(0)).err(), Some(KeyringFull));
    assert_eq!(keys.len(), Keyring::CREDENTIALS);
    let mut users = Users::new();
    for number in 0..Users::LIMIT {
        users.add(format!("u{number}"), Secret::password("p")).expect("room");
    }
    assert_eq!(users.add("one more", Secret::password("p")), Err(UsersFull));
    assert_eq!(users.add("u0", Secret::password("another")), Ok(()));
    assert_eq!(users.len(), Users::LIMIT);
}

#[test]
fn the_credential_that_fits_best_answers() {
    let account = |text: &str| sip_message::UriBuf::parse(text).expect("a URI");
    let secret = || Secret::password("p");
    let mut keys = Keyring::new();
    keys.add(Credential::of_realm("example.com", "by realm", secret())).expect("room");
    keys.add(Credential::of_account(account("sip:alice@example.com"), "any", secret())).expect("room");
    let both =
        Credential::of_realm("example.org", "both", secret()).for_account(account("sip:alice@EXAMPLE.com"));
    keys.add(both).expect("room");
    let user = |realm: &str, from: &str| {
        let from = account(from);
        keys.find(realm, Some(&from.as_uri())).map(|found| found.user().to_owned())
    };
    assert_eq!(user("example.org", "sip:alice@example.com;transport=tcp").as_deref(), Some("both"));
    assert_eq!(user("example.com", "sip:alice@example.com").as_deref(), Some("any"));
    assert_eq!(user("example.com", "sip:bob@example.com").as_deref(), Some("by realm"));
    assert_eq!(user("example.net", "sip:bob@example.com"), None);
}

/// A server and what it knows.
struct Server {
    policy: Authentication,
    uses: Uses,
    guard: Guard,
    random: Seeded,
    now: Tick,
}

impl Server {
    fn new(algorithm: Algorithm, qop: Option<Qop>) -> Self {
        let mut users = Users::new();
        users.add("alice", Secret::password("wonderland")).expect("room");
        let mut policy = Authentication::new("example.com", users).with_hashed_names();
        policy.algorithms = vec![algorithm];
        policy.qop = qop.into_iter().collect();
        let mut random = Seeded(7);
        Self { policy, uses: Uses::default(), guard: Guard::new(&mut random), random, now: Tick::default() }
    }

    fn challenge(&mut self) -> String {
        let nonce = Nonce::new(self.now, &mut self.random).text(&self.guard, "example.com");
        self.policy.challenges(&nonce, false).expect("challenges").remove(0)
    }

    fn check(&mut self, credentials: &str, method: &str, body: &[u8]) -> Proof {
        let Some(digest) = Credentials::parse(credentials).ok().and_then(|it| it.digest()) else {
            return Proof::Wrong;
        };
        let when = (&self.guard, self.now);
        proof::check(&self.policy, &mut self.uses, when, &digest, (method, body))
    }
}

fn client(challenge_text: &str, password: &str) -> Session {
    let credential = Credential::of_realm("example.com", "alice", Secret::password(password));
    let choice = Choice::of(&challenge(challenge_text)).expect("a challenge that can be answered");
    Session::new(Place::Server, choice, Arc::new(credential), [192, 0, 2, 1].into(), &mut Seeded(3))
}

const INVITE: Subject<'_> = Subject { method: "INVITE", uri: "sip:bob@example.com", body: b"v=0" };

fn verified() -> Proof {
    Proof::Verified("alice".into())
}

#[test]
fn our_own_proof_is_that_of_the_request_without_its_method() {
    let mut server = Server::new(Algorithm::Md5, Some(Qop::Auth));
    let text = "Digest username=\"alice\", realm=\"example.com\", nonce=\"n1\", uri=\"sip:bob@example.com\", \
                response=\"00\", algorithm=MD5, qop=auth, nc=0000000a, cnonce=\"c1\"";
    let credentials = Credentials::parse(text).expect("credentials").digest().expect("a digest");
    let info = info::of(&server.policy, (&server.guard, server.now), &mut server.random, &credentials);
    // MD5(MD5(alice:example.com:wonderland):n1:0000000a:c1:auth:MD5(:sip:bob@example.com))
    let expected = "qop=auth, rspauth=\"314f111dd8afd75446aec2c17cec9b29\", cnonce=\"c1\", nc=0000000a";
    assert_eq!(info.as_deref(), Some(expected));
}

#[test]
fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let mut server = Server::new(Algorithm::Sha256, Some(Qop::Auth));
    let text = server.challenge();
    let wrong = client(&text, "looking glass").credentials(&INVITE).expect("credentials");
    assert_eq!(server.check(&wrong, "INVITE", b"v=0"), Proof::Wrong);
    let nobody = Credential::of_realm("example.com", "nobody", Secret::password("wonderland"));
    let choice = Choice::of(&challenge(&text)).expect("a challenge");
    let mut session =
        Session::new(Place::Server, choice, Arc::new(nobody), [192, 0, 2, 1].into(), &mut Seeded(3));
    let unknown = session.credentials(&INVITE).expect("credentials");
    assert_eq!(server.check(&unknown, "INVITE", b"v=0"), Proof::Wrong);
}

#[test]
fn an_aged_nonce_is_stale_and_so_is_one_of_another_process() {
    let mut server = Server::new(Algorithm::Sha256, Some(Qop::Auth));
    let text = server.challenge();
    let mut session = client(&text, "wonderland");
    server.now = Tick::default().after(server.policy.nonce_lifetime);
    let last = session.credentials(&INVITE).expect("credentials");
    assert_eq!(server.check(&last, "INVITE", b"v=0"), verified());
    server.now = server.now.after(Duration::from_micros(1));
    let late = session.credentials(&INVITE).expect("credentials");
    assert_eq!(server.check(&late, "INVITE", b"v=0"), Proof::Stale);
    server.now = Tick::default();
    server.guard = Guard::new(&mut Seeded(8));
    let foreign = session.credentials(&INVITE).expect("credentials");
    assert_eq!(server.check(&foreign, "INVITE", b"v=0"), Proof::Stale);
    let wrong = client(&text, "looking glass").credentials(&INVITE).expect("credentials");
    assert_eq!(
        server.check(&wrong, "INVITE", b"v=0"),
        Proof::Wrong,
        "stale says that the password was right"
    );
}

#[test]
fn counts_may_overtake_each_other_but_not_by_more_than_the_window() {
    let nonce = |serial: u64| Nonce::new(Tick::default(), &mut Seeded(serial));
    let mut uses = Uses::default();
    let hour = Duration::from_hours(1);
    let mut take = |nc| uses.take(nonce(1), nc, Tick::default(), hour, 4);
    assert!(take(1) && take(3) && take(2));
    assert!(!take(1) && !take(2) && !take(3) && !take(0));
    assert!(take(66), "ahead by 63");
    assert!(!take(3) && take(4), "63 below are remembered, each once");
    assert!(take(70) && !take(6), "64 below is too old");
    assert!(take(u32::MAX) && !take(70));
}

#[test]
fn counts_are_remembered_of_so_many_nonces_and_the_forgotten_are_taken_no_more() {
    let hour = Duration::from_hours(1);
    let at = |second: u64| Tick::from_micros(second * 1_000_000);
    let nonces: Vec<Nonce> = (1..=6).map(|second| Nonce::new(at(second), &mut Seeded(second))).collect();
    let mut uses = Uses::default();
    for nonce in &nonces[1..5] {
        assert!(uses.take(*nonce, 1, at(9), hour, 4));
    }
    assert_eq!(uses.len(), 4);
    assert!(uses.take(nonces[5], 1, at(9), hour, 4), "one more is taken");
    assert_eq!(uses.len(), 4);
    assert!(
        !uses.take(nonces[1], 2, at(9), hour, 4),
        "the oldest has made room, and its counts are not known"
    );
    assert!(!uses.take(nonces[0], 1, at(9), hour, 4), "nor those of an older one");
    assert!(uses.take(nonces[2], 2, at(9), hour, 4));
    // What has aged makes room without being missed.
    assert!(uses.take(Nonce::new(at(4_000), &mut Seeded(9)), 1, at(4_000), hour, 4));
    assert_eq!(uses.len(), 1);
}

#[test]
fn one_without_a_quality_of_protection_is_good_once() {
    let mut server = Server::new(Algorithm::Md5, None);
    let text = server.challenge();
    let once = client(&text, "wonderland").credentials(&INVITE).expect("credentials");
    assert!(!once.contains("cnonce") && !once.contains("nc="));
    assert_eq!(server.check(&once, "INVITE", b"v=0"), verified());
    assert_eq!(server.check(&once, "INVITE", b"v=0"), Proof::Stale);
}

#[test]
fn a_client_may_not_choose_what_was_not_offered() {
    let mut server = Server::new(Algorithm::Sha256, Some(Qop::Auth));
    let text = server.challenge();
    for weaker in [text.replace(", qop=\"auth\"", ""), text.replace("SHA-256", "MD5")] {
        let credentials = client(&weaker, "wonderland").credentials(&INVITE).expect("credentials");
        assert_eq!(server.check(&credentials, "INVITE", b"v=0"), Proof::Wrong, "{credentials}");
    }
}

#[test]
fn who_is_asked_is_a_matter_of_the_method_and_never_an_ack() {
    let mut policy = Authentication::new("r", Users::new());
    policy.methods = vec![Method::Invite, Method::Ack, Method::Cancel];
    assert!(policy.demands(Method::Invite, false, false) && !policy.demands(Method::Invite, true, false));
    assert!(policy.demands(Method::Refer, true, false) && !policy.demands(Method::Refer, false, false));
    assert!(!policy.demands(Method::Ack, false, false) && !policy.demands(Method::Cancel, false, false));
    // Who only wants to talk is let be; who wants to take a call's place is not.
    policy.methods = Vec::new();
    assert!(!policy.demands(Method::Invite, false, false) && policy.demands(Method::Invite, false, true));
    policy.replaces = false;
    assert!(!policy.demands(Method::Invite, false, true));
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(vec![
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ])
}

fn quality() -> impl Strategy<Value = Option<Qop>> {
    prop::sample::select(vec![None, Some(Qop::Auth), Some(Qop::AuthInt)])
}

/// The values within quotes and without: what can be changed by one character and still be credentials.
fn places(credentials: &str) -> Vec<usize> {
    let values = ["realm=\"", "nonce=\"", "uri=\"", "response=\"", "cnonce=\"", "username=\"", "nc="];
    let mut found = Vec::new();
    for name in values {
        let Some(at) = credentials.find(&format!(" {name}")) else { continue };
        let from = at + 1 + name.len();
        let length = credentials[from..].find(['"', ',']).unwrap_or(credentials.len() - from);
        found.extend(from..from + length);
    }
    found
}

proptest! {
    #[test]
    fn what_the_client_answers_the_server_takes_and_takes_once(
        algorithm in algorithm(),
        qop in quality(),
        body in prop::collection::vec(any::<u8>(), 0..64),
        which in any::<prop::sample::Index>(),
        letter in "[0-9a-zA-Z]",
    ) {
        prop_assume!(!(algorithm.is_session() && qop.is_none()));
        let mut server = Server::new(algorithm, qop);
        let text = server.challenge();
        let mut session = client(&text, "wonderland");
        let subject = Subject { method: "INVITE", uri: "sip:bob@example.com", body: &body };
        let credentials = session.credentials(&subject).expect("credentials");

        // One character changed, anywhere: refused, and the nonce is as good as before.
        let all = places(&credentials);
        let at = all[which.index(all.len())];
        let mut changed = credentials.clone();
        changed.replace_range(at..=at, &letter);
        prop_assume!(!changed.eq_ignore_ascii_case(&credentials));
        prop_assert_ne!(server.check(&changed, "INVITE", &body), verified(), "{}", changed);
        prop_assert_ne!(server.check(&credentials, "REFER", &body), verified());
        if qop == Some(Qop::AuthInt) {
            let longer = [&*body, b"x"].concat();
            prop_assert_ne!(server.check(&credentials, "INVITE", &longer), verified());
        }

        prop_assert_eq!(server.check(&credentials, "INVITE", &body), verified());
        prop_assert_eq!(server.check(&credentials, "INVITE", &body), Proof::Stale, "a replay");
        let next = session.credentials(&subject).expect("credentials");
        let expected = if qop.is_some() { verified() } else { Proof::Stale };
        prop_assert_eq!(server.check(&next, "INVITE", &body), expected);
    }

    #[test]
    fn a_nonce_is_read_back_by_its_maker_for_its_realm_and_nothing_else_is(
        text in ".{0,70}",
        micros in any::<u64>(),
        at in 0..64_usize,
    ) {
        let guard = Guard::new(&mut Seeded(1));
        let nonce = Nonce::new(Tick::from_micros(micros), &mut Seeded(2));
        let written = nonce.text(&guard, "example.com");
        prop_assert_eq!(Nonce::read(&written, &guard, "example.com"), Some(nonce));
        prop_assert_eq!(Nonce::read(&written, &guard, "example.org"), None);
        prop_assert_eq!(Nonce::read(&text, &guard, "example.com"), None);
        let mut changed = written.clone();
        let other = if &written[at..=at] == "0" { "1" } else { "0" };
        changed.replace_range(at..=at, other);
        prop_assert_eq!(Nonce::read(&changed, &guard, "example.com"), None);
    }
}
