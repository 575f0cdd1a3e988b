//! Prints what the scenarios recorded when they ran last: `cargo run -p interop-tests --example results > interop-tests/RESULTS.md`.

fn main() {
    println!("# Scenarios and peers\n");
    println!(
        "Made by `cargo run -p interop-tests --example results` from the last run of each test; not edited by hand.\n"
    );
    println!("{}", interop_tests::Results::load(interop_tests::Book::Scenarios).table());
}
