//! SIP call transfer roles: transferor and transferee, policy, progress, recovery, as one reducer
