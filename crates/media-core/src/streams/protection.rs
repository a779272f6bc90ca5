//! Whether packets are protected, and that nothing is ever in clear which was to be (TM-105).

use super::command::StreamFailure;
use crate::negotiation::Agreed;

/// Protects one direction of a stream.
#[derive(Debug, Default)]
pub(super) enum Protection<C> {
    /// Nothing was agreed.
    #[default]
    Clear,
    #[cfg_attr(
        not(feature = "srtp"),
        expect(dead_code, reason = "without the ciphers nothing can be secured")
    )]
    Secured(Box<C>),
    /// Protection was agreed and cannot be given: nothing passes.
    Stopped,
}

/// Why a packet does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "srtp"), expect(dead_code, reason = "without the ciphers no key is used"))]
pub(super) enum Barred {
    /// The key has protected as many packets as it may (RFC 3711 §8.2).
    KeyExpired,
    /// Anything else.
    Otherwise,
}

impl<C> Protection<C> {
    pub(super) fn is_secured(&self) -> bool {
        !matches!(self, Self::Clear)
    }

    pub(super) fn stop(&mut self) {
        *self = Self::Stopped;
    }
}

/// What protects packets, and what opens them.
#[cfg(feature = "srtp")]
mod contexts {
    use super::{Agreed, Barred, Protection, StreamFailure};
    use crate::srtp::sdes::Crypto;
    use crate::srtp::{Rollover, SrtpError, SrtpReceiver, SrtpSender};

    pub(in crate::streams) type Sealing = SrtpSender;
    pub(in crate::streams) type Opening = SrtpReceiver;

    impl From<SrtpError> for Barred {
        fn from(error: SrtpError) -> Self {
            if error == SrtpError::KeyExpired { Self::KeyExpired } else { Self::Otherwise }
        }
    }

    /// A context of either direction.
    pub(in crate::streams) trait Context: Sized {
        fn start(line: &Crypto) -> Result<Self, SrtpError>;
        fn change(&mut self, line: &Crypto, rollover: Rollover) -> Result<(), SrtpError>;
    }

    impl Context for SrtpSender {
        fn start(line: &Crypto) -> Result<Self, SrtpError> {
            Self::new(line)
        }

        fn change(&mut self, line: &Crypto, rollover: Rollover) -> Result<(), SrtpError> {
            self.rekey(line, rollover)
        }
    }

    impl Context for SrtpReceiver {
        fn start(line: &Crypto) -> Result<Self, SrtpError> {
            Self::new(line)
        }

        fn change(&mut self, line: &Crypto, rollover: Rollover) -> Result<(), SrtpError> {
            self.rekey(line, rollover)
        }
    }

    impl<C: Context> Protection<C> {
        fn secure(&mut self, line: Option<&Crypto>, moved: bool) -> Result<(), StreamFailure> {
            let result = match (&mut *self, line) {
                (Self::Clear, None) => return Ok(()),
                (Self::Clear, Some(line)) => C::start(line).map(|context| {
                    *self = Self::Secured(Box::new(context));
                }),
                // An author who gives another address has lost the counter, and gives another key with it. One who gives
                // the same key goes on.
                (Self::Secured(context), Some(line)) if moved => {
                    match context.change(line, Rollover::Restart) {
                        Err(SrtpError::KeyReused) => context.change(line, Rollover::Keep),
                        changed => changed,
                    }
                }
                (Self::Secured(context), Some(line)) => context.change(line, Rollover::Keep),
                (Self::Secured(_) | Self::Stopped, _) => Err(SrtpError::Unusable),
            };
            if result.is_err() {
                self.stop();
            }
            result.map_err(|_| StreamFailure::Protection)
        }
    }

    impl Protection<SrtpSender> {
        /// Takes the line that we wrote.
        pub(in crate::streams) fn apply(
            &mut self,
            before: Option<&Agreed>,
            agreed: &Agreed,
        ) -> Result<(), StreamFailure> {
            let moved = before.is_some_and(|before| before.local != agreed.local);
            self.secure(agreed.srtp.as_ref().map(|srtp| &srtp.local), moved)
        }

        /// Protects a packet in place; on error it must not be sent.
        pub(in crate::streams) fn seal(&mut self, rtcp: bool, packet: &mut Vec<u8>) -> Result<(), Barred> {
            match self {
                Self::Clear => Ok(()),
                Self::Secured(context) if rtcp => Ok(context.protect_rtcp(packet)?),
                Self::Secured(context) => Ok(context.protect_rtp(packet)?),
                Self::Stopped => Err(Barred::Otherwise),
            }
        }
    }

    impl Protection<SrtpReceiver> {
        /// Takes the line that the peer wrote.
        pub(in crate::streams) fn apply(
            &mut self,
            before: Option<&Agreed>,
            agreed: &Agreed,
        ) -> Result<(), StreamFailure> {
            let moved = before.is_some_and(|before| before.remote_rtp != agreed.remote_rtp);
            self.secure(agreed.srtp.as_ref().map(|srtp| &srtp.remote), moved)
        }

        /// Opens a packet in place and returns its length; on error it must not be used.
        pub(in crate::streams) fn open(&mut self, rtcp: bool, packet: &mut [u8]) -> Result<usize, Barred> {
            match self {
                Self::Clear => Ok(packet.len()),
                Self::Secured(context) if rtcp => Ok(context.unprotect_rtcp(packet)?),
                Self::Secured(context) => Ok(context.unprotect_rtp(packet)?),
                Self::Stopped => Err(Barred::Otherwise),
            }
        }
    }
}

/// Without the ciphers a stream that is to be protected is stopped.
#[cfg(not(feature = "srtp"))]
mod contexts {
    use super::{Agreed, Barred, Protection, StreamFailure};

    #[derive(Debug)]
    pub(in crate::streams) enum Sealing {}
    #[derive(Debug)]
    pub(in crate::streams) enum Opening {}

    impl<C> Protection<C> {
        pub(in crate::streams) fn apply(
            &mut self,
            _: Option<&Agreed>,
            agreed: &Agreed,
        ) -> Result<(), StreamFailure> {
            if agreed.srtp.is_none() && !self.is_secured() {
                return Ok(());
            }
            self.stop();
            Err(StreamFailure::Protection)
        }

        pub(in crate::streams) fn seal(&mut self, _: bool, _: &mut Vec<u8>) -> Result<(), Barred> {
            if self.is_secured() { Err(Barred::Otherwise) } else { Ok(()) }
        }

        pub(in crate::streams) fn open(&mut self, _: bool, packet: &mut [u8]) -> Result<usize, Barred> {
            if self.is_secured() { Err(Barred::Otherwise) } else { Ok(packet.len()) }
        }
    }
}

pub(super) use contexts::{Opening, Sealing};
