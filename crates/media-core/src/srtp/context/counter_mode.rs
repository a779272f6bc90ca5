//! AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1 and §4.2.1, RFC 6188 §2).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::derivation::{Aes, Label, derive, session_salt};
use super::{KeyMaterial, SrtpError};

/// The bytes of an authentication key (RFC 3711 §5.2).
const AUTHENTICATION_KEY_BYTES: usize = 20;

/// The session keys of RTP or of RTCP.
#[derive(Clone)]
pub(super) struct CounterMode {
    cipher: Aes,
    mac: Hmac<Sha1>,
    salt: Zeroizing<[u8; 14]>,
}

impl CounterMode {
    pub(super) fn new(
        master: &KeyMaterial,
        encryption: Label,
        authentication: Label,
        salting: Label,
    ) -> Self {
        let mut key = Zeroizing::new([0; AUTHENTICATION_KEY_BYTES]);
        derive(master, authentication, &mut key[..]);
        // invariant: an HMAC takes keys of any length.
        let mac = Hmac::new_from_slice(&key[..]).expect("any length");
        Self { cipher: Aes::session(master, encryption), mac, salt: session_salt(master, salting) }
    }

    /// Encrypts or decrypts.
    pub(super) fn crypt(&self, ssrc: u32, index: u64, text: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt[..]);
        for (byte, ssrc) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= ssrc;
        }
        for (byte, index) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= index;
        }
        self.cipher.counter_mode(iv, text);
    }

    /// Returns the whole tag of two parts, one behind the other; a packet has the left of it.
    pub(super) fn tag(&self, packet: &[u8], behind: &[u8]) -> [u8; 20] {
        self.mac.clone().chain_update(packet).chain_update(behind).finalize().into_bytes().into()
    }

    /// Compares the left of a tag in constant time.
    pub(super) fn verify(&self, packet: &[u8], behind: &[u8], tag: &[u8]) -> Result<(), SrtpError> {
        let mac = self.mac.clone().chain_update(packet).chain_update(behind);
        mac.verify_truncated_left(tag).map_err(|_| SrtpError::Unauthentic)
    }
}
