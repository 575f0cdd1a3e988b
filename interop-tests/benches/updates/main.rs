//! What updates of firmware cost: the push of a package against what its blocks take at the least, the memory of one that
//! runs, and what thousands of them do to devices that register. Ends with an error if a figure is short of its limit.
//!
//! `cargo build --release -p server && cargo bench -p interop-tests --bench updates -- loopback slow memory crowd`; without
//! names all of them are measured, in some twenty minutes. The server is the `muster` beside this program, or the one that
//! `MUSTER_BINARY` names, in a process of its own on SQLite; the devices are the load generator's.

mod bare;
mod counted;
mod crowd;
mod memory;
mod push;
mod stage;

use std::process::ExitCode;

use self::stage::Row;

/// So that [`memory`] can ask a server that is this very program. It counts, and changes nothing else.
#[global_allocator]
static HEAP: counted::Heap = counted::heap();

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(config) = counted::is_to_serve(&arguments) {
        return counted::serve(config);
    }
    let names: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|name| !name.starts_with('-')).collect();
    if let Some(unknown) = names.iter().find(|name| !PARTS.iter().any(|(part, _)| part == *name)) {
        eprintln!("there is no part {unknown}: {}", PARTS.map(|(part, _)| part).join(", "));
        return ExitCode::FAILURE;
    }
    let mut is_short = false;
    for (name, measure) in PARTS {
        if names.is_empty() || names.contains(&name) {
            for row in measure() {
                println!("{row}");
                is_short |= !row.holds();
            }
        }
    }
    if is_short { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A name, and what it measures.
type Part = (&'static str, fn() -> Vec<Row>);

const PARTS: [Part; 4] = [
    ("loopback", push::loopback),
    ("slow", push::slow),
    ("memory", memory::of_each),
    ("crowd", crowd::beside),
];
