//! SIP messages: bytes to typed values and back, zero copy
