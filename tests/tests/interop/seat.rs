//! The parties of a case: a telephone of some make with an address and a tone of its own.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PeerError,
    kamailio::Kamailio,
    network,
    phone::{Make, Phone},
};

use super::uri;

/// The tone of the command under test, which is always the default.
pub(crate) const OUR_TONE: u16 = 440;
/// The tone of the party that is moved, or that moves us.
pub(crate) const FIRST_TONE: u16 = 600;
/// The tone of the target, and of the second party of any transfer.
pub(crate) const SECOND_TONE: u16 = 800;
/// The tone of the third party where none of the three is a command under test.
pub(crate) const THIRD_TONE: u16 = 1_000;

/// One party.
pub(crate) struct Seat {
    make: Make,
    tone: u16,
    uri: String,
    user: &'static str,
    pub(crate) phone: Box<dyn Phone>,
}

impl Seat {
    /// Starts it.
    pub(crate) fn start(make: Make, user: &'static str, own: Ipv4Addr, tone: u16) -> Result<Self, PeerError> {
        Ok(Self { make, tone, uri: uri(user, own), user, phone: make.start(user, own, tone)? })
    }

    /// Starts it as a user of a registrar, and waits until that has it.
    pub(crate) fn start_registered(
        make: Make,
        user: &'static str,
        own: Ipv4Addr,
        tone: u16,
        (registrar, password): (&mut Kamailio, &str),
    ) -> Result<Self, PeerError> {
        let phone = make.start_registered(user, own, tone, registrar.address(), password)?;
        registrar.wait_registered(user)?;
        Ok(Self { make, tone, uri: uri(user, registrar.address()), user, phone })
    }

    /// A telephone that is called by this URI.
    pub(crate) const fn new(
        make: Make,
        user: &'static str,
        tone: u16,
        uri: String,
        phone: Box<dyn Phone>,
    ) -> Self {
        Self { make, tone, uri, user, phone }
    }

    /// How others call it.
    pub(crate) fn uri(&self) -> String {
        self.uri.clone()
    }

    /// Waits until it hears another party: that one's tone, or its own from one that echoes.
    pub(crate) fn hears(&mut self, other: &Self) -> Result<(), PeerError> {
        if other.make == Make::Baresip && !self.hears_baresip() {
            return Ok(());
        }
        let tone = if other.make == Make::Echo { self.tone } else { other.tone };
        self.phone.hears(Some(tone))
    }

    /// Waits until it hears itself, echoed by the command under test.
    pub(crate) fn hears_itself(&mut self) -> Result<(), PeerError> {
        if self.make == Make::Baresip && !self.hears_baresip() {
            return Ok(());
        }
        self.phone.hears(Some(self.tone))
    }

    /// baresip's RTP comes from the address in its SDP only where the network can be told so.
    fn hears_baresip(&self) -> bool {
        if !network::is_private() {
            println!(
                "{}: the audio of baresip is not checked: in the host's network it comes from 127.0.0.1",
                self.user
            );
        }
        network::is_private()
    }

    /// Waits until it hears nothing.
    pub(crate) fn hears_nothing(&mut self) -> Result<(), PeerError> {
        self.phone.hears(None)
    }
}

/// Waits until both hear each other.
pub(crate) fn hear_each_other(one: &mut Seat, other: &mut Seat) -> Result<(), PeerError> {
    one.hears(other)?;
    other.hears(one)
}

/// Ends the call of two parties by one of those that can be asked to, and waits until the other knows.
pub(crate) fn hang_up(one: &mut Seat, other: &mut Seat) -> Result<(), PeerError> {
    let (asked, told) = if one.make.is_ours() { (other, one) } else { (one, other) };
    if asked.make.is_ours() {
        // Both end with the test.
        return Ok(());
    }
    asked.phone.hang_up()?;
    told.phone.ended()
}
