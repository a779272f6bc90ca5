//! AES in Galois/counter mode (RFC 7714).

use aes::cipher::consts::U12;
use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use zeroize::Zeroizing;

use super::derivation::{Aes, Label, session_salt};
use super::{KeyMaterial, SrtpError};

/// The bytes of a tag, which is never cut (RFC 7714 §1).
pub(super) const TAG_BYTES: usize = 16;

/// The session keys of RTP or of RTCP.
#[derive(Clone)]
pub(super) struct Galois {
    cipher: Cipher,
    salt: Zeroizing<[u8; 12]>,
}

#[derive(Clone)]
enum Cipher {
    Aes128(AesGcm<Aes128Enc, U12>),
    Aes256(AesGcm<Aes256Enc, U12>),
}

impl Galois {
    pub(super) fn new(master: &KeyMaterial, encryption: Label, salting: Label) -> Self {
        let cipher = match Aes::session(master, encryption) {
            Aes::Aes128(aes) => Cipher::Aes128(aes.into()),
            Aes::Aes256(aes) => Cipher::Aes256(aes.into()),
        };
        Self { cipher, salt: session_salt(master, salting) }
    }

    /// Takes session keys, as the vectors of RFC 7714 have them.
    #[cfg(test)]
    pub(super) fn with_session_keys(key: &[u8], salt: [u8; 12]) -> Self {
        use aes::cipher::KeyInit;
        let cipher = if key.len() == 16 {
            Cipher::Aes128(Aes128Enc::new_from_slice(key).expect("16 bytes").into())
        } else {
            Cipher::Aes256(Aes256Enc::new_from_slice(key).expect("32 bytes").into())
        };
        Self { cipher, salt: Zeroizing::new(salt) }
    }

    /// Encrypts `text` and returns the tag over it and what comes with it in clear.
    pub(super) fn seal(&self, ssrc: u32, index: u64, clear: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES] {
        let nonce = self.nonce(ssrc, index).into();
        let tag = match &self.cipher {
            Cipher::Aes128(gcm) => gcm.encrypt_inout_detached(&nonce, clear, text.into()),
            Cipher::Aes256(gcm) => gcm.encrypt_inout_detached(&nonce, clear, text.into()),
        };
        // invariant: it fails beyond 2^36 bytes only, and a packet has at most 2^16.
        tag.expect("a packet is short").into()
    }

    /// Compares the tag in constant time, and then decrypts `text`, which is untouched on a failure.
    pub(super) fn open(
        &self,
        ssrc: u32,
        index: u64,
        clear: &[u8],
        text: &mut [u8],
        tag: [u8; TAG_BYTES],
    ) -> Result<(), SrtpError> {
        let (nonce, tag) = (self.nonce(ssrc, index).into(), tag.into());
        match &self.cipher {
            Cipher::Aes128(gcm) => gcm.decrypt_inout_detached(&nonce, clear, text.into(), &tag),
            Cipher::Aes256(gcm) => gcm.decrypt_inout_detached(&nonce, clear, text.into(), &tag),
        }
        .map_err(|_| SrtpError::Unauthentic)
    }

    /// The initialisation vector of RFC 7714 §8.1 and §9.1: both take SSRC and index at the same places.
    fn nonce(&self, ssrc: u32, index: u64) -> [u8; 12] {
        let mut nonce = *self.salt;
        for (byte, ssrc) in nonce[2..6].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= ssrc;
        }
        for (byte, index) in nonce[6..].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= index;
        }
        nonce
    }
}
