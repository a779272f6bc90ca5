//! [`Crypto`] to text.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::{Crypto, FecOrder};
use crate::srtp::MasterKey;

/// Room for the base64 of the longest key and salt, 46 bytes.
const MAX_BASE64_BYTES: usize = 64;

impl Crypto {
    /// Returns what stands behind `a=crypto:`. It holds the keys: it goes into a session description and into no log.
    pub fn print(&self) -> String {
        let mut text = format!("{} {} ", self.tag, self.suite);
        for (index, key) in self.keys.iter().enumerate() {
            if index > 0 {
                text.push(';');
            }
            print_key(key, &mut text);
        }
        let params = &self.params;
        let mut param = |shown: bool, param: std::fmt::Arguments<'_>| {
            if shown {
                // Writing to a string does not fail.
                let _ = write!(text, " {param}");
            }
        };
        param(params.kdr.is_some(), format_args!("KDR={}", params.kdr.unwrap_or_default()));
        param(params.unencrypted_srtp, format_args!("UNENCRYPTED_SRTP"));
        param(params.unencrypted_srtcp, format_args!("UNENCRYPTED_SRTCP"));
        param(params.unauthenticated_srtp, format_args!("UNAUTHENTICATED_SRTP"));
        param(params.fec_order == Some(FecOrder::FecSrtp), format_args!("FEC_ORDER=FEC_SRTP"));
        param(params.fec_order == Some(FecOrder::SrtpFec), format_args!("FEC_ORDER=SRTP_FEC"));
        param(params.window_size.is_some(), format_args!("WSH={}", params.window_size.unwrap_or_default()));
        text
    }
}

fn print_key(key: &MasterKey, text: &mut String) {
    let mut room = Zeroizing::new([0; MAX_BASE64_BYTES]);
    // invariant: the longest material has 46 bytes, whose base64 fills the room exactly.
    let base64 =
        Base64::encode(key.material.key_and_salt(), &mut room[..]).expect("room for the longest key");
    text.push_str("inline:");
    text.push_str(base64);
    if let Some(lifetime) = key.lifetime {
        // Writing to a string does not fail, here and below.
        let _ = if lifetime.is_power_of_two() {
            write!(text, "|2^{}", lifetime.trailing_zeros())
        } else {
            write!(text, "|{lifetime}")
        };
    }
    if let Some(mki) = key.mki {
        let _ = write!(text, "|{}:{}", mki.value(), mki.bytes());
    }
}
