//! Our own address changes.

use super::*;

const NEW: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

#[test]
fn a_change_of_address_is_in_force_with_its_answer() {
    // covers: TR-222, TM-014, TM-015
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    let (first, _) = exchange(&mut alice, &mut bob);
    let old = in_force(&alice).local;
    alice.relocate(NEW, 4_010, &mut || 0);
    let offer = alice.offer();
    // Both places are heard until then.
    assert_eq!(in_force(&alice).local, old);
    assert_eq!((version(&offer), ports(&offer)), (version(&first) + 1, vec![4_010]));
    assert!(text(offer.clone()).contains("c=IN IP4 198.51.100.7\r\n"));
    bob.offered(&offer).expect("acceptable");
    alice.answered(&bob.answer()).expect("acceptable");
    assert_eq!(in_force(&alice).local, SocketAddr::new(NEW, 4_010));
    assert_eq!(in_force(&bob).remote_rtp, SocketAddr::new(NEW, 4_010));
    assert_eq!(
        (in_force(&bob).local, in_force(&alice).remote_rtp.port()),
        (in_force(&alice).remote_rtp, 4_000)
    );
    // To go where we are is no change.
    alice.relocate(NEW, 4_010, &mut || panic!("nothing to draw"));
    assert_eq!(alice.offer(), offer);
}

#[test]
fn a_refused_change_of_address_leaves_the_old_one_in_force() {
    // covers: TR-221, TR-222
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    exchange(&mut alice, &mut bob);
    let before = in_force(&alice).clone();
    alice.relocate(NEW, 4_010, &mut || 0);
    let refused = version(&alice.offer());
    alice.rollback();
    assert_eq!(in_force(&alice), &before);
    alice.relocate(before.local.ip(), before.local.port(), &mut || 0);
    let (offer, _) = exchange(&mut alice, &mut bob);
    assert!(version(&offer) > refused);
    assert_eq!(in_force(&alice), &before);
}

#[test]
fn an_offer_that_crosses_a_change_keeps_its_own_address() {
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    bob.offered(&alice.offer()).expect("acceptable");
    alice.relocate(NEW, 4_010, &mut || 0);
    alice.answered(&bob.answer()).expect("acceptable");
    assert_eq!(in_force(&alice).local.port(), 4_000);
    assert_eq!(ports(&alice.offer()), [4_010]);
}
