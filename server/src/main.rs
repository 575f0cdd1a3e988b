//! `muster`: reads the command line and the configuration, starts the server, and stops it in order. Commands that speak
//! to a server are `cli`'s.

use std::{
    fmt::Display,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use server::{
    Config, Server, Welcome,
    config::{ConfigError, documented},
    demo::{self, Demo},
    limit,
    probe::{self, Question},
    service, telemetry,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

mod cli;

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
    /// Serves with a handful of simulated devices on data that is gone afterwards: to look around.
    Demo,
    /// Asks the server that runs on this machine with this configuration whether it is alive.
    Health {
        /// Asks instead whether it can do its work.
        #[arg(long)]
        ready: bool,
    },
    #[command(flatten)]
    Local(cli::Local),
    #[command(flatten)]
    Remote(Box<cli::Remote>),
    /// Prints what a shell needs to complete commands, such as `source <(muster completions bash)`.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// How commands end, as a number for scripts.
    #[command(long_about = cli::exit_codes())]
    ExitCodes,
}

fn main() -> ExitCode {
    let Arguments { config, validate, print_config, command } = Arguments::parse();
    if print_config {
        return cli::print(&documented().to_string());
    }
    let config = || load(config.as_deref());
    match command {
        None if validate => in_runtime(config(), check),
        None => in_runtime(config(), serve),
        Some(Command::Demo) => in_runtime(config(), demonstrate),
        Some(Command::Health { ready }) => {
            let question = if ready { Question::Ready } else { Question::Alive };
            in_runtime(config(), async move |config| {
                let answer = probe::ask(&config, question).await;
                answer.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
            })
        }
        Some(Command::Local(local)) => cli::run_local(local, config),
        Some(Command::Remote(remote)) => cli::run(*remote, config),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "muster", &mut script);
            cli::print(&String::from_utf8_lossy(&script))
        }
        Some(Command::ExitCodes) => cli::print(&cli::exit_codes()),
    }
}

fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    Config::load(file, variable)
}

async fn check(config: Config) -> ExitCode {
    if let Err(error) = server::validate(&config).await {
        return refused(&error);
    }
    for warning in config.warnings() {
        eprintln!("muster: warning: {warning}");
    }
    cli::print("The configuration is valid.\n")
}

fn in_runtime(config: Result<Config, ConfigError>, work: impl AsyncFnOnce(Config) -> ExitCode) -> ExitCode {
    let config = match config {
        Ok(config) => config,
        Err(error) => return refused(&error),
    };
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(async {
            match limit::outlive() {
                Ok(()) => work(config).await,
                Err(error) => failed(&error),
            }
        }),
        Err(error) => failed(&error),
    }
}

async fn serve(config: Config) -> ExitCode {
    telemetry::start_logging(&config.log);
    // Before the start: whoever has read where the server listens may end it at once.
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return failed(&error),
    };
    loop {
        let started = tokio::select! {
            started = Server::start(&config) => started,
            () = stop.requested() => return ExitCode::SUCCESS,
        };
        let server = match started {
            Ok(server) => server,
            Err(error) if error.is_of_the_configuration() => return refused(&error),
            Err(error) => return failed(&error),
        };
        welcome(server.welcome());
        service::ready();
        let again = tokio::select! {
            () = stop.requested() => false,
            () = service::reassure(|| server.is_whole()) => false,
            () = server.restored() => true,
        };
        if !again {
            service::stopping();
        }
        server.stop().await;
        if !again {
            return ExitCode::SUCCESS;
        }
    }
}

async fn demonstrate(config: Config) -> ExitCode {
    telemetry::start_logging(&config.log);
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return failed(&error),
    };
    let started = tokio::select! {
        started = Demo::start(&config) => started,
        () = stop.requested() => return ExitCode::SUCCESS,
    };
    let demo = match started {
        Ok(demo) => demo,
        Err(error) => return failed(&error),
    };
    // Its administrator is there already.
    welcome(&format_args!(
        "{}  Log in as {} with the password {}\n  Ctrl-C ends it, and everything in it is gone.\n",
        Welcome { setup_link: None, ..demo.server().welcome().clone() },
        demo::USER,
        demo.password()
    ));
    stop.requested().await;
    demo.stop().await;
    ExitCode::SUCCESS
}

/// Says where everything is. A server whose output nobody reads any more serves all the same.
fn welcome(text: &dyn Display) {
    let mut out = io::stdout().lock();
    let _ = write!(out, "{text}").and_then(|()| out.flush());
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
