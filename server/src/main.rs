//! `muster`: reads the command line and the configuration, starts the server, and stops it in order.

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use server::{
    Config, Server,
    config::documented,
    probe::{self, Question},
    service, telemetry,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A device management server for LwM2M.
#[derive(Parser)]
#[command(name = "muster", version, about)]
struct Arguments {
    /// The configuration file; without one everything is at its default.
    #[arg(long, env = "MUSTER_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Checks all that a start would and exits. Makes nothing.
    #[arg(long)]
    validate: bool,
    /// Prints every key of the configuration with its meaning and default, and exits.
    #[arg(long)]
    print_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Subcommand)]
enum Command {
    /// Asks the server that runs on this machine with this configuration whether it is alive.
    Health {
        /// Asks instead whether it can do its work.
        #[arg(long)]
        ready: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_config {
        print!("{}", documented());
        return ExitCode::SUCCESS;
    }
    let config = match Config::load(arguments.config.as_deref(), variable) {
        Ok(config) => config,
        Err(error) => return refused(&error),
    };
    if let Some(Command::Health { ready }) = arguments.command {
        let question = if ready { Question::Ready } else { Question::Alive };
        return probe::ask(&config, question)
            .await
            .map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS);
    }
    if arguments.validate {
        if let Err(error) = server::validate(&config) {
            return refused(&error);
        }
        for warning in config.warnings() {
            eprintln!("muster: warning: {warning}");
        }
        println!("The configuration is valid.");
        return ExitCode::SUCCESS;
    }
    telemetry::start_logging(&config.log);
    // Before the start: whoever has read where the server listens may end it at once.
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return failed(&error),
    };
    let started = tokio::select! {
        started = Server::start(&config) => started,
        () = stop.requested() => return ExitCode::SUCCESS,
    };
    let server = match started {
        Ok(server) => server,
        Err(error) if error.is_of_the_configuration() => return refused(&error),
        Err(error) => return failed(&error),
    };
    print!("{}", server.welcome());
    service::ready();
    tokio::select! {
        () = stop.requested() => {}
        () = service::reassure(|| server.is_whole()) => {}
    }
    service::stopping();
    server.stop().await;
    ExitCode::SUCCESS
}

// What is not Unicode is no form of any key, and is told so.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn refused(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("muster: {error}");
    ExitCode::from(CONFIGURATION_ERROR)
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("muster: {error}");
    ExitCode::FAILURE
}

/// EX_CONFIG of sysexits.h.
const CONFIGURATION_ERROR: u8 = 78;

/// The signals that ask for an end in order.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
