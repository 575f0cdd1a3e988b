//! `muster`: reads the command line and the configuration, starts the server, and stops it in order.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use server::{Config, Server, config::documented, telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// A device management server for LwM2M.
#[derive(Parser)]
#[command(name = "muster", version, about)]
struct Arguments {
    /// The configuration file; without one everything is at its default.
    #[arg(long, env = "MUSTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Checks the configuration and exits.
    #[arg(long)]
    validate: bool,
    /// Prints every key of the configuration with its meaning and default, and exits.
    #[arg(long)]
    print_config: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_config {
        print!("{}", documented());
        return ExitCode::SUCCESS;
    }
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("muster: {error}");
            return ExitCode::from(CONFIGURATION_ERROR);
        }
    };
    if arguments.validate {
        if let Err(error) = server::validate(&config) {
            eprintln!("muster: {error}");
            return ExitCode::from(CONFIGURATION_ERROR);
        }
        println!("The configuration is valid.");
        return ExitCode::SUCCESS;
    }
    telemetry::start_logging(&config.log);
    let server = match Server::start(&config).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("muster: {error}");
            return ExitCode::FAILURE;
        }
    };
    welcome(&config, &server);
    stop_requested().await;
    server.stop().await;
    ExitCode::SUCCESS
}

/// EX_CONFIG of sysexits.h.
const CONFIGURATION_ERROR: u8 = 78;

fn welcome(config: &Config, server: &Server) {
    println!(
        "Muster {}, profile {}: devices are served WITHOUT security, on loopback only.",
        env!("CARGO_PKG_VERSION"),
        config.profile
    );
    for address in server.coap_addresses() {
        println!("  Devices  coap://{address}");
    }
    println!("  Console  http://{}", server.console_address());
    println!("  Data     {}", config.data_dir.0.display());
    if let Some(link) = server.setup_link() {
        println!("  There is no administrator yet. Make one within 30 minutes:\n  {link}");
    }
}

async fn stop_requested() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
