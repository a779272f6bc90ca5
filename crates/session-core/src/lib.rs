//! The patchcord engine, driver and facade: SessionManager
