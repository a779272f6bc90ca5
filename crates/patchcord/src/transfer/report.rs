//! `--report`: what happened, told in the end.

use session_core::{Delivery, SessionEvent, Subscriber};

use crate::agent::Agent;
use crate::args::ReportForm;
use crate::console::Console;
use crate::json::Line;

/// Tells the report of each transfer that has begun. One that cannot be had is logged: the transfer itself has its exit code.
pub(super) async fn tell(
    form: ReportForm,
    agent: &Agent,
    mut begun: Subscriber<SessionEvent>,
    console: &Console,
) {
    while let Ok(delivery) = begun.try_recv() {
        let Delivery::Event(event) = delivery else { continue };
        let Some(transfer) = event.transfer else { continue };
        let report = match agent.manager.transfer_report(&transfer).await {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(%transfer, %error, "no report");
                continue;
            }
        };
        agent.told(transfer).await;
        match form {
            ReportForm::Text => console.line(&format!("\n{report}\n\n{}", report.ladder())),
            ReportForm::Mermaid => console.line(&report.mermaid()),
            ReportForm::Json => {
                // invariant: strings, numbers and lists always have a JSON form.
                let report = serde_json::to_value(&*report).expect("invariant: a report serialises");
                console.line(&Line::own("transfer_report", console.now()).with("report", report).to_json());
            }
        }
    }
}
