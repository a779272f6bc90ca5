//! A typed event bus: priorities, batches, filters, bounded queues and counted loss
