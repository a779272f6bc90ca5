//! What every peer that can talk can be asked for: the cases of the interoperability tests are written against this.

use std::net::Ipv4Addr;

use super::{PeerError, answer::Answer, baresip::Baresip, linphone::Linphone, sipjs::SipJs};

/// A telephone: it answers every call, sends a tone of its own and tells what it hears.
///
/// Every operation returns when the telephone itself says that it is done.
pub trait Phone {
    /// Calls somebody and waits for the answer.
    fn call(&mut self, uri: &str) -> Result<(), PeerError>;

    /// Waits for one more call, not asked for before, to come in and be answered.
    fn answered(&mut self) -> Result<(), PeerError>;

    /// Waits until it hears this tone in its newest call; `None` is silence.
    fn hears(&mut self, tone: Option<u16>) -> Result<(), PeerError>;

    /// Puts its first call on hold.
    fn hold(&mut self) -> Result<(), PeerError>;

    /// Takes its first call back.
    fn resume(&mut self) -> Result<(), PeerError>;

    /// Moves its first call to this URI by REFER, and waits until it knows that this was done and its call has ended.
    fn blind(&mut self, uri: &str) -> Result<(), PeerError>;

    /// Moves its first call to the other party of its second by REFER with Replaces, and waits until it knows that this
    /// was done and both its calls have ended.
    fn attended(&mut self) -> Result<(), PeerError>;

    /// Waits until it knows that the transfer it was asked for is done, where it tells.
    fn moved(&mut self) -> Result<(), PeerError> {
        Ok(())
    }

    /// Ends its newest call.
    fn hang_up(&mut self) -> Result<(), PeerError>;

    /// Waits until its newest call has ended.
    fn ended(&mut self) -> Result<(), PeerError>;

    /// Its trace and log so far.
    fn output(&mut self) -> String;
}

/// A telephone with keys, which go as telephone events (RFC 4733).
pub trait Keys: Phone {
    /// Presses a key in its newest call.
    fn press(&mut self, key: char) -> Result<(), PeerError>;

    /// Waits until it was told so many keys of the other side, and gives them in their order. Those that came before are
    /// not told again.
    fn told(&mut self, count: usize) -> Result<String, PeerError>;
}

/// A program that is a telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    /// SIP.js, by our own `tests/interop/sipjs/peer.mjs`.
    SipJs,
    /// linphonec.
    Linphone,
    /// baresip.
    Baresip,
    /// Our own `answer`, which sends a tone.
    Answer,
    /// Our own `answer --echo`: whoever hears its own tone knows that the audio went there and back.
    Echo,
}

impl Make {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SipJs => "SIP.js",
            Self::Linphone => "linphonec",
            Self::Baresip => "baresip",
            Self::Answer => "`answer`",
            Self::Echo => "`answer --echo`",
        }
    }

    /// Whether it is ours.
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Answer | Self::Echo)
    }

    /// Whether it still tells what it hears once its call was on hold. baresip's recorder stops at the hold for good.
    pub const fn hears_after_hold(self) -> bool {
        !matches!(self, Self::Baresip)
    }

    /// Starts one with this user name on an address of its own, port 5060; it sends a tone.
    pub fn start(self, user: &str, own: Ipv4Addr, hz: u16) -> Result<Box<dyn Phone>, PeerError> {
        Ok(match self {
            Self::SipJs => Box::new(SipJs::start(user, own, hz)?),
            Self::Linphone => Box::new(Linphone::start(user, own, hz)?),
            Self::Baresip => Box::new(Baresip::start(user, own, hz)?),
            Self::Answer => Box::new(Answer::start(own, Some(hz))?),
            Self::Echo => Box::new(Answer::start(own, None)?),
        })
    }

    /// The same as a user of this registrar, with this password.
    pub fn start_registered(
        self,
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        registrar: Ipv4Addr,
        password: &str,
    ) -> Result<Box<dyn Phone>, PeerError> {
        Ok(match self {
            Self::SipJs => Box::new(SipJs::start_registered(user, own, hz, registrar, password)?),
            Self::Linphone => Box::new(Linphone::start_registered(user, own, hz, registrar, password)?),
            Self::Baresip => Box::new(Baresip::start_registered(user, own, hz, registrar, password)?),
            Self::Answer => Box::new(Answer::start_registered(user, own, Some(hz), registrar, password)?),
            Self::Echo => Box::new(Answer::start_registered(user, own, None, registrar, password)?),
        })
    }
}
