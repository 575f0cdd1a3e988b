//! Logs and metrics of the process.
//!
//! Lines are text on a terminal and JSON elsewhere; fields have dotted names. No payload, value or secret is ever logged.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat, LogLevel};

/// Starts logging to standard error. `RUST_LOG`, where set, overrules the level.
pub fn start_logging(config: &LogConfig) {
    let level = match config.level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
    };
    // The database layers log every statement at info; what webrtc-dtls says of a handshake the diary says better.
    let quiet =
        format!("{level},sqlx=warn,sea_orm=warn,sea_orm_migration=warn,webrtc_dtls=off,webrtc_util=off");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(quiet));
    let terminal = std::io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
    // A second start in one process (tests) keeps the first one's subscriber.
    let _ = if json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines).try_init()
    };
}

/// Starts counting, once a process, and returns what `/metrics` shows.
pub fn start_metrics() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            // Fails only where another recorder was installed before, which nothing here does.
            let _ = metrics::set_global_recorder(recorder);
            handle
        })
        .clone()
}
