//! SIP dialogs with usages: INVITE legs, refer subscriptions, offer/answer turns, as one reducer
