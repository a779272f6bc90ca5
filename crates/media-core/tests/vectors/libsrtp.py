"""Protects and opens packets with libsrtp, by the distribution's python3-pylibsrtp.

Arguments: the suite, and key and salt in hexadecimal digits. Each line of the input is `protect rtp HEX`,
`protect rtcp HEX`, `unprotect rtp HEX` or `unprotect rtcp HEX`; each line of the output is what came of it, or what
the library says about it.
"""

import ctypes
import sys

from pylibsrtp import Error, Policy, Session
from pylibsrtp._binding import ffi

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}

# The library has these without a profile, so that they are set behind the wrapper's back: for RTP and for RTCP.
OTHERS = {
    "AES_256_CM_HMAC_SHA1_80": ("srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80",) * 2,
    "AES_256_CM_HMAC_SHA1_32": (
        "srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32",
        "srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80",
    ),
}


def session(suite, key, direction):
    policy = Policy(
        key=key,
        ssrc_type=direction,
        srtp_profile=PROFILES.get(suite, Policy.SRTP_PROFILE_AES128_CM_SHA1_80),
    )
    if suite in OTHERS:
        library = ctypes.CDLL("libsrtp2.so.1")
        for name, part in zip(OTHERS[suite], (policy._policy.rtp, policy._policy.rtcp)):
            address = int(ffi.cast("uintptr_t", ffi.addressof(part)))
            getattr(library, name)(ctypes.c_void_p(address))
    return Session(policy)


def main():
    suite, key = sys.argv[1], bytes.fromhex(sys.argv[2])
    outbound = session(suite, key, Policy.SSRC_ANY_OUTBOUND)
    inbound = session(suite, key, Policy.SSRC_ANY_INBOUND)
    works = {
        ("protect", "rtp"): outbound.protect,
        ("protect", "rtcp"): outbound.protect_rtcp,
        ("unprotect", "rtp"): inbound.unprotect,
        ("unprotect", "rtcp"): inbound.unprotect_rtcp,
    }
    for line in sys.stdin:
        verb, kind, packet = line.split()
        try:
            print(works[verb, kind](bytes.fromhex(packet)).hex())
        except Error as error:
            print(error)


main()
