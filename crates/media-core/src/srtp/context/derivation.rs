//! Session keys from a master key (RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11), derived once: the rate is 0.

use aes::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCore};
use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use zeroize::Zeroizing;

use super::{KeyMaterial, Suite};

/// Names a session key: those of RTP are 0 to 2, those of RTCP 3 to 5 (RFC 3711 §4.3.1).
#[derive(Clone, Copy)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// A block cipher under a key whose schedule is at hand.
#[derive(Clone)]
pub(super) enum Aes {
    Aes128(Aes128Enc),
    Aes256(Aes256Enc),
}

impl Aes {
    /// Takes a master key or a session key, which are of one length.
    fn new(suite: Suite, key: &[u8]) -> Self {
        // invariant: both callers pass as many bytes as the suite says, which are 16 or 32.
        if suite.key_bytes() == 16 {
            Self::Aes128(Aes128Enc::new_from_slice(key).expect("16 bytes"))
        } else {
            Self::Aes256(Aes256Enc::new_from_slice(key).expect("32 bytes"))
        }
    }

    /// Returns the cipher under the session key of this name.
    pub(super) fn session(master: &KeyMaterial, label: Label) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..master.suite().key_bytes()];
        derive(master, label, key);
        Self::new(master.suite(), key)
    }

    /// Adds the key stream that begins with the encryption of `iv` to `text`; the counter is in the last two bytes.
    pub(super) fn counter_mode(&self, iv: [u8; 16], text: &mut [u8]) {
        match self {
            Self::Aes128(aes) => counter_mode(aes, iv, text),
            Self::Aes256(aes) => counter_mode(aes, iv, text),
        }
    }
}

fn counter_mode<C>(cipher: &C, iv: [u8; 16], text: &mut [u8])
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
{
    let core = CtrCore::<&C, Ctr32BE>::inner_iv_init(cipher, &iv.into());
    core.apply_keystream_partial(text.into());
}

/// Fills `key` with the session key of this name.
pub(super) fn derive(master: &KeyMaterial, label: Label, key: &mut [u8]) {
    let mut iv = [0; 16];
    // A salt of 12 bytes is followed by zeros, as one of 14 bytes is.
    iv[..master.salt().len()].copy_from_slice(master.salt());
    iv[7] ^= label as u8;
    key.fill(0);
    Aes::new(master.suite(), master.key()).counter_mode(iv, key);
}

/// Returns the session salt of this name.
pub(super) fn session_salt<const N: usize>(master: &KeyMaterial, label: Label) -> Zeroizing<[u8; N]> {
    let mut salt = Zeroizing::new([0; N]);
    derive(master, label, &mut salt[..]);
    salt
}

#[cfg(test)]
mod tests;
