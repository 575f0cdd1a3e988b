//! Prints what came of the DTLS clients when they ran last: `cargo run -p interop-tests --example dtls > interop-tests/DTLS.md`.

use interop_tests::{Book, Results, page};

fn main() {
    println!("# DTLS clients and Muster\n");
    println!(
        "Made by `cargo run -p interop-tests --example dtls` from the last run of `tests/dtls.rs`; not edited by hand.\n"
    );
    println!(
        "Each client opens a session with the engine (`server/dtls`), which serves the one suite, says something and hears the \
         answer: ok. `cid`: the same with a connection id (RFC 9146). `resumption`: a second session goes on with the keys of \
         the first. What a client can't do has a note, or stands in `expectations.toml`.\n"
    );
    println!("{}", page(&Results::load(Book::Dtls)));
}
