//! Names are looked up beside the driver, by code that may be the application's.

use std::sync::Arc;

use sip_transport::{LookupError, Question, RouteId, TransportInput};

use super::Driver;

impl Driver {
    /// Asks the resolver in a task of its own. One that panics has not answered.
    pub(super) fn look_up(&self, route: RouteId, question: Question) {
        let (answers, resolver) = (self.resolved.0.clone(), Arc::clone(&self.resolver));
        tokio::spawn(async move {
            let asked = question.clone();
            let result = match tokio::spawn(async move { resolver.look_up(asked).await }).await {
                Ok(result) => result,
                Err(error) => {
                    tracing::error!(%error, "the resolver panicked");
                    Err(LookupError::Timeout)
                }
            };
            if answers.send(TransportInput::Resolved { route, question, result }).await.is_err() {
                tracing::trace!(%route, "a late answer of the resolver");
            }
        });
    }
}
