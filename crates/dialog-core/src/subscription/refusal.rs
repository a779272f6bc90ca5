//! With what a REFER may be refused.

use sip_message::StatusCode;

/// Whether a REFER in a call may be refused with a status, because it leaves the dialog alone (TR-265, RFC 5057 §5.1): 400,
/// 401, 403, 420, 429, 488, 491, 500, 503 and 603.
pub fn may_refuse_refer(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 401 | 403 | 420 | 429 | 488 | 491 | 500 | 503 | 603)
}
